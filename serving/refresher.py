"""A thread that looks twice a second, outside any request, whether something that is served has changed."""

import threading
from collections.abc import Callable, Sequence

from loguru import logger

PERIOD_S = 0.5


class Refresher:
    """Calls each look in turn, then waits. A look reports what it foresees; anything else is logged, and the thread goes on."""

    def __init__(self, looks: Sequence[Callable[[], object]], period_s: float = PERIOD_S) -> None:
        self._looks, self._period_s = looks, period_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refresher", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look under way, at most two seconds later."""
        self._stopped.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._stopped.is_set():
            for look in self._looks:
                _look(look)
            self._stopped.wait(self._period_s)


def _look(look: Callable[[], object]) -> None:
    try:
        look()
    except Exception as error:  # noqa: BLE001  # the edge of the thread: one that ended would leave an old release served
        logger.opt(exception=error).error("look failed", kind=type(error).__name__)
