"""EDGAR's clock: which instant a filing's acceptance means, and which session it belongs to.

The submissions API ends every acceptance in Z, but of about a quarter of the filers it is New York's clock all the same; the
convention belongs to the filer, and nothing in the text tells it. EDGAR accepts filings from 6:00 to 22:00 in New York, so all
acceptances of a filer together do. What does not belong here: asking SEC (`lake.clients.sec`).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from market import calendars

EXCHANGE = "XNYS"
NEW_YORK = ZoneInfo(calendars.EXCHANGES[EXCHANGE])
OPENS, CLOSES = time(6), time(22)


def instants(texts: Sequence[str], filer: Iterable[str] = ()) -> list[datetime]:
    """Instants (UTC) of texts such as 2022-11-30T16:42:36.000Z.

    Parameters
    ----------
    filer : acceptances of the same filer to judge the convention by; the texts themselves where there are none.

    Read as UTC where fewer of them fall into hours in which EDGAR is closed, else as New York's clock: in doubt the later instant,
    so that nothing counts as known too early.

    Raises
    ------
    ValueError
        A text that is no such instant.
    """
    read = [_parsed(text) for text in texts]
    judged = [_parsed(text) for text in filer] or read
    as_utc = sum(_is_closed(at.astimezone(NEW_YORK).time()) for at in judged)
    as_new_york = sum(_is_closed(at.time()) for at in judged)
    if as_utc < as_new_york:
        return read
    return [at.replace(tzinfo=NEW_YORK).astimezone(UTC) for at in read]


def session_of(accepted_at: datetime) -> date:
    """The session of a filing: that of its day in New York, or the first one after it."""
    return session_on_or_after(accepted_at.astimezone(NEW_YORK).date())


def session_on_or_after(day: date) -> date:
    """The day itself where it is a session, or the first one after it."""
    return day if calendars.is_session(EXCHANGE, day) else calendars.next_session(EXCHANGE, day)


def end_of(filed: date) -> datetime:
    """The instant (UTC) at which EDGAR closes on a day: by then a filing of that day is accepted."""
    return datetime.combine(filed, CLOSES, NEW_YORK).astimezone(UTC)


def _parsed(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"expected an instant that ends in Z, was {text!r}")
    return at.astimezone(UTC)


def _is_closed(at: time) -> bool:
    return not OPENS <= at < CLOSES
