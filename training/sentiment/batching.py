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
            step = max(1, tokens_per_batch // max(1, int(sizes[same[0]])))
            yield from (same[start : start + step] for start in range(0, same.size, step))


def logits(
    encoder: "Encoder", numbers: Sequence[Sequence[int]], tokens_per_batch: int = TOKENS_PER_BATCH
) -> npt.NDArray[np.float32]:
    """(n, 3) logits of texts given as token numbers, in their order; the network is asked as it is, dropout included."""
    import torch

    found = np.zeros((len(numbers), 3), dtype=np.float32)
    with torch.inference_mode():
        for rows in batches([len(one) for one in numbers], tokens_per_batch):
            found[rows] = encoder.outputs([numbers[row] for row in rows]).numpy()
    return found
