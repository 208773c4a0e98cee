"""The exchange's own time: what is shown depends on it and it moves only when it is told to.

What does not belong here: sessions and holidays (market.calendars).
"""

from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from market.errors import Permanent

SEOUL = ZoneInfo("Asia/Seoul")
NEW_YORK = ZoneInfo("America/New_York")
KRX_READY = time(8, 0)
"""KRX Open API serves a session from 08:00 Seoul time on the next calendar day."""


def krx_ready_at(session: date) -> datetime:
    """The instant from which KRX Open API answers for ``session``."""
    return datetime.combine(session + timedelta(days=1), KRX_READY, SEOUL)


def epoch(at: datetime) -> int:
    """Whole seconds since 1970 of an aware instant."""
    return int(at.timestamp())


def parse_instant(text: str) -> datetime:
    """An aware UTC instant from ISO 8601 text.

    Raises
    ------
    Permanent : not ISO 8601, or without a zone.
    """
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise Permanent("exchange clock", expected="ISO 8601 with a zone", found=repr(text)) from error
    if at.tzinfo is None:
        raise Permanent("exchange clock", expected="an instant with a zone, such as +09:00", found=text)
    return at.astimezone(UTC)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime) -> None:
        self.now = parse_instant(now.isoformat())

    def set(self, now: datetime) -> None:
        """Move to ``now``, forwards or back."""
        self.now = parse_instant(now.isoformat())

    @property
    def seconds(self) -> int:
        """Now, in whole epoch seconds."""
        return epoch(self.now)

    @property
    def seoul_date(self) -> date:
        """Today's date in Seoul."""
        return self.now.astimezone(SEOUL).date()

    def http_date(self, skew: timedelta = timedelta(0)) -> str:
        """The ``Date`` header: whole seconds, GMT."""
        return format_datetime((self.now + skew).replace(microsecond=0), usegmt=True)
