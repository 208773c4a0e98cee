"""Ctrl-C and SIGTERM during long work: it ends soon, leaves no process behind, and is told as an interruption, not as a failure.

Dagster and Spark put their own signal handlers in place of ours and turn an interruption into whatever error it causes. So
signals are heard beside the handlers, by the interpreter's wakeup descriptor. What does not belong here: what is interrupted.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from market.errors import MarketlakeError

GRACE_S = 8.0
"""Seconds for an orderly end: Dagster marks its run as failed. What is written is written whole or not at all either way."""

TOLD = "interrupted; what was finished stays, and running it again goes on from there"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_NOTHING = b"\0"


@contextmanager
def interruptible(say: str = TOLD) -> Iterator[None]:
    """While it lasts, SIGINT and SIGTERM end the process within the grace, all its children with it.

    Raises
    ------
    KeyboardInterrupt
        A signal came, whatever error the work made of it.
    """
    terminal = os.dup(2)  # as it is before Dagster and we send it to logs
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = {number: signal.signal(number, signal.default_int_handler) for number in _SIGNALS}
    fd_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    came, ended = threading.Event(), threading.Event()
    listener = threading.Thread(
        target=_listen, args=(reading, terminal, came, ended, say), name="interrupts", daemon=True
    )
    listener.start()
    try:
        yield
    except MarketlakeError:
        if came.is_set():
            raise KeyboardInterrupt from None
        raise
    finally:
        ended.set()
        signal.set_wakeup_fd(fd_before)
        os.write(writing, _NOTHING)
        listener.join(1)
        for number, handler in before.items():
            signal.signal(number, handler)
        for descriptor in (reading, writing, terminal):
            os.close(descriptor)


def _listen(reading: int, terminal: int, came: threading.Event, ended: threading.Event, say: str) -> None:
    while number := os.read(reading, 1):
        if number == _NOTHING:
            return
        if number[0] in _SIGNALS and not came.is_set():
            came.set()
            if not ended.wait(GRACE_S):
                _end_all(terminal, say)


def _end_all(terminal: int, say: str) -> None:
    """The end without waiting for anybody."""
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    os.write(terminal, f"{say}\n".encode())
    os._exit(1)
