"""An LSTM over windows of the daily features, as an algorithm of ours: validated parameters, rows in, safetensors out, equal bits again.

How it works: what is to be fitted is laid into a folder, a file of rows for each shard of securities; ranks fit it there
(training.lstm_rank) and leave the result. A fit that was broken off finds its folder again by the digest of what it is of.
What does not belong here: which features and label (training.models), how ranks are started (training.distributed).
"""

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from market.errors import Permanent
from training.algorithm import Float1D, Float2D, Importance, Parameter, Sample, Search
from training.distributed import Launch, run
from training.inputs import Inputs, Windows
from training.parameters import Range, completed

LOSSES = ("squared", "logistic")
RANGES: Mapping[str, Range] = {
    "window": (int, 20, 2, 500),
    "hidden": (int, 32, 1, 1024),
    "layers": (int, 1, 1, 8),
    "n_epochs": (int, 8, 1, 1000),
    "batch": (int, 256, 1, 65_536),  # windows of each shard in a step
    "learning_rate": (float, 2e-3, 1e-6, 1.0),
    "weight_decay": (float, 0.0, 0.0, 1.0),
    "n_shards": (int, 2, 1, 256),
}
SEARCH: Mapping[str, Search] = {
    "hidden": Search(8, 128, log=True),
    "n_epochs": Search(2, 40, log=True),
    "learning_rate": Search(3e-4, 3e-2, log=True),
    "weight_decay": Search(1e-6, 1e-2, log=True),
}
FIT = "training.lstm_rank:fit"
_STEPS = 64  # of integrated gradients


@dataclass(frozen=True)
class Lstm:
    """The last ``window`` sessions of a security through an LSTM; the number of ranks that fit it changes no bit."""

    launch: Launch = field(default_factory=Launch)
    flavour, file = "lstm", "network.safetensors"
    search = SEARCH

    @property
    def version(self) -> str:
        """Of torch, which other bits may come with."""
        try:
            return f"torch {version('torch')}"
        except PackageNotFoundError:
            return "torch, not installed"

    def missing(self) -> str | None:
        """What has to be installed before it can be fitted or scored."""
        return "torch" if self.version.endswith("not installed") else None

    def launched(self, launch: Launch) -> "Lstm":
        """The same, its ranks started so."""
        return replace(self, launch=launch)

    def pinned(self, parameters: Mapping[str, Parameter]) -> Mapping[str, Parameter]:
        """As they are: the number of ranks changes no bit."""
        return parameters

    def validated(self, parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
        """All parameters, defaults filled in, each of its type; Permanent names each that is wrong."""
        return completed("the LSTM", RANGES, {"loss": LOSSES}, parameters)

    def says_probabilities(self, parameters: Mapping[str, Parameter]) -> bool:
        """Only with the logistic loss."""
        return parameters["loss"] == "logistic"

    def window(self, parameters: Mapping[str, Parameter]) -> int:
        """Sessions that a score looks at."""
        return int(parameters["window"])

    def fit(self, inputs: Inputs, target: Float1D, parameters: Mapping[str, Parameter], seed: int) -> bytes:
        """The fitted network as safetensors; the same rows, parameters and seed give equal bits, however many ranks fit.

        Raises
        ------
        Permanent
            torch is not installed, or as ``training.distributed.run``.
        Transient
            As ``training.distributed.run``.
        """
        from training.lstm_rank import RESULT

        with self._laid(inputs, target, np.zeros(target.size, dtype=np.bool_), parameters, seed, 0) as folder:
            return (folder / RESULT).read_bytes()

    def stopped(
        self, train: Sample, watch: Sample, parameters: Mapping[str, Parameter], seed: int, patience: int
    ) -> dict[str, Parameter]:
        """The parameters with ``n_epochs`` after which the later windows were met best, at most the declared."""
        from training.lstm_rank import STOPPED

        both = train[0].rows | watch[0].rows
        target = np.full(both.size, np.nan)
        for inputs, known in (train, watch):
            target[inputs.rows] = known
        inputs = replace(train[0], rows=both)
        with self._laid(inputs, target[both], watch[0].rows[both], parameters, seed, patience) as folder:
            return {**parameters, "n_epochs": max(int(json.loads((folder / STOPPED).read_text())), 1)}

    def predict(self, raw: bytes, inputs: Inputs, nthread: int = 1) -> Float1D:
        """(n,) score per row, from its window; sessions that a window does not have are taken for the mean.

        Raises
        ------
        Permanent
            torch is not installed, the bytes are none of an LSTM, or it was fitted on other features.
        """
        self._refuse_missing()
        from training.lstm_network import Fitted, scores

        fitted, names = Fitted.unpack(raw), tuple(inputs.numbers.columns)
        if fitted.shape.features != names:
            raise Permanent(
                "LSTM", expected=f"one fitted on {list(names)}", found=f"one fitted on {list(fitted.shape.features)}"
            )
        return scores(fitted, inputs.windows(fitted.shape.window))

    def contributions(self, raw: bytes, inputs: Inputs) -> tuple[Float2D, Float1D]:
        """As ``Algorithm.contributions``, summed over the window; a row starts from the score of a window of means.

        Integrated gradients, by as many steps as leave 0.001 of the score unaccounted for in what was measured.
        """
        self._refuse_missing()
        from training.lstm_network import Fitted, attributions, starts_from

        fitted = Fitted.unpack(raw)
        windows = inputs.windows(fitted.shape.window)
        brought = attributions(fitted, fitted.scale(windows.values), windows.firsts, windows.places, _STEPS).sum(axis=1)
        return brought, np.full(len(brought), starts_from(fitted))

    def importance(self, raw: bytes, features: tuple[str, ...]) -> Importance:
        """Share of each feature in the attributions (integrated gradients) of the windows that were fitted."""
        from training.lstm_network import Fitted

        return dict(zip(features, (float(share) for share in Fitted.unpack(raw).shares), strict=True))

    def features(self, raw: bytes) -> tuple[str, ...]:
        """Names of the features that it was fitted on; Permanent as ``predict``."""
        self._refuse_missing()
        from training.lstm_network import Fitted

        return Fitted.unpack(raw).shape.features

    def _refuse_missing(self) -> None:
        if self.missing():
            raise Permanent(
                "LSTM", expected="torch", found="it is not installed", do="Add the deep models: `make demo DEEP=1`, or `make .venv/bin/.deep`"
            )  # fmt: skip

    @contextmanager
    def _laid(
        self,
        inputs: Inputs,
        target: Float1D,
        watched: npt.NDArray[np.bool_],
        parameters: Mapping[str, Parameter],
        seed: int,
        patience: int,
    ) -> Iterator[Path]:
        """A folder in which the ranks have done the work; it is gone when what they left was taken."""
        self._refuse_missing()
        windows = inputs.windows(int(parameters["window"]))
        fitted = windows.values[windows.places[~watched]]
        known = np.isfinite(fitted)
        n = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, fitted, 0.0).sum(axis=0) / n
        deviation = np.sqrt((np.where(known, fitted - mean, 0.0) ** 2).sum(axis=0) / n)
        deviation[deviation == 0.0] = 1.0
        shard_of = _shards(windows, int(parameters["n_shards"]))
        most = np.bincount(shard_of[windows.places[~watched]]).max()
        work = {
            **parameters,
            "features": list(inputs.numbers.columns), "mean": mean.tolist(), "deviation": deviation.tolist(), "seed": seed,
            "n_steps": math.ceil(most / int(parameters["batch"])), "patience": patience,
        }  # fmt: skip
        told = json.dumps(work, sort_keys=True)
        of = (told.encode(), windows.values, windows.places, windows.firsts, target, watched)
        digest = hashlib.sha256(
            b"".join(part if isinstance(part, bytes) else part.tobytes() for part in of)
        ).hexdigest()
        with _place(self.launch.folder, digest) as folder:
            _lay(
                folder,
                told,
                windows,
                shard_of,
                int(parameters["n_shards"]),
                (target, watched),
                list(inputs.numbers.columns),
            )
            run(FIT, folder, self.launch)
            yield folder


@contextmanager
def _place(root: Path | None, digest: str) -> Iterator[Path]:
    if root is None:
        with tempfile.TemporaryDirectory() as passing:
            yield Path(passing)
        return
    folder = root / digest[:32]
    folder.mkdir(parents=True, exist_ok=True)
    yield folder  # kept where it fails: what was broken off goes on from there
    shutil.rmtree(folder)


def _shards(windows: Windows, n_shards: int) -> npt.NDArray[np.int64]:
    """(m,) shard of each row: whole securities, the largest first, each to the shard that has the fewest windows so far."""
    ends = np.zeros(windows.securities.size, dtype=np.int64)
    ends[windows.places] = 1
    sizes = np.bincount(windows.securities, weights=ends).astype(np.int64)
    of, held = np.empty(sizes.size, dtype=np.int64), np.zeros(n_shards, dtype=np.int64)
    for security in np.lexsort((np.arange(sizes.size), -sizes)):
        of[security] = int(held.argmin())
        held[of[security]] += sizes[security]
    return of[windows.securities]


def _lay(
    folder: Path,
    told: str,
    windows: Windows,
    shard_of: npt.NDArray[np.int64],
    n_shards: int,
    ends: tuple[Float1D, npt.NDArray[np.bool_]],
    names: list[str],
) -> None:
    """Write what the ranks read: a file of rows for each shard, and the work."""
    from training.lstm_rank import WORK, shard_file

    m = windows.securities.size
    target, watched, first = np.full(m, np.nan), np.zeros(m, dtype=np.bool_), np.zeros(m, dtype=np.int64)
    target[windows.places], watched[windows.places] = ends
    first[windows.places] = windows.firsts
    for number in range(n_shards):
        rows = np.flatnonzero(
            shard_of == number
        )  # whole securities in order: places within the shard rise as they do here
        columns = {name: windows.values[rows, at] for at, name in enumerate(names)}
        columns |= {"first": np.searchsorted(rows, first[rows]), "watched": watched[rows]}
        table = pa.table(columns).append_column("target", pa.array(target[rows], from_pandas=True))
        with pa.OSFile(str(shard_file(folder, number)), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    (folder / WORK).write_text(told)
