"""The first level of the cache: whole answers of this process by their URL, found before any route is looked for.

Used on the event loop alone, so that it needs no lock. What does not belong here: which answers may be kept (`serving.cache`).
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.types import Scope, Send

MAX_BYTES = 64 << 20
_OVERHEAD = 1024  # bytes of an entry beside its body and query, about
Key = tuple[bytes, str, bytes]


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept answer.

    Parameters
    ----------
    route : template of the route that made it, for the counts.
    tag : its ETag.
    ends_at : when its time is over, by the front's clock.
    """

    body: bytes
    tag: str
    release_id: str
    route: str
    ends_at: float

    async def send(self, scope: Scope, send: Send, request_id: str) -> int:
        """Answer with it, or with 304 where the caller has it; the status."""
        headers = [
            (b"x-request-id", request_id.encode("ascii")),
            (b"x-release-id", self.release_id.encode("ascii")),
            (b"etag", self.tag.encode("ascii")),
            (b"cache-control", b"no-cache"),
        ]
        asked = [value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match"]
        is_known = bool(asked) and has_tag(asked, self.tag)
        if not is_known:
            headers += [
                (b"content-length", str(len(self.body)).encode("ascii")), (b"content-type", b"application/json")
            ]  # fmt: skip
        status = 304 if is_known else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if is_known else self.body})
        return status


class Front:
    """Answers by edition, path and query as they were sent; the least recently used go first.

    Parameters
    ----------
    max_bytes : of all answers, about.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes, self._clock = max_bytes, clock
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self.n_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, edition: bytes, scope: Scope) -> Kept | None:
        """The answer to this request; None where there is none, or its time is over."""
        key = (edition, scope["path"], scope["query_string"])
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.ends_at <= self._clock():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def keep(
        self, edition: bytes, scope: Scope, *, seconds: float, body: bytes, tag: str, release_id: str, route: str
    ) -> None:
        """Keep the answer to this request for so many seconds; nothing where it alone is too large."""
        key = (edition, scope["path"], scope["query_string"])
        if _size(key, body) > self._max_bytes // 8:
            return
        self._drop(key)
        self._kept[key] = Kept(body, tag, release_id, route, self._clock() + seconds)
        self.n_bytes += _size(key, body)
        while self.n_bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.n_bytes = 0

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.n_bytes -= _size(key, kept.body)


def has_tag(given: Iterable[str], tag: str) -> bool:
    """True where one of the `If-None-Match` lines names the tag, or any."""
    tags = [one.strip().removeprefix("W/") for line in given for one in line.split(",")]
    return tag in tags or "*" in tags


def _size(key: Key, body: bytes) -> int:
    return len(body) + len(key[1]) + len(key[2]) + _OVERHEAD
