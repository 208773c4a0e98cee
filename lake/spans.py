"""Ranges of days for hosts that are asked from a day to a day, and which session a dated row of an answer belongs to.

What does not belong here: how a host is asked (`lake.clients`).
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from market import calendars


class Span(NamedTuple):
    """First and last day to ask for, and the sessions that they belong to, ascending."""

    first: date
    last: date
    sessions: list[date]

    def session_of(self, day: date | None) -> date:
        """The first of its sessions on or after the day; the last one for a day after it, and for one that cannot be read."""
        at = len(self.sessions) if day is None else bisect_left(self.sessions, day)
        return self.sessions[min(at, len(self.sessions) - 1)]


def spans(exchange: str, sessions: Sequence[date], longest: timedelta) -> list[Span]:
    """The days after each session's previous one up to it, neighbours together as far as the host takes them.

    Parameters
    ----------
    sessions : ascending.
    longest : from the first day to the last.
    """
    found: list[Span] = []
    for session in sessions:
        begin = calendars.previous_session(exchange, session) + timedelta(days=1)
        if found and found[-1].last + timedelta(days=1) == begin and session - found[-1].first <= longest:
            first, _, days = found.pop()
            found.append(Span(first, session, [*days, session]))
        else:
            found.append(Span(begin, session, [session]))
    return found
