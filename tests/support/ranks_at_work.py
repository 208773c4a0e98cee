"""What ranks are given to do in tests: fail, hang, end in the middle. What does not belong here: assertions."""

import os
import signal
import time
from pathlib import Path

from training import distributed, lstm_rank
from training.distributed import Ranks

ONCE = "killed"
"""A file that says that the rank was killed already."""


def raises_on_the_second(folder: Path, ranks: Ranks) -> None:
    """Rank 1 raises; the other waits for it for ever."""
    distributed.step(folder, ranks.rank, 1)
    if ranks.rank == 1:
        raise ValueError("no such thing")
    time.sleep(600)


def hangs_on_the_second(folder: Path, ranks: Ranks) -> None:
    """Rank 1 stands still at step 3; the other waits for it at step 4."""
    for number in range(1, 4 + (ranks.rank == 0)):
        distributed.step(folder, ranks.rank, number)
    time.sleep(600)


def fits_and_is_killed_once(folder: Path, ranks: Ranks) -> None:
    """Fits; in the third epoch rank 1, or the only one's launcher, is killed, the first time."""
    told = distributed.told

    def counted(at: Path, numbers: dict[str, float]) -> None:
        told(at, numbers)
        if numbers["epoch"] == 3 and not (folder / ONCE).exists():
            (folder / ONCE).touch()
            os.kill(os.getpid(), signal.SIGKILL)

    lstm_rank.told = counted
    lstm_rank.fit(folder, ranks)
