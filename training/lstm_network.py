"""The network of the LSTM, as bytes: safetensors that hold the weights, how inputs are scaled, and the shape; never a pickle.

What does not belong here: fitting (training.lstm_rank), parameters (training.lstm).
"""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from market.errors import Permanent
from training.inputs import Windows

CLIP = 5.0
"""Deviations from the mean beyond which an input is taken for this many: one wild value must not carry a window."""
BATCH = 256
"""Windows scored at a time, always: a matrix product over another number of rows may add in another order."""
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """What the weights are of.

    Parameters
    ----------
    features : names, in order.
    window : sessions.
    hidden, layers : of the LSTM.
    loss : ``squared`` or ``logistic``; with the second a score is a probability.
    """

    features: tuple[str, ...]
    window: int
    hidden: int
    layers: int
    loss: str


@dataclass(frozen=True)
class Scale:
    """Means and deviations (k,) of the features over the rows that were fitted; 1 where a feature never varies."""

    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]

    def __call__(self, values: npt.NDArray[np.float64]) -> Float32:
        """(m, k) in deviations from the mean, at most ``CLIP``; what is not known is 0, the mean."""
        scaled = (values - self.mean) / self.deviation
        return np.nan_to_num(np.clip(scaled, -CLIP, CLIP)).astype(np.float32)


@dataclass(frozen=True)
class Fitted:
    """Shape, scale, weights by name, and the share of each feature in what the scores answer to."""

    shape: Shape
    scale: Scale
    weights: dict[str, Float32]
    shares: npt.NDArray[np.float64]

    def pack(self) -> bytes:
        """The whole as safetensors; equal contents are equal bytes."""
        from safetensors.numpy import save

        tensors: dict[str, npt.NDArray[Any]] = {f"weight.{name}": value for name, value in sorted(self.weights.items())}
        tensors |= {"scale.mean": self.scale.mean, "scale.deviation": self.scale.deviation, "shares": self.shares}
        return bytes(save(tensors, {"marketlake": json.dumps(asdict(self.shape), sort_keys=True)}))

    @classmethod
    def unpack(cls, raw: bytes) -> "Fitted":
        """What ``pack`` wrote.

        Raises
        ------
        Permanent
            The bytes are cut off, or of another kind; a pickle is never opened.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        expected = "safetensors of an LSTM, whole"
        try:
            header = json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])
            shape = json.loads(header["__metadata__"]["marketlake"])
            tensors = load(raw)
        except (SafetensorError, struct.error, ValueError, KeyError, TypeError) as error:
            raise Permanent(
                "LSTM",
                expected=expected,
                found=f"{len(raw)} bytes, cut off or of another kind ({type(error).__name__})",
            ) from error
        weights = {name.removeprefix("weight."): tensors[name] for name in tensors if name.startswith("weight.")}
        scale = Scale(tensors["scale.mean"], tensors["scale.deviation"])
        return cls(Shape(**{**shape, "features": tuple(shape["features"])}), scale, weights, tensors["shares"])


def network(shape: Shape, seed: int | None = None) -> Any:
    """A torch module: (b, window, k) float32 -> (b,) score, before the logistic function where there is one."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(len(shape.features), shape.hidden, shape.layers, batch_first=True)
            self.out = torch.nn.Linear(shape.hidden, 1)

        def forward(self, windows: Any) -> Any:
            states, _ = self.lstm(windows)
            return self.out(states[:, -1]).squeeze(-1)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0 if seed is None else seed)
        return Network()


def opened(fitted: Fitted) -> Any:
    """The torch module with the weights, for scoring."""
    import torch

    made = network(fitted.shape)
    made.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in fitted.weights.items()})
    return made.eval()


def cut(values: Float32, firsts: npt.NDArray[np.int64], places: npt.NDArray[np.int64], width: int) -> Float32:
    """(b, width, k) the windows themselves; sessions before a window's first row are 0."""
    rows = places[:, None] - np.arange(width - 1, -1, -1)
    inside = rows >= firsts[:, None]
    return np.asarray(values[np.where(inside, rows, 0)] * inside[..., None])


def scores(fitted: Fitted, windows: Windows) -> npt.NDArray[np.float64]:
    """(n,) score of each window; it does not depend on the others.  Memory is that of a batch."""
    import torch

    values, module = fitted.scale(windows.values), opened(fitted)
    found = np.empty(windows.places.size)
    with pinned(), torch.inference_mode():
        for begin, batch in _batches(values, windows.firsts, windows.places, windows.width):
            said = module(torch.from_numpy(batch))
            said = torch.sigmoid(said) if fitted.shape.loss == "logistic" else said
            size = min(BATCH, found.size - begin)
            found[begin : begin + size] = said.numpy()[:size]
    return found


def attributions(
    fitted: Fitted, values: Float32, firsts: npt.NDArray[np.int64], places: npt.NDArray[np.int64], n_steps: int = 16
) -> npt.NDArray[np.float64]:
    """(n, width, k) what each value of each window adds to its score, from the score of a window of means.

    Integrated gradients along the straight line from the means, by ``n_steps`` midpoints; they add up to the difference as far
    as so many steps go.  Of the score before the logistic function.

    Source
    ------
    M. Sundararajan, A. Taly, Q. Yan, Axiomatic Attribution for Deep Networks (2017).
    """
    import torch

    module = opened(fitted)
    found = np.empty((places.size, fitted.shape.window, values.shape[1]))
    with pinned():
        for begin, batch in _batches(values, firsts, places, fitted.shape.window):
            whole, total = torch.from_numpy(batch), torch.zeros(batch.shape)
            for part in (np.arange(n_steps) + 0.5) / n_steps:
                at = (whole * float(part)).requires_grad_()
                total += torch.autograd.grad(module(at).sum(), at)[0] / n_steps
            size = min(BATCH, len(found) - begin)
            found[begin : begin + size] = (total * whole).numpy()[:size]
    return found


def starts_from(fitted: Fitted) -> float:
    """The score of a window of means, before the logistic function."""
    import torch

    empty = torch.zeros((BATCH, fitted.shape.window, len(fitted.shape.features)))
    with pinned(), torch.inference_mode():
        return float(opened(fitted)(empty)[0])


@contextmanager
def pinned() -> Iterator[None]:
    """One thread, so that sums are made in one order whatever machine it is."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _batches(
    values: Float32, firsts: npt.NDArray[np.int64], places: npt.NDArray[np.int64], width: int
) -> Iterator[tuple[int, Float32]]:
    """Where each batch begins, and its windows, filled up with empty ones to the same number."""
    for begin in range(0, places.size, BATCH):
        part = slice(begin, begin + BATCH)
        batch = cut(values, firsts[part], places[part], width)
        yield begin, np.pad(batch, ((0, BATCH - len(batch)), (0, 0), (0, 0)))
