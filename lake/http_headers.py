"""What the headers of an answer say: when it was made, how long to wait, and which cookies are a session's.

What does not belong here: asking (`lake.http`).
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

_SHORTEST = 16
"""Letters of a cookie that may be a session; shorter ones are a language or a flag, and hiding `ko` everywhere would spoil every text."""


def http_date(text: str) -> datetime | None:
    """The instant (UTC) that a Date header tells; None where it is none."""
    try:
        stamp = parsedate_to_datetime(text)
        return stamp.astimezone(UTC) if stamp.tzinfo else None
    except (TypeError, ValueError, OverflowError):  # the last: no year before the first one
        return None


def retry_after_s(text: str, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date."""
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        until = http_date(text)
        return max(0.0, (until - now).total_seconds()) if until else None


def long_cookies(response: httpx.Response) -> list[str]:
    """Values of the cookies that the answer sets and that may be a session's."""
    return [cookie.value for cookie in response.cookies.jar if cookie.value and len(cookie.value) >= _SHORTEST]
