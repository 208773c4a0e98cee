"""Whether to ask a store that failed: not at all for a while, then by one caller, and again by all once it answers."""

import threading
import time
from collections.abc import Callable

from loguru import logger

FIRST_REST_S, LONGEST_REST_S = 0.5, 8.0


class Circuit:
    """Closed: everyone asks. Open after a failure: nobody does, until the rest is over and one caller tries.

    The rest doubles with each trial that fails, up to the longest. Whoever asks gets a turn and says how it went with it: one
    that is late, of a state that is over, changes nothing, so that many callers who meet one outage count as one. One
    warning is logged when it opens, and one line when it closes.

    Parameters
    ----------
    what : name of the store, for the log.
    costs : what its absence means, for the log.
    """

    def __init__(self, what: str, costs: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._costs, self._clock = what, costs, clock
        self._lock = threading.Lock()
        self._turn = 1
        self._rest_s = 0.0
        self._asked_again_at = 0.0

    @property
    def is_closed(self) -> bool:
        """True where the store answered when it was last asked, or was never asked."""
        return not self._rest_s

    def allows(self) -> int:
        """The caller's turn, 0 where it may not ask; while it is open, one caller per rest gets one."""
        turn = self._turn
        if not self._rest_s:
            return turn
        with self._lock:
            now = self._clock()
            if self._rest_s and now < self._asked_again_at:
                return 0
            if self._rest_s:
                self._turn += 1
                self._asked_again_at = now + self._rest_s  # others wait for what this one finds
            return self._turn

    def failed(self, turn: int, failure: str) -> None:
        """The store did not answer in that turn."""
        with self._lock:
            if turn != self._turn:
                return
            is_first = not self._rest_s
            self._turn += 1
            self._rest_s = min(self._rest_s * 2, LONGEST_REST_S) if self._rest_s else FIRST_REST_S
            self._asked_again_at = self._clock() + self._rest_s
        if is_first:
            logger.warning(f"{self._what} is away", failure=failure, costs=self._costs)

    def succeeded(self, turn: int) -> None:
        """The store answered in that turn."""
        if not self._rest_s:
            return
        with self._lock:
            was_open = bool(self._rest_s) and turn == self._turn
            if was_open:
                self._turn, self._rest_s = self._turn + 1, 0.0
        if was_open:
            logger.info(f"{self._what} is back")
