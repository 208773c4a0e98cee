"""What each rank does: its shards' windows, a step at a time, with a checkpoint after each epoch that any number of ranks goes on from.

How it works: the securities lie in a fixed number of shards. A step takes a batch of windows from every shard; a rank makes the
gradients of its own shards one by one, all of them are added in the order of the shards, and every rank takes the same step.
So one process, two ranks and eight end with the same bits.
What does not belong here: laying out the work (training.lstm), starting ranks (training.distributed).
"""

import hashlib
import json
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from market.errors import Permanent
from training.distributed import Ranks, step, told
from training.lstm_network import Fitted, Float32, Scale, Shape, attributions, cut, network, pinned

WORK, CHECKPOINT, RESULT, STOPPED = "work.json", "checkpoint.safetensors", "fitted.safetensors", "stopped.json"
_ATTRIBUTED = 512  # windows that the shares of the features are measured on


@dataclass(frozen=True)
class Work:
    """What a launch is to do, beside its rows.

    Parameters
    ----------
    features, window, hidden, layers, loss : the shape.
    mean, deviation : (k,) by which the features are scaled.
    batch, learning_rate, weight_decay, n_epochs, n_shards, seed : of the fit.
    n_steps : of an epoch: batches of the largest shard.
    patience : epochs without a better loss on the watched windows before it ends; 0 where none are watched.
    """

    features: tuple[str, ...]
    window: int
    hidden: int
    layers: int
    loss: str
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    batch: int
    learning_rate: float
    weight_decay: float
    n_epochs: int
    n_shards: int
    seed: int
    n_steps: int
    patience: int

    @property
    def shape(self) -> Shape:
        """What is fitted."""
        return Shape(self.features, self.window, self.hidden, self.layers, self.loss)

    @property
    def scale(self) -> Scale:
        """How the features are scaled."""
        return Scale(np.array(self.mean), np.array(self.deviation))


@dataclass(frozen=True)
class Shard:
    """Some of the securities: their windows over scaled rows, their targets, and which of them are watched, not fitted."""

    values: Float32
    firsts: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    target: Float32
    watched: npt.NDArray[np.bool_]


def shard_file(folder: Path, number: int) -> Path:
    """The rows of a shard: columns of the features (float64), first (of the row's window), target and watched, null for context."""
    return folder / f"shard-{number}.arrow"


def fit(folder: Path, ranks: Ranks) -> None:
    """Fit what the folder describes; rank 0 leaves the result there."""
    with pinned():
        _Fit(folder, ranks).run()


class _Fit:
    def __init__(self, folder: Path, ranks: Ranks) -> None:
        import torch

        self.folder, self.ranks = folder, ranks
        plain: Any = json.loads((folder / WORK).read_text())
        said: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
        self.work = Work(**said)
        if ranks.size > self.work.n_shards:
            raise Permanent(
                "ranks", expected=f"at most the {self.work.n_shards} shards", found=str(ranks.size), do="Raise the model's n_shards"
            )  # fmt: skip
        first, last = (at * self.work.n_shards // ranks.size for at in (ranks.rank, ranks.rank + 1))
        self.shards = {number: _read(folder, number, self.work) for number in range(first, last)}
        self.module = network(self.work.shape, self.work.seed)
        self.optimizer = torch.optim.Adam(
            self.module.parameters(), lr=self.work.learning_rate, weight_decay=self.work.weight_decay
        )
        self.epoch, self.best, self.best_epoch = 0, math.inf, 0
        if (folder / CHECKPOINT).exists():
            self._resume()

    def run(self) -> None:
        work = self.work
        while self.epoch < work.n_epochs and not (work.patience and self.epoch - self.best_epoch >= work.patience):
            numbers = {"epoch": float(self.epoch + 1), "train_loss": self._epoch()}
            self.epoch += 1
            if work.patience:
                numbers["watched_loss"] = self._watched()
                if numbers["watched_loss"] < self.best:
                    self.best, self.best_epoch = numbers["watched_loss"], self.epoch
            if self.ranks.rank == 0:
                self._keep()
                told(self.folder, numbers)
        digest = hashlib.sha256(b"".join(value.tobytes() for value in self._weights().values())).hexdigest()
        if not self.ranks.all_equal(digest):
            raise Permanent("ranks", expected="equal weights on every rank at the end", found="different ones")
        if self.ranks.rank == 0:
            self._leave()

    def _epoch(self) -> float:
        """One pass over the windows that are fitted; the mean loss."""
        orders = [self._order(number, shard) for number, shard in self.shards.items()]
        total = np.zeros(2)
        for number in range(self.work.n_steps):
            step(self.folder, self.ranks.rank, self.epoch * self.work.n_steps + number)
            part = slice(number * self.work.batch, (number + 1) * self.work.batch)
            made = [
                self._gradient(shard, order[part]) for shard, order in zip(self.shards.values(), orders, strict=True)
            ]
            summed = self.ranks.summed(np.stack(made))
            self._take(summed[:-2] / max(summed[-1], 1.0))
            total += summed[-2:]
        return float(total[0] / max(total[1], 1.0))

    def _order(self, number: int, shard: Shard) -> npt.NDArray[np.int64]:
        fitted = np.flatnonzero(~shard.watched)
        return np.random.default_rng([self.work.seed, self.epoch, number]).permutation(fitted)

    def _loss(self, shard: Shard, rows: npt.NDArray[np.int64]) -> Any:
        """Sum of the losses of some windows."""
        import torch

        windows = cut(shard.values, shard.firsts[rows], shard.places[rows], self.work.shape.window)
        said, target = self.module(torch.from_numpy(windows)), torch.from_numpy(shard.target[rows])
        if self.work.shape.loss == "logistic":
            return torch.nn.functional.binary_cross_entropy_with_logits(said, target, reduction="sum")
        return ((said - target) ** 2).sum()

    def _gradient(self, shard: Shard, rows: npt.NDArray[np.int64]) -> Float32:
        """(p + 2,) gradient of the summed loss, the loss, and the number of windows: what can be added over shards."""
        import torch

        parameters = list(self.module.parameters())
        if not rows.size:
            return np.zeros(sum(one.numel() for one in parameters) + 2, dtype=np.float32)
        loss = self._loss(shard, rows)
        parts = [one.reshape(-1) for one in torch.autograd.grad(loss, parameters)]
        return np.asarray(torch.cat([*parts, torch.tensor([float(loss.detach()), float(rows.size)])]).numpy())

    def _take(self, gradient: Float32) -> None:
        import torch

        begin = 0
        for one in self.module.parameters():
            one.grad = torch.from_numpy(gradient[begin : begin + one.numel()].copy()).reshape(one.shape)
            begin += one.numel()
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        self.optimizer.step()

    def _watched(self) -> float:
        import torch

        parts = []
        with torch.inference_mode():
            for shard in self.shards.values():
                rows = np.flatnonzero(shard.watched)
                some = [rows[begin : begin + 1024] for begin in range(0, rows.size, 1024)]
                parts.append([sum(float(self._loss(shard, part)) for part in some), float(rows.size)])
        total = self.ranks.summed(np.array(parts, dtype=np.float32))
        return float(total[0] / total[1])

    def _weights(self) -> dict[str, Float32]:
        return {name: value.detach().numpy().copy() for name, value in self.module.state_dict().items()}

    def _keep(self) -> None:
        """The checkpoint, whole or not at all."""
        from safetensors.numpy import save

        state = self.optimizer.state_dict()["state"]
        tensors = {f"weight.{name}": value for name, value in self._weights().items()}
        for number, moments in state.items():
            tensors |= {f"adam.{number}.{name}": value.numpy() for name, value in moments.items()}
        told_by = {"epoch": self.epoch, "best": self.best, "best_epoch": self.best_epoch}
        _whole(self.folder / CHECKPOINT, save(tensors, {"at": json.dumps(told_by)}))

    def _resume(self) -> None:
        from safetensors import SafetensorError, safe_open

        path = self.folder / CHECKPOINT
        try:
            with safe_open(path, "pt") as file:
                at = json.loads(file.metadata()["at"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (SafetensorError, OSError) as error:
            raise Permanent(
                f"checkpoint {path}",
                expected="safetensors, whole",
                found=str(error),
                do="Remove it: the fit begins anew",
            ) from error
        self.module.load_state_dict(
            {name.removeprefix("weight."): value for name, value in tensors.items() if name.startswith("weight.")}
        )
        state: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            if name.startswith("adam."):
                _, number, moment = name.split(".")
                state.setdefault(int(number), {})[moment] = value
        whole = self.optimizer.state_dict()
        self.optimizer.load_state_dict({**whole, "state": state})
        self.epoch, self.best, self.best_epoch = int(at["epoch"]), float(at["best"]), int(at["best_epoch"])

    def _leave(self) -> None:
        if self.work.patience:
            _whole(self.folder / STOPPED, json.dumps(self.best_epoch).encode())
            return
        shard = self.shards[0]
        some = np.unique(np.linspace(0, shard.places.size - 1, min(_ATTRIBUTED, shard.places.size)).astype(int))
        made = Fitted(self.work.shape, self.work.scale, self._weights(), np.zeros(len(self.work.features)))
        brought = np.abs(attributions(made, shard.values, shard.firsts[some], shard.places[some]).sum(axis=1)).mean(
            axis=0
        )
        _whole(self.folder / RESULT, replace(made, shares=brought / (brought.sum() or 1.0)).pack())


def _read(folder: Path, number: int, work: Work) -> Shard:
    """One shard: its file is mapped, its features are scaled once into one matrix."""
    with pa.memory_map(str(shard_file(folder, number))) as file:
        table = pa.ipc.open_file(file).read_all()
        values = np.column_stack([table.column(name).to_numpy() for name in work.features])
        places = np.flatnonzero(table.column("target").is_valid().to_numpy())
        chosen = table.select(["first", "target", "watched"]).take(places)
        first, target, watched = (column.to_numpy().copy() for column in chosen.columns)
    return Shard(work.scale(values), first, places, target.astype(np.float32), watched.astype(np.bool_))


def _whole(path: Path, content: bytes) -> None:
    """Written whole or not at all."""
    beside = path.with_suffix(".part")
    beside.write_bytes(content)
    os.replace(beside, path)
