"""A member's session at a host that lets nobody in without one: begun before the first question, begun anew where it has ended.

What does not belong here: how a login goes (the client of the source), and asking (`lake.http`).
"""

import time
from collections.abc import Callable, Mapping
from datetime import date

from loguru import logger

from lake.host import Answer
from lake.http import Fetcher
from market.errors import Permanent


class LoggedOut(Permanent):
    """The host says that it does not know our session; what a client's `complaint` gives then."""


class Member:
    """Posts forms to a host within a session. For one thread.

    Parameters
    ----------
    login : begins a session; its cookie stays with the fetcher.
    lasts_s : seconds after which a session is begun anew without waiting for the host to end it.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        login: Callable[[Fetcher, date], Answer],
        lasts_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetcher, self._login, self._lasts_s, self._monotonic = fetcher, login, lasts_s, monotonic
        self._since: float | None = None

    def post(self, path: str, fields: Mapping[str, str], session_date: date) -> Answer:
        """The answer to a posted form. Where the session has ended, one more login and one more try.

        Raises
        ------
        Permanent, Transient
            From the login and from the request; `LoggedOut` where the host ends a session that has just begun.
        """
        if self._since is None or self._monotonic() - self._since > self._lasts_s:
            self._begin(session_date)
        try:
            return self._fetcher.post(path, fields, session_date)
        except LoggedOut as error:
            logger.warning("logging in again", source=self._fetcher.host.source, reason=error.found)
            self._begin(session_date)
            return self._fetcher.post(path, fields, session_date)

    def _begin(self, session_date: date) -> None:
        self._login(self._fetcher, session_date)
        self._since = self._monotonic()
