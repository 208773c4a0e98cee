"""What a source's server is and what it sends: address and authentication, a reply before it is judged, a good answer.

What does not belong here: asking (`lake.http`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeVar

from lake.unpack import parsed
from market.errors import MarketlakeError, Permanent

Failure = TypeVar("Failure", bound=MarketlakeError)
_REFUSED = "refused"


@dataclass(frozen=True)
class Form:
    """What an answer's bytes must be: a word for it, and what they hold; a ValueError says that they are broken or something else."""

    word: str
    held_in: Callable[[bytes], Any]


JSON = Form("JSON", parsed)


@dataclass(frozen=True)
class Reply:
    """What came back, before anybody judged it.

    Parameters
    ----------
    body : what the payload holds by its form (JSON, unless asked otherwise), None where it is not that.
    retry_after, dated : its headers Retry-After and Date; empty where it has none.
    flaw : why there is no body, where more is known than that it is no JSON.
    is_too_large : there is more of it than may be held; `payload` is its beginning.
    """

    status: int
    payload: bytes
    body: Any
    where: str
    retry_after: str = ""
    dated: str = ""
    flaw: str = ""
    is_too_large: bool = False

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
    plain_headers : sent with every request too, and no secret.
    secrets : what is sent now and then and must not get out either: a member's id and password.
    key_settings : the settings that hold the key, for messages.
    key_from : where to get one.
    complaint : the error in a reply by the source's own codes, None where there is none.
    pace_per_s, quota_per_day : how often it lets itself be asked, where the settings do not say; None: no limit.
    """

    source: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    plain_headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
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
class Ask:
    """What is asked of a host: parameters go into the address, or into the body where it is posted."""

    method: Literal["GET", "POST"]
    path: str
    params: Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """One request, the smallest that shows whether a host lets us in; what a client's `one_call` gives.

    Parameters
    ----------
    accept : statuses that are answers.
    ask : where it takes more than a GET, such as a login: asks, given a `lake.http.Fetcher` and the session.
    """

    host: Host
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[int, ...] = (200,)
    ask: Callable[[Any, date], "Answer"] | None = None


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


@dataclass(frozen=True)
class Refused:
    """A reply that is no answer, for the landing zone: what a source said is kept, also where it is an error.

    Parameters
    ----------
    session_date : the session asked for.
    suffix : a word for people in the file's name: what was asked, and the status.
    payload : the bytes as they came, but for keys, which are taken out.
    """

    source: str
    session_date: date
    suffix: str
    payload: bytes


def carrying(error: Failure, refused: Refused) -> Failure:
    """The same error, with the reply that it is about: whoever stores payloads finds it with `refused_in`."""
    setattr(error, _REFUSED, refused)
    return error


def refused_in(error: MarketlakeError) -> Refused | None:
    """The reply that the error is about; None where there was none, or where a delivery holds it."""
    found = getattr(error, _REFUSED, None)
    return found if isinstance(found, Refused) else None
