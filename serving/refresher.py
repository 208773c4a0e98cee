"""A thread that looks every few seconds, outside any request, whether something that is served has changed."""

import threading
from collections.abc import Callable, Sequence

PERIOD_S = 2.0


class Refresher:
    """Calls each look in turn, then waits. A look reports its own failures and never raises."""

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
                look()
            self._stopped.wait(self._period_s)
