"""Single flight: of N equal questions at once one is asked, and all N get its answer.

What does not belong here: what is asked and kept (`serving.cache`).
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from lake.sql import asking
from market.errors import Transient

A = TypeVar("A")
Question = Callable[[], Coroutine[Any, Any, A]]


class Flights:
    """Questions under way in this process, each kind with keys of its own. Used on one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Flight[Any]] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    async def ask(self, key: Hashable, question: Question[A]) -> A:
        """The answer of the question with that key: of the one under way, or of this one.

        One that joined a question which failed in passing asks once more by itself. The question ends early once
        everybody who waits for it has left.

        Raises
        ------
        Whatever the question raises.
        """
        flight: _Flight[A] | None = self._under_way.get(key)
        if flight is None or flight.is_abandoned:
            return await self._fly(key, question).wait()
        try:
            return await flight.wait()
        except Transient:
            asker = asking.current.get()
            if asker is not None and asker.has_left:
                raise
            # It may have failed for what was its own, such as its time. Two questions at most: the second is shared too.
            again: _Flight[A] | None = self._under_way.get(key)
            joined = again if again is not None and not again.is_abandoned else self._fly(key, question)
            return await joined.wait()

    def _fly(self, key: Hashable, question: Question[A]) -> "_Flight[A]":
        flight = _Flight(question)
        self._under_way[key] = flight

        def over(_: object) -> None:
            if self._under_way.get(key) is flight:
                del self._under_way[key]

        flight.task.add_done_callback(over)
        return flight


class _Flight(Generic[A]):
    """One question and who waits for it; the queries it makes are nobody's in particular."""

    def __init__(self, question: Question[A]) -> None:
        self._asking = asking.Asking()
        self._lock = threading.Lock()
        self._n_waiting = 0
        self.is_abandoned = False
        context = contextvars.copy_context()
        context.run(asking.current.set, self._asking)
        # The task is its own, so that a request that is cancelled takes nothing from the others.
        self.task: asyncio.Task[A] = asyncio.get_running_loop().create_task(question(), context=context)
        self.task.add_done_callback(_seen)

    async def wait(self) -> A:
        """The answer, for one more who waits."""
        waiter, asker = _Waiter(self), asking.current.get()
        with self._lock:
            self._n_waiting += 1
        try:
            if asker is None:
                return await asyncio.shield(self.task)
            with asker.running(waiter):
                return await asyncio.shield(self.task)
        finally:
            waiter.interrupt()

    def left(self) -> None:
        """One of those who wait has gone; the last ends the question."""
        with self._lock:
            self._n_waiting -= 1
            is_over = self._n_waiting == 0
            self.is_abandoned = self.is_abandoned or is_over
        if is_over:
            self._asking.leave()


class _Waiter:
    """One who waits, to the request's own list of what runs for it."""

    def __init__(self, flight: _Flight[Any]) -> None:
        self._flight = flight
        self._lock = threading.Lock()
        self._is_gone = False

    def interrupt(self) -> None:
        """It has gone; said once."""
        with self._lock:
            was_gone, self._is_gone = self._is_gone, True
        if not was_gone:
            self._flight.left()


def _seen(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # where all have left, nobody else looks at it
