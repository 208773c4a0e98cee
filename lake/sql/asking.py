"""Whoever asks: the running queries of one request, so that they end when it has gone.

What does not belong here: noticing that it has gone (serving does).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from market.errors import Transient


class Cancelled(Transient):
    """The one who asked has gone; nobody waits for the answer."""


class Interruptible(Protocol):
    """A running query."""

    def interrupt(self) -> None:
        """End it, and return at once; nothing happens where it has ended."""


class Asking:
    """The queries that run for one asker. Set `current` in the asker's context; threads it starts by a copy have it too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[Interruptible] = []
        self.has_left = False

    def leave(self) -> None:
        """End the running queries and refuse others."""
        with self._lock:  # held throughout: a cursor that is given back belongs to another asker
            self.has_left = True
            for query in self._running:
                query.interrupt()

    @contextmanager
    def running(self, query: Interruptible) -> Iterator[None]:
        """The query runs in this block.

        Raises
        ------
        Cancelled
            The asker has left already.
        """
        with self._lock:
            self.refuse()
            self._running.append(query)
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(query)

    def refuse(self) -> None:
        """Nothing while the asker is there.

        Raises
        ------
        Cancelled
            It has left.
        """
        if self.has_left:
            raise Cancelled("query", expected="somebody to wait for the answer", found="the one who asked has gone")


current: ContextVar[Asking | None] = ContextVar("asking", default=None)
