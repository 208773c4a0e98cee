"""Logs that do not grow without end: one that is full is copied to NAME.1 and emptied; the older copies move up.

It is emptied in place, since whoever has it open, such as a service, goes on writing to it. What does not belong here: what is
logged (`marketlake.environment`), and the logs of the local stack, which supervisord turns over.
"""

import fcntl
import os
import shutil
from pathlib import Path

LIMIT_BYTES, KEPT = 20_000_000, 3


def turn_over(log: Path, limit_bytes: int = LIMIT_BYTES, kept: int = KEPT) -> bool:
    """True where the log was full and has been turned over; of several processes that ask, one does it.

    Where there is no room for a copy, it stays as it is and goes on growing: nobody is kept from working by its log.
    Whoever writes to it must have it open for appending. What is written between the copy and the emptying is lost.
    """
    if _size(log) <= limit_bytes:
        return False
    with log.open("rb+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if os.fstat(stream.fileno()).st_size <= limit_bytes:  # another process was first
            return False
        partial = log.with_name(f"{log.name}.partial")
        try:
            with partial.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
        except OSError:
            partial.unlink(missing_ok=True)
            return False
        for number in range(kept - 1, 0, -1):
            older = _numbered(log, number)
            if older.exists():
                older.replace(_numbered(log, number + 1))
        partial.replace(_numbered(log, 1))
        stream.truncate(0)
    return True


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0
