"""Asking a source over HTTP: one place for retries, pace, quota, redaction, truncated answers and clocks.

Whether a failure is transient is decided here, where it is born, and only a transient one is tried again. What a good answer
means does not belong here; the client of the source (`lake.clients`) knows.
"""

import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Self, cast
from urllib.parse import quote, urlencode

import httpx
from loguru import logger

from lake.clock import Clock
from lake.host import JSON, Answer, Ask, Failure, Form, Host, Refused, Reply, carrying
from lake.http_headers import http_date, long_cookies, retry_after_s
from lake.pace import Glance, Pace, Requested, RequestLog, skew
from lake.redaction import HIDDEN, LIBRARIES, Redactor, guard
from lake.settings import Settings
from lake.unpack import ACCEPTED, TooLarge
from lake.unpack import read as read_unpacked
from market.errors import MarketlakeError, Permanent, Transient
from market.sources import SOURCES

MAX_SKEW = timedelta(minutes=5)
_SHOWN_BYTES = 2000


@cache
def _certificates() -> ssl.SSLContext:
    """Whom we believe, for every client: reading it takes longer than many an answer."""
    return httpx.create_ssl_context()


class Fetcher:
    """Asks one host; safe to call from many threads.

    Parameters
    ----------
    clock : what time it should be at the host; a reply further than five minutes from it is refused.
    transport, sleep, rng : a test's.
    """

    def __init__(
        self,
        host: Host,
        settings: Settings,
        clock: Clock,
        requests: RequestLog | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self.host, self._settings, self._clock = host, settings, Glance(clock)
        self._requests = requests or RequestLog()
        self._sleep, self._rng = sleep, rng or random.Random()
        rule = SOURCES[host.source]
        pace, quota = (getattr(settings, rule.setting(limit)) for limit in ("pace_per_s", "quota_per_day"))
        self._pace = Pace((host.pace_per_s or 0.0) if pace is None else pace, sleep=sleep)
        self._quota: int | None = host.quota_per_day if quota is None else quota
        self.redact = Redactor([*host.headers.values(), *host.params.values(), *host.secrets])
        self._guards = [guard(library, self.redact) for library in LIBRARIES]
        self._client = httpx.Client(
            headers={
                "User-Agent": "Mozilla/5.0 (compatible; marketlake)",
                "Accept-Encoding": ACCEPTED,
                **host.plain_headers,
                **host.headers,
            },
            timeout=settings.http_timeout_s,
            limits=httpx.Limits(
                max_connections=settings.http_parallel, max_keepalive_connections=settings.http_parallel
            ),
            transport=transport,
            verify=_certificates(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.close()
        for guarded in self._guards:
            guarded.remove(self.redact)

    def get(
        self,
        path: str,
        params: Mapping[str, str],
        session_date: date,
        *,
        now_params: tuple[str, ...] = (),
        accept: tuple[int, ...] = (200,),
        form: Form = JSON,
    ) -> Answer:
        """The answer to a GET, tried again as long as the failure is transient and the limits allow.

        Parameters
        ----------
        session_date : the session asked for, for the record.
        now_params : parameters that only say what time it is; the fingerprint shows them as `now`.
        accept : statuses that are answers.
        form : what the answer must be.

        Raises
        ------
        Permanent
            A rerun cannot help: refused, quota spent, nonsense, a clock that is wrong.
        Transient
            Nothing good came within the attempts that the settings allow.
        """
        return self._answer(Ask("GET", path, params), session_date, now_params, accept, form)

    def post(self, path: str, fields: Mapping[str, str], session_date: date, *, form: Form = JSON) -> Answer:
        """The answer to a form that is posted, as `get`; a host's cookies are kept and sent back."""
        return self._answer(Ask("POST", path, fields), session_date, (), (200,), form)

    def _answer(
        self, ask: Ask, session_date: date, now_params: tuple[str, ...], accept: tuple[int, ...], form: Form
    ) -> Answer:
        request = self._fingerprint(ask, now_params)
        where = self.redact(self.host.base_url.rstrip("/") + request.partition(" ")[2])
        last: tuple[int | None, int] = (None, 0)
        reply: Reply | None
        attempt = 0
        while True:
            now, reply = self._clock(), None
            try:
                self._requests.spend(self.host.source, now, self._quota)
                attempt += 1
                reply = self._once(ask, where, form)
                last = (reply.status, len(reply.payload))
                answered_at = self._answered_at(reply, now)
                self._judge(reply, accept, form)
                self._record(session_date, request, last, "ok", attempt)
                return Answer(reply.payload, reply.body, reply.status, where, request, answered_at)
            except Transient as error:
                pause_s = self._pause_s(error, reply, attempt)
                if pause_s is None:
                    self._record(session_date, request, last, "transient", attempt)
                    given_up = self._given_up(error, where, attempt, last[0])
                    raise self._with_reply(given_up, reply, ask.path, session_date) from error
                logger.warning(
                    "asking again", source=self.host.source, url=where, attempt=attempt, status=last[0],
                    pause_s=round(pause_s, 2), reason=error.found,
                )  # fmt: skip
                self._sleep(pause_s)
            except Permanent as error:
                if attempt:
                    self._record(session_date, request, last, "permanent", attempt)
                self._with_reply(error, reply, ask.path, session_date)
                raise

    def _once(self, ask: Ask, where: str, form: Form) -> Reply:
        self._pace.wait()
        try:
            response, payload, flaw = self._read(ask)
        except httpx.TimeoutException as error:
            found = f"nothing within {self._settings.http_timeout_s:g} s"
            raise Transient(where, expected="an answer", found=found) from self._bare(error)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            found = self.redact(str(error))
            setting = f"MARKETLAKE_{SOURCES[self.host.source].setting('base_url').upper()}"
            raise Permanent(where, expected="an address", found=found, do=f"Correct {setting}") from self._bare(error)
        except httpx.RequestError as error:
            found = f"{type(error).__name__}: {self.redact(str(error))}"
            raise Transient(where, expected="an answer", found=found) from self._bare(error)
        body, too_large = None, isinstance(flaw, TooLarge)
        if not flaw:
            try:
                body = form.held_in(payload)
            except ValueError as error:  # JSONDecodeError and UnicodeDecodeError
                flaw, too_large = _told(error), isinstance(error, TooLarge)
        return Reply(
            response.status_code, payload, body, where, response.headers.get("Retry-After", ""),
            response.headers.get("Date", ""), f"{flaw}", too_large,
        )  # fmt: skip

    def _read(self, ask: Ask) -> tuple[httpx.Response, bytes, str | TooLarge]:
        # The timeout of httpx is per chunk: a server that drips would be waited for without end.
        deadline = time.monotonic() + self._settings.http_timeout_s
        url = self.host.base_url.rstrip("/") + quote(ask.path)
        most = self._settings.http_most_mb * 1_000_000

        def parts(response: httpx.Response) -> Iterator[bytes]:
            for part in cast(httpx.SyncByteStream, response.stream):  # unpacked by us: httpx knows no bound
                yield part
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the whole answer took too long")

        params, data = (ask.params, None) if ask.method == "GET" else ({}, dict(ask.params))
        with self._client.stream(ask.method, url, params={**params, **self.host.params}, data=data) as response:
            self.redact.learn(long_cookies(response))
            try:
                payload, flaw = read_unpacked(parts(response), response.headers.get("Content-Encoding", ""), most)
            except TooLarge as error:
                return response, error.args[0], TooLarge(f"more than {self._settings.http_most_mb} MB")
        return response, payload, flaw

    def _bare(self, error: Exception) -> Exception:
        # The original holds the request with its key; only its class and redacted words go on.
        return RuntimeError(f"{type(error).__name__}: {self.redact(str(error))}")

    def _with_reply(self, error: Failure, reply: Reply | None, path: str, session_date: date) -> Failure:
        if reply is None or not reply.payload:
            return error
        asked = f"{path.rpartition('/')[2]}-refused-{reply.status}"
        return carrying(error, Refused(self.host.source, session_date, asked, self.redact.of_bytes(reply.payload)))

    def _answered_at(self, reply: Reply, now: datetime) -> datetime:
        stamp = http_date(reply.dated)
        if stamp is None:
            return now
        if skew(stamp, now) > MAX_SKEW and skew(stamp, now := self._clock(fresh=True)) > MAX_SKEW:
            raise Permanent(
                reply.where, expected=f"a clock within {MAX_SKEW.seconds // 60} minutes of ours, {now.isoformat()}",
                found=f"an answer dated {stamp.isoformat()}", do="Correct the clock that is wrong: known_at depends on it",
            )  # fmt: skip
        return stamp

    def _judge(self, reply: Reply, accept: tuple[int, ...], form: Form) -> None:
        error = self.host.complaint(reply) or self._by_status(reply, accept)
        if error is None and reply.body is None:
            kind = f"{len(reply.payload)} bytes that break off or are no {form.word}"
            kind = "a page of HTML" if reply.is_html else kind
            refused = Permanent if reply.status >= 400 or reply.is_too_large else Transient
            found = f"HTTP {reply.status} with {kind}{f' ({reply.flaw})' if reply.flaw else ''}"
            do = "MARKETLAKE_HTTP_MOST_MB says how much an answer may hold" if reply.is_too_large else ""
            error = refused(reply.where, expected=form.word, found=found, do=do)
        if error is not None:
            error.found = self.redact(error.found)  # a source's own words may repeat what it was sent
            raise error

    def _by_status(self, reply: Reply, accept: tuple[int, ...]) -> MarketlakeError | None:
        status = reply.status
        if status in accept:
            return None
        found = f"HTTP {status}: {self.excerpt(reply.payload)}"
        if status in (408, 425, 429) or status >= 500:
            return Transient(reply.where, expected="an answer", found=found)
        if status in (401, 403):
            return self.host.refused(reply.where, found)
        return Permanent(reply.where, expected="an answer", found=found, do="The host does not know this request")

    def excerpt(self, payload: bytes) -> str:
        """The beginning of a body, for messages, keys redacted."""
        return " ".join(self.redact.of_bytes(payload)[:_SHOWN_BYTES].decode("utf-8", "replace").split())[:120]

    def _pause_s(self, error: Transient, reply: Reply | None, attempt: int) -> float | None:
        """Seconds until the next attempt; None where there is none to be."""
        if attempt >= self._settings.http_attempts:
            return None
        longest = self._settings.http_max_pause_s
        asked = retry_after_s(reply.retry_after, self._clock()) if reply else None
        if asked is not None and asked > longest:
            error.do = f"The host asks to wait {asked:g} s, longer than MARKETLAKE_HTTP_MAX_PAUSE_S ({longest:g})"
            return None
        backoff = float(self._settings.http_backoff_s * 2 ** (attempt - 1)) * self._rng.uniform(0.5, 1.0)
        return min(longest, max(backoff, asked or 0.0))

    def _given_up(self, error: Transient, where: str, attempts: int, status: int | None) -> Transient:
        seen = f"last status {status}" if status is not None else "no status at all"
        found = f"{error.found} after {attempts} attempt{'s' if attempts > 1 else ''}, {seen}"
        return Transient(where, expected=error.expected, found=found, do=error.do or "Run it again later")

    def _fingerprint(self, ask: Ask, now_params: tuple[str, ...]) -> str:
        told = {name: self.redact.shown(value) for name, value in ask.params.items()}
        shown = {**told, **dict.fromkeys(now_params, "now"), **dict.fromkeys(self.host.params, HIDDEN)}
        return self.redact(f"{ask.method} {quote(ask.path)}?{urlencode(sorted(shown.items()), safe='*')}")

    def _record(
        self, session_date: date, request: str, last: tuple[int | None, int], outcome: str, attempts: int
    ) -> None:
        self._requests.ended(
            Requested(self.host.source, session_date, request, last[0], outcome, attempts, last[1], self._clock())
        )


def _told(error: ValueError) -> str:
    """What a parser says, without the payload that it holds."""
    return str(error) if not isinstance(error, UnicodeDecodeError) else f"no {error.encoding} at byte {error.start}"
