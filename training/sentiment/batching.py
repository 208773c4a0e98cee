"""Which texts go through the network together: those of exactly one length, so that nothing is padded and nothing masked.

With nothing padded a text's numbers depend on no other text but through the order in which a matrix product adds up.
What does not belong here: the network.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from training.sentiment.encoder import Encoder

TOKENS_PER_BATCH = 1_024
"""More gains nothing on a processor (a layer's numbers then no longer fit its cache), less costs calls."""


def together(length: int, tokens_per_batch: int) -> int:
    """How many texts of that many tokens go through at a time."""
    return max(1, tokens_per_batch // max(1, length))


def batches(lengths: npt.ArrayLike, tokens_per_batch: int = TOKENS_PER_BATCH) -> Iterator[npt.NDArray[np.int64]]:
    """Positions of texts of one length, at most so many tokens at a time but at least one text; the shortest first.

    Parameters
    ----------
    lengths : (n,) tokens of each text.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(sizes, kind="stable")
    for same in np.split(order, np.flatnonzero(np.diff(sizes[order])) + 1):
        if same.size:
            step = together(int(sizes[same[0]]), tokens_per_batch)
            yield from (same[start : start + step] for start in range(0, same.size, step))


def logits(
    encoder: "Encoder",
    numbers: Sequence[Sequence[int]],
    tokens_per_batch: int = TOKENS_PER_BATCH,
    *,
    fixed_shapes: bool = False,
) -> npt.NDArray[np.float32]:
    """(n, 3) logits of texts given as token numbers, in their order; the network is asked as it is, dropout included.

    Parameters
    ----------
    fixed_shapes : batches are filled up with copies of their last text, so that all texts of one length meet products of one
        shape: then a text's bits depend on no other text.
    """
    import torch

    found = np.zeros((len(numbers), 3), dtype=np.float32)
    with torch.inference_mode():
        for rows in batches([len(one) for one in numbers], tokens_per_batch):
            asked = [numbers[row] for row in rows]
            if fixed_shapes:
                asked += [asked[-1]] * (together(len(asked[0]), tokens_per_batch) - len(asked))
            found[rows] = encoder.outputs(asked).numpy()[: len(rows)]
    return found
