"""Teaching an encoder three classes: one way for a KoBERT of the hub and for our own small BERT.

What does not belong here: which rows (training.sentiment.labels), what the result is worth (training.sentiment.judging).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.errors import Permanent
from training.sentiment import deep
from training.sentiment.agreement import Codes, macro_f1
from training.sentiment.batching import logits
from training.sentiment.calibration import fit_temperature
from training.sentiment.descent import Descent, Told
from training.sentiment.encoder import Encoder, Source, digest_of, open_encoder
from training.sentiment.labels import LABELS, codes


@dataclass(frozen=True)
class Tuning:
    """How it is taught.

    Parameters
    ----------
    epochs : rounds over the rows at most.
    batch : rows a step.
    rate : learning rate at its highest; 5e-5 suits a BERT of base size, ten times that a small one.
    warm_up : share of the steps in which the rate rises to it.
    patience : rounds without a better macro F1 on the validation rows before it ends.
    max_tokens : of a text, marks included; the rest is not read.
    threads : torch uses; another number gives other bits.
    """

    epochs: int = 8
    batch: int = 32
    rate: float = 5e-5
    warm_up: float = 0.1
    patience: int = 2
    max_tokens: int = 128
    threads: int = 1

    def __post_init__(self) -> None:
        whole = min(self.epochs, self.batch, self.patience, self.threads)
        if whole < 1 or self.max_tokens < 3 or self.rate <= 0 or not 0 <= self.warm_up < 1:
            raise Permanent("fine-tuning", expected="counts and a rate above 0, at least 3 tokens", found=repr(self))


@dataclass(frozen=True)
class Fitted:
    """A fine-tuned model.

    Parameters
    ----------
    files : by name, as ``open_encoder`` reads them; its temperature among them.
    losses : of each step.
    rounds : macro F1 on the validation rows after each round; the best was kept, the earliest of equals.
    temperature : fitted on the validation rows.
    """

    files: dict[str, bytes]
    losses: tuple[float, ...]
    rounds: tuple[float, ...]
    temperature: float

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the names and contents of the files."""
        return digest_of(self.files)


def fine_tune(
    source: Source, train: pd.DataFrame, validation: pd.DataFrame, seed: int, tuning: Tuning = Tuning(), on_step: Told | None = None
) -> Fitted:  # fmt: skip
    """The encoder after it was taught; equal rows in equal order, source, seed and threads give equal bytes.

    Classes count by the inverse of their number, so that a set of neutral sentences does not teach to say neutral.

    Parameters
    ----------
    source : a model without a head, or with one of our classes, which is then taught further.
    train, validation : ``text`` (normalised) and ``label``, as ``training.sentiment.labels.split`` gives them.
    seed : of a fresh head, the order of the rows and dropout.
    on_step : told of each step: done, all, loss.

    Raises
    ------
    Permanent
        A class is missing on either side; and as ``open_encoder``.
    """
    for name, rows in (("train", train), ("validation", validation)):
        if missing := set(LABELS) - set(rows["label"]):
            raise Permanent(
                f"fine-tuning, {name} rows", expected=f"rows of each class: {', '.join(LABELS)}",
                found=f"none of {', '.join(sorted(missing))} in {len(rows)}",
            )  # fmt: skip
    deep.require()
    with deep.pinned(seed, tuning.threads):
        encoder = open_encoder(source, seed)
        encoder = encoder.with_settings(max_tokens=min(encoder.max_tokens, tuning.max_tokens), temperature=1.0)
        losses, rounds = _teach(encoder, train, validation, seed, tuning, on_step)
        found = logits(encoder, encoder.tokens(validation["text"].tolist()))
        temperature = fit_temperature(found, codes(validation["label"]))
        return Fitted(encoder.with_settings(temperature=temperature).files(), losses, rounds, temperature)


def _teach(
    encoder: Encoder, train: pd.DataFrame, validation: pd.DataFrame, seed: int, tuning: Tuning, on_step: Told | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Losses and macro F1 by round; the network ends with the weights of the best round, and without dropout."""
    import torch

    numbers, targets = encoder.tokens(train["text"].tolist()), codes(train["label"])
    watched, truth = encoder.tokens(validation["text"].tolist()), codes(validation["label"])
    loss_of = torch.nn.CrossEntropyLoss(weight=_weights(targets))
    steps = -(-len(numbers) // tuning.batch)
    descent = Descent(encoder.network, steps * tuning.epochs, tuning.rate, tuning.warm_up, on_step)
    rng = np.random.default_rng(seed)
    losses: list[float] = []
    rounds: list[float] = []
    best: dict[str, Any] = {}
    for _ in range(tuning.epochs):
        encoder.network.train()
        for rows in _dealt(len(numbers), tuning.batch, rng):
            said = encoder.outputs([numbers[row] for row in rows])
            losses.append(descent.step(loss_of(said, torch.from_numpy(targets[rows]))))
        encoder.network.eval()
        rounds.append(macro_f1(truth, logits(encoder, watched).argmax(axis=1)))
        if rounds[-1] == max(rounds) and rounds.count(rounds[-1]) == 1:
            best = {name: one.clone() for name, one in encoder.network.state_dict().items()}
        if len(rounds) - 1 - rounds.index(max(rounds)) >= tuning.patience:
            break
    encoder.network.load_state_dict(best)
    return tuple(losses), tuple(rounds)


def _weights(targets: Codes) -> Any:
    import torch

    counts = np.bincount(targets, minlength=len(LABELS))
    return torch.tensor(targets.size / (len(LABELS) * counts), dtype=torch.float32)


def _dealt(n: int, size: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    order = rng.permutation(n)
    return (order[start : start + size] for start in range(0, n, size))
