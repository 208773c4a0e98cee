"""Probabilities of many texts: each different one once, texts of one length together, in float32 or int8, broken off and taken up.

What does not belong here: Spark's workers (training.sentiment.partitions), what a score is used for.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.sentiment import deep
from training.sentiment.batching import TOKENS_PER_BATCH, logits
from training.sentiment.encoder import Encoder, Source, open_encoder, probabilities
from training.sentiment.labels import LABELS, normalised
from training.sentiment.quantization import quantized

Key = TypeVar("Key", bound=Hashable)

TOLERANCE = 1e-4
"""By how much a probability may differ with the texts around it: matrix products of other sizes add up in another order."""

LEVEL = "level"


class Scorer:
    """Scores texts with one model.

    A text is read normalised (NFC, white space made single) and cut after the model's ``max_tokens``, 128 as a rule, marks included:
    of 10,000 characters the beginning counts.  An empty text, or none, has null probabilities and a null level.  Each different
    text is read once in the life of a scorer, up to ``remembered`` of them.

    The same texts in the same calls give equal bits; among other texts a probability differs by at most ``TOLERANCE``, so that a
    label differs only where two probabilities were that close. With ``fixed_shapes`` it does not differ at all.

    Parameters
    ----------
    source : a model as ``open_encoder`` takes it; with a fresh head it says nothing, which is up to the caller.
    int8 : linear layers in 8-bit whole numbers: about twice as fast on a processor, nearly the same labels (``equal_labels``).
    threads : that torch uses.
    tokens_per_batch : that go through the network at a time.
    remembered : texts whose probabilities are kept; beyond that all are forgotten.
    fixed_shapes : a text has the same bits whatever is read with it, on equal processors; slower for a few texts.

    Raises
    ------
    Permanent, Transient
        As ``open_encoder``.
    """

    def __init__(
        self, source: Source | Encoder, *, int8: bool = False, threads: int = 1, tokens_per_batch: int = TOKENS_PER_BATCH,
        remembered: int = 1_000_000, fixed_shapes: bool = False,
    ) -> None:  # fmt: skip
        self._encoder = source if isinstance(source, Encoder) else open_encoder(source)
        if int8:
            self._encoder = self._encoder.with_settings(network=quantized(self._encoder.network))
        self._threads, self._tokens_per_batch, self._remembered = threads, tokens_per_batch, remembered
        self._fixed_shapes = fixed_shapes
        self._known: dict[str, npt.NDArray[np.float64]] = {}
        self.n_read = 0
        """Texts that went through the network so far."""

    def score(self, texts: Sequence[str | None]) -> pd.DataFrame:
        """A row per text in their order: ``negative``, ``neutral``, ``positive`` (probabilities that sum to 1) and ``level``.

        The level is positive less negative, from -1 to 1.
        """
        clean = [normalised(text) for text in texts]
        unique = [text for text in dict.fromkeys(clean) if text]
        new = [text for text in unique if text not in self._known]
        if len(self._known) + len(new) > self._remembered:
            self._known.clear()
            new = unique
        self._known.update(zip(new, self._read(new), strict=True))
        unknown = np.full(len(LABELS), np.nan)
        said = np.array([self._known.get(text, unknown) for text in clean]).reshape(-1, len(LABELS))
        return pd.DataFrame(said, columns=list(LABELS)).assign(**{LEVEL: said[:, 2] - said[:, 0]})

    def score_chunks(
        self, chunks: Iterable[tuple[Key, Sequence[str | None]]], done: Collection[Key] = ()
    ) -> Iterator[tuple[Key, pd.DataFrame]]:
        """Key and scores of each chunk whose key is not done yet, as soon as it is scored.

        Whoever stores a chunk before asking for the next loses at most one when it is broken off.
        """
        for key, texts in chunks:
            if key not in done:
                yield key, self.score(texts)

    def _read(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        self.n_read += len(texts)
        with deep.pinned(0, self._threads):
            found = logits(
                self._encoder, self._encoder.tokens(texts), self._tokens_per_batch, fixed_shapes=self._fixed_shapes
            )
        return probabilities(found, self._encoder.temperature)


def labels_of(scores: pd.DataFrame) -> "pd.Series[str]":
    """The most probable label of each row; null where nothing was scored."""
    said = scores[list(LABELS)]
    return said.where(said.notna(), -1.0).idxmax(axis=1).astype("string").where(said["neutral"].notna())


def equal_labels(source: Source | Encoder, texts: Sequence[str]) -> float:
    """Share of the different texts whose most probable label is the same in int8 as in float32."""
    unique = [text for text in dict.fromkeys(map(normalised, texts)) if text]
    encoder = source if isinstance(source, Encoder) else open_encoder(source)
    full, small = (labels_of(Scorer(encoder, int8=int8).score(unique)) for int8 in (False, True))
    return float((full == small).mean()) if unique else 1.0
