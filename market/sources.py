"""When each source owes a session, and what a session's news window is. Pure rules; who fetches is `lake.clients`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from market import calendars

_AFTER_CLOSE = timedelta(minutes=30)


@dataclass(frozen=True)
class Source:
    """A source: whose sessions it covers, and when it owes one.

    Parameters
    ----------
    exchange : the calendar whose sessions it delivers.
    due_days, due_time : the session is due that many calendar days later at that local time of the exchange, and not
        before half an hour after its close.
    why : where the rule comes from.
    by_company : it is searched by the names of the companies that the Korean listing tells.
    by_symbol : it is asked for each symbol that the settings or the world name.
    service : whose API delivers it, where that has a name of its own; see `prefix`.
    member : the setting of a member's id, of a source for members alone: where it is empty, the source is off.
    """

    name: str
    exchange: str
    due_days: int
    due_time: time
    why: str
    by_company: bool = False
    by_symbol: bool = False
    service: str = ""
    member: str = ""

    @property
    def prefix(self) -> str:
        """Its folder at the exchange, and what its settings begin with: the service's name, else its own."""
        return self.service or self.name

    def setting(self, what: str) -> str:
        """The name of one of its settings: `krx_base_url`."""
        return f"{self.prefix}_{what}"

    def due_at(self, session: date) -> datetime:
        """The instant (UTC) from which a missing session is an error rather than early."""
        zone = ZoneInfo(calendars.EXCHANGES[self.exchange])
        due_at = datetime.combine(session + timedelta(days=self.due_days), self.due_time, zone).astimezone(UTC)
        if not calendars.is_session(self.exchange, session):
            return due_at
        return max(due_at, calendars.close_at(self.exchange, session) + _AFTER_CLOSE)  # some days close late


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source("krx", "XKRX", 1, time(8, 0), "KRX Open API publishes a session the next morning"),
        Source(
            "yahoo", "XNYS", 0, time(18, 0), "Yahoo settles a daily bar within two hours of the close", by_symbol=True
        ),
        Source("dart", "XKRX", 0, time(20, 0), "OpenDART lists a filing on the day of its receipt"),
        Source(
            "naver", "XKRX", 0, time(16, 0), "a headline is searchable minutes after its publication", by_company=True
        ),
        Source("sec", "XNYS", 0, time(22, 0), "EDGAR accepts filings until 22:00 in New York", by_symbol=True),
        Source(
            "daum",
            "XKRX",
            0,
            time(16, 0),
            "best effort: Kakao's web search shows a page within minutes of its publication",
            by_company=True,
            service="kakao",
        ),
        Source(
            "krx_market",
            "XKRX",
            1,
            time(8, 0),
            "KRX's Data Marketplace shows a day's delistings and industries the next morning",
            member="krx_id",
        ),
    )
}


def session_due_at(session: date) -> datetime:
    """The instant (UTC) from which every source that has this session owes it."""
    return max(s.due_at(session) for s in SOURCES.values() if calendars.is_session(s.exchange, session))


def news_window(exchange: str, session: date) -> tuple[datetime, datetime]:
    """The window (after, up to] (UTC) whose headlines count for the session: from the previous close to this one."""
    return calendars.close_at(exchange, calendars.previous_session(exchange, session)), calendars.close_at(
        exchange, session
    )
