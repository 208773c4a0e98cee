"""What a source's server is and what it sends: address and authentication, a reply before it is judged, a good answer.

What does not belong here: asking (`lake.http`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from market.errors import MarketlakeError, Permanent


@dataclass(frozen=True)
class Reply:
    """What came back, before anybody judged it.

    Parameters
    ----------
    body : the parsed JSON, None where it is none.
    """

    status: int
    payload: bytes
    body: Any
    where: str
    retry_after: str = ""

    @property
    def is_html(self) -> bool:
        """True where a page for people came instead of data."""
        return self.payload.lstrip()[:1] == b"<"


@dataclass(frozen=True)
class Host:
    """A source's server: where it is, how it lets us in, and how it says no.

    Parameters
    ----------
    headers, params : authentication; every value is a secret.
    key_settings : the settings that hold the key, for messages.
    key_from : where to get one.
    complaint : the error in a reply by the source's own codes, None where there is none.
    pace_per_s, quota_per_day : how often it lets itself be asked, where the settings do not say; None: no limit.
    """

    source: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    key_settings: str = ""
    key_from: str = ""
    complaint: Callable[[Reply], MarketlakeError | None] = lambda reply: None
    pace_per_s: float | None = None
    quota_per_day: int | None = None

    def refused(self, where: str, found: str) -> Permanent:
        """The error of a key that the host does not take."""
        settings = self.key_settings or "the source's settings"
        return Permanent(
            where, expected=f"a key that {self.source} accepts", found=found,
            do=f"Check {settings}; {self.key_from or 'the host needs none, so it refuses this address'}",
        )  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """A good answer.

    Parameters
    ----------
    payload : the bytes as they came; `body` is the same, parsed.
    request : the request's fingerprint: method, path and sorted parameters, keys redacted.
    fetched_at : when the source answered, by its own clock (UTC).
    """

    payload: bytes
    body: Any
    status: int
    url_redacted: str
    request: str
    fetched_at: datetime
