"""The one small interface to ranks: a function run once in this process, by `horovodrun`, or by Spark's executors on Horovod.

How it works: the caller lays what is to be done into a folder; `run` starts the ranks there, watches that they come forward, ends them
where they do not, and says what became of them. A rank sums over the others with `Ranks.summed`, in one order however many they are,
so that their number changes no bit. Horovod is no longer maintained: nothing else imports it.
What does not belong here: what the ranks do (training.lstm_rank), what they work on (training.lstm).
"""

import fcntl
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from market.errors import Permanent, Transient
from training.spark_workers import Executors

CURVE, FAILED, ALIVE, LOG, HELD = "curve.jsonl", "failed", "alive", "ranks.log", "held"
How = Literal["process", "horovodrun", "spark"]
STARTERS: tuple[How, ...] = ("horovodrun", "spark")
"""What can start several ranks."""
Curve = Callable[[Mapping[str, float]], None]
START_S = 120.0
"""Until the first step of any rank: torch is loaded, and Spark may have to find executors."""
OF_RANKS = {"OMP_NUM_THREADS": "1"}
"""Environment of a rank: other cores are used by other ranks."""
_LOOK_S = 0.2
_PATIENCE_S = 10.0  # of a rank that is asked to end, before it is killed


@dataclass(frozen=True)
class Launch:
    """How a fit is spread: ranks are started for a network, workers for trees.

    Parameters
    ----------
    ranks : how many; each works on its share of the securities.
    how : in this ``process`` (one rank), by ``horovodrun`` on this machine, or on the executors of the active ``spark`` session,
        which must see ``folder``.
    folder : where work and checkpoints are laid, so that what was broken off goes on; a passing one without it.
    limit_s : after which ranks of processes of their own are ended, whatever they did.
    stall_s : without a step of any of them, after which they are ended; longer before the first.
    cancel : ends the jobs of the spark session; called where its ranks must not be waited for any longer.
    told : called with each epoch's numbers as they are made.
    workers : that trees are newly fitted by, one in this process, several on ``executors``; unlike ranks they change bits.
    executors : of a Spark, for workers; None where no Spark is at hand.
    """

    ranks: int = 1
    how: How = "process"
    folder: Path | None = None
    limit_s: float = 3 * 3600.0
    stall_s: float = 300.0
    cancel: Callable[[], None] = lambda: None
    told: Curve = lambda numbers: None
    workers: int = 1
    executors: Executors | None = None

    def __post_init__(self) -> None:
        if self.ranks < 1 or (self.how == "process" and self.ranks > 1):
            raise Permanent(
                "ranks", expected="one in a process of its own, several through horovodrun or spark",
                found=f"{self.ranks} by {self.how}", do="Set MARKETLAKE_TRAINING_LAUNCHER=horovodrun, or MARKETLAKE_TRAINING_RANKS=1",
            )  # fmt: skip


class Ranks(Protocol):
    """What a rank knows of the others."""

    rank: int
    size: int

    def summed(self, parts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(k,) sum over the parts (p, k) of every rank, rank 0's first and each rank's in their order: equal bits on all of them."""
        ...

    def all_equal(self, digest: str) -> bool:
        """Whether every rank has this digest."""
        ...


class Alone:
    """The only rank."""

    rank, size = 0, 1

    def summed(self, parts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """As ``Ranks.summed``."""
        return _in_order(parts)

    def all_equal(self, digest: str) -> bool:
        """It is."""
        return True


class Horovod:
    """One of several ranks."""

    def __init__(self) -> None:
        import horovod.torch as hvd

        hvd.init()
        self._hvd = hvd
        self.rank, self.size = int(hvd.rank()), int(hvd.size())

    def summed(self, parts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """As ``Ranks.summed``: gathered and added here, since a ring adds in an order that depends on the number of ranks."""
        import torch

        return _in_order(
            np.asarray(self._hvd.allgather(torch.from_numpy(parts), name="parts").numpy(), dtype=np.float32)
        )

    def all_equal(self, digest: str) -> bool:
        """As ``Ranks.all_equal``."""
        import torch

        own = torch.tensor(list(bytes.fromhex(digest)), dtype=torch.uint8)[None]
        every = self._hvd.allgather(own, name="digest")
        return bool((every == own).all())


def _in_order(parts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    total: npt.NDArray[np.float32] = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total


def run(function: str, folder: Path, launch: Launch) -> None:
    """Run ``module:function`` with (folder, ranks) on every rank, to its end.

    Raises
    ------
    Permanent
        A rank raised, or Horovod is not there.
    Transient
        A rank died or stood still, the time was over, or another launch works in the folder: again, it goes on from its checkpoint.
    """
    with _held(folder), _told(folder, launch.told):
        for old in (*folder.glob(f"{FAILED}-*"), *folder.glob(f"{ALIVE}-*")):
            old.unlink()
        if launch.how == "process":
            _named(function)(folder, Alone())
        elif find_spec("horovod") is None:
            raise Permanent(
                "ranks", expected="Horovod", found="it is not installed",
                do="`make .venv/bin/.deep` builds it (it needs g++), or set MARKETLAKE_TRAINING_RANKS=1",
            )  # fmt: skip
        elif launch.how == "horovodrun":
            _horovodrun(function, folder, launch)
        else:
            _spark(function, folder, launch)


def step(folder: Path, rank: int, number: int) -> None:
    """Say that a rank came to a step; `run` ends a launch in which none does."""
    (folder / f"{ALIVE}-{rank}").write_text(str(number))


def told(folder: Path, numbers: Mapping[str, float]) -> None:
    """Add an epoch's numbers to the curve, by one rank."""
    with (folder / CURVE).open("a") as file:
        file.write(json.dumps(dict(numbers)) + "\n")


def as_rank(function: str, folder: Path) -> None:
    """Be one of the ranks; what it raises is left in the folder, for the launcher tells no more than that it ended."""
    threading.Thread(target=_end_with, args=(folder,), daemon=True).start()
    ranks = Horovod()
    try:
        _named(function)(folder, ranks)
    except Exception as error:  # noqa: BLE001 - whatever it is, the launching process says it
        if type(error).__name__ == "HorovodInternalError":  # another rank is gone, which is not this one's failure
            os._exit(1)
        (folder / f"{FAILED}-{ranks.rank}").write_text(f"{type(error).__name__}: {error}\n\n{traceback.format_exc()}")
        os._exit(1)  # not through Horovod's shutdown, which would wait for the others


def _end_with(folder: Path) -> None:
    """End this rank where the launching process is gone: what that held can be had then."""
    with (folder / HELD).open("r+") as file:
        while True:
            time.sleep(1.0)
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            os._exit(1)


def _horovodrun(function: str, folder: Path, launch: Launch) -> None:
    command = [
        str(Path(sys.executable).parent / "horovodrun"), "-np", str(launch.ranks), "--gloo", "--network-interface", "lo",
        sys.executable, "-m", "training.distributed", function, str(folder),
    ]  # fmt: skip
    place = Path(__file__).resolve().parent.parent
    environment = os.environ | OF_RANKS | {"PYTHONPATH": str(place)}
    with (folder / LOG).open("w") as log:
        started = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, cwd=place, env=environment, start_new_session=True
        )
        try:
            why = _watched(folder, launch, lambda: started.poll() is not None)
        finally:
            _end(started)
    _judge(folder, launch, why or (None if started.returncode == 0 else f"ended with exit code {started.returncode}"))


def _spark(function: str, folder: Path, launch: Launch) -> None:
    import horovod.spark

    over, why = threading.Event(), [""]

    def watch() -> None:
        why[0] = _watched(folder, launch, over.is_set) or ""
        if why[0]:
            launch.cancel()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:  # here and not in the thread: it takes signals, which only a main thread may
        horovod.spark.run(
            as_rank, args=(function, folder), num_proc=launch.ranks, start_timeout=launch.stall_s, verbose=0,
            env={**os.environ, **OF_RANKS}, use_gloo=True,
        )  # fmt: skip
        failure = None
    except Exception as error:  # noqa: BLE001 - said by _judge, with what the ranks left
        failure = f"Spark: {error}".splitlines()[0]
    finally:
        over.set()
        watcher.join()
    _judge(folder, launch, why[0] or failure)


def _watched(folder: Path, launch: Launch, is_over: Callable[[], bool]) -> str | None:
    """Wait for the end; why it must not be waited for any longer, None where it came."""
    begun = time.monotonic()
    seen, since = "", begun
    while not is_over():
        now, steps = time.monotonic(), _steps(folder)
        if steps != seen:
            seen, since = steps, now
        if any(folder.glob(f"{FAILED}-*")):
            return "a rank failed"
        if now - begun > launch.limit_s:
            return f"not done within {launch.limit_s:g} s"
        if now - since > (launch.stall_s if seen else max(launch.stall_s, START_S)):
            return f"no step within {now - since:.0f} s; the ranks' last ones: {seen or 'none'}"
        time.sleep(_LOOK_S)
    return None


def _judge(folder: Path, launch: Launch, why: str | None) -> None:
    failed = sorted(folder.glob(f"{FAILED}-*"))
    if failed:
        first = failed[0].read_text().splitlines()[0]
        raise Permanent(
            f"{launch.ranks} ranks by {launch.how}", expected="every rank to come to its end",
            found=f"rank {failed[0].name.rpartition('-')[2]}: {first}", keys=[str(folder)],
        )  # fmt: skip
    if why:
        raise Transient(
            f"{launch.ranks} ranks by {launch.how}", expected="every rank to come to its end", found=why, keys=[str(folder)],
            do=f"Run it again: it goes on from its last checkpoint. What the ranks said is in {LOG}",
        )  # fmt: skip


def _steps(folder: Path) -> str:
    """Which step each rank came to, for people: "rank 0: 17, rank 1: 16"."""
    found = {path.name.rpartition("-")[2]: path.read_text() for path in sorted(folder.glob(f"{ALIVE}-*"))}
    return ", ".join(f"rank {rank}: {number}" for rank, number in found.items())


def _end(started: "subprocess.Popen[bytes]") -> None:
    """Nothing of the launch is left: its group is asked to end, then made to."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(started.pid, how)
        except ProcessLookupError:
            break
        try:
            started.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            continue
    started.wait()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The folder for this launch alone."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / HELD).open("w") as file:
        for left in range(10, -1, -1):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not left:
                    raise Transient(
                        "ranks",
                        expected=f"no other launch in {folder}",
                        found="one that is under way",
                        do="Wait for it",
                    ) from None
                time.sleep(_LOOK_S)  # the ranks of a launch whose process was killed look each second
        yield


@contextmanager
def _told(folder: Path, curve: Curve) -> Iterator[None]:
    """What the ranks add to the curve is passed on while they work; lines of a former launch are not told again."""
    path, done = folder / CURVE, threading.Event()
    path.touch()
    file = path.open()
    file.seek(0, os.SEEK_END)

    def follow() -> None:
        rest = ""
        while True:
            last = done.is_set()
            rest += file.read()
            *lines, rest = rest.split("\n")
            for line in lines:
                curve(json.loads(line))
            if last:
                return
            done.wait(_LOOK_S)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        file.close()


def _named(function: str) -> Callable[[Path, Ranks], Any]:
    module, _, name = function.partition(":")
    found: Callable[[Path, Ranks], Any] = getattr(importlib.import_module(module), name)
    return found


if __name__ == "__main__":
    as_rank(sys.argv[1], Path(sys.argv[2]))
