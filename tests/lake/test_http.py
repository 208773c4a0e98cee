"""One core asks every source: what it tries again, how long it waits, what it refuses, and that no key gets out."""

import logging
import random
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.host import Host, refused_in
from lake.http import Fetcher
from lake.pace import RequestLog
from lake.settings import Settings
from market.errors import Permanent, Transient

KEY = "s3cret/key+with=signs"
DAY = date(2024, 5, 3)
NOW = datetime(2024, 5, 7, 9, 0, tzinfo=UTC)
HOST = Host(
    "dart", "https://host.test", params={"crtfc_key": KEY}, headers={"AUTH": KEY}, key_settings="MARKETLAKE_DART_API_KEY",
    key_from="get a key at host.test",
)  # fmt: skip

Handler = Callable[[httpx.Request], httpx.Response]


class Asking:
    """A fetcher over a scripted host, with the pauses that it made."""

    def __init__(self, handler: Handler, **values: object) -> None:
        self.pauses: list[float] = []
        self.log = RequestLog()
        settings = Settings(_env_file=None, **{"http_attempts": 4, "http_backoff_s": 1.0, **values})
        self.fetcher = Fetcher(
            HOST, settings, lambda: NOW, self.log, transport=httpx.MockTransport(handler), sleep=self.pauses.append,
            rng=random.Random(1),
        )  # fmt: skip

    def get(self, **more: object) -> object:
        with self.fetcher as fetcher:
            return fetcher.get("/api/list.json", {"b": "2", "a": "1"}, DAY, **more)


def script(*steps: httpx.Response | Exception) -> Handler:
    """Answers in this order; the last for ever."""
    left = list(steps)

    def handler(request: httpx.Request) -> httpx.Response:
        step = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(step, Exception):
            raise step
        return step

    return handler


def ok() -> httpx.Response:
    return httpx.Response(200, json={"rows": []})


@pytest.mark.parametrize("status", [200, 403, 500])
def test_the_reply_that_an_error_is_about_comes_with_it_without_keys(status: int) -> None:
    page = f"<html>{KEY} \xff".encode("latin-1")
    with pytest.raises((Permanent, Transient)) as caught:
        Asking(script(httpx.Response(status, content=page)), http_attempts=2).get()
    refused = refused_in(caught.value)
    assert refused is not None
    assert refused.payload == b"<html>*** \xff"
    assert (refused.source, refused.session_date, refused.suffix) == ("dart", DAY, f"list.json-refused-{status}")


def test_where_nothing_came_there_is_nothing_to_keep() -> None:
    with pytest.raises(Transient) as caught:
        Asking(script(httpx.ConnectError("refused")), http_attempts=2).get()
    assert refused_in(caught.value) is None


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(429),
        httpx.Response(500),
        httpx.Response(503, text="<html>later</html>"),
        httpx.Response(200, text='{"rows": [1, 2'),
        httpx.Response(200, text="<!DOCTYPE html><title>Will be right back</title>"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("peer closed connection"),
    ],
    ids=lambda t: str(getattr(t, "status_code", type(t).__name__)),
)
def test_a_transient_failure_is_tried_again(trouble: httpx.Response | Exception) -> None:
    asking = Asking(script(trouble, ok()))
    assert asking.get().body == {"rows": []}
    assert len(asking.pauses) == 1
    [ended] = asking.log.drain()
    assert (ended.outcome, ended.attempts, ended.status) == ("ok", 2, 200)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302])
def test_a_refusal_is_permanent_at_once(status: int) -> None:
    asking = Asking(script(httpx.Response(status, text="no")))
    with pytest.raises(Permanent):
        asking.get()
    assert asking.pauses == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_setting_and_where_to_get_one(status: int) -> None:
    with pytest.raises(Permanent, match=r"MARKETLAKE_DART_API_KEY; get a key at host\.test"):
        Asking(script(httpx.Response(status))).get()


def test_after_the_last_attempt_it_says_url_attempts_and_status() -> None:
    asking = Asking(script(httpx.Response(503)))
    with pytest.raises(Transient, match=r"https://host\.test/api/list\.json.*4 attempts, last status 503"):
        asking.get()
    assert len(asking.pauses) == 3
    [ended] = asking.log.drain()
    assert (ended.outcome, ended.attempts, ended.status) == ("transient", 4, 503)


def test_a_host_that_never_answers_has_no_status() -> None:
    with pytest.raises(Transient, match="no status at all"):
        Asking(script(httpx.ConnectError("refused"))).get()


def test_retry_after_is_honoured_in_seconds_and_as_a_date() -> None:
    later = format_datetime(NOW + timedelta(seconds=9), usegmt=True)
    asking = Asking(
        script(
            httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(503, headers={"Retry-After": later}), ok()
        )
    )
    asking.get()
    assert asking.pauses == [7.0, 9.0]


def test_a_retry_after_longer_than_allowed_fails_at_once() -> None:
    asking = Asking(script(httpx.Response(429, headers={"Retry-After": "3600"})))
    with pytest.raises(Transient, match="MARKETLAKE_HTTP_MAX_PAUSE_S"):
        asking.get()
    assert asking.pauses == []


@given(seed=st.integers(0, 2**32), backoff_s=st.floats(0.01, 10), longest_s=st.floats(0.01, 30))
def test_pauses_grow_with_jitter_and_stay_bounded(seed: int, backoff_s: float, longest_s: float) -> None:
    asking = Asking(script(httpx.Response(500)), http_backoff_s=backoff_s, http_max_pause_s=longest_s)
    asking.fetcher._rng = random.Random(seed)
    with pytest.raises(Transient):
        asking.get()
    for n, pause_s in enumerate(asking.pauses):
        ceiling = min(longest_s, backoff_s * 2**n)
        assert min(longest_s, backoff_s * 2**n / 2) <= pause_s <= ceiling


def test_a_dripping_answer_is_given_up_at_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 10_000, 15))
    monkeypatch.setattr("lake.http.time.monotonic", lambda: float(next(ticks)))

    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from [b"{"] * 100

    asking = Asking(lambda request: httpx.Response(200, stream=Drip()), http_attempts=1)
    with pytest.raises(Transient, match="nothing within 20 s"):
        asking.get()


def test_no_key_gets_out(caplog: pytest.LogCaptureFixture, logged: list[str]) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.url.params["crtfc_key"] == KEY
        return httpx.Response(500, text=f"cannot serve {request.url} for {KEY}")

    asking = Asking(handler)
    with caplog.at_level(logging.DEBUG), pytest.raises(Transient) as caught:
        asking.get()
    [ended] = asking.log.drain()
    said = [*logged, *caplog.messages, ended.request, "".join(traceback.format_exception(caught.value))]
    assert any("HTTP Request" in line for line in caplog.messages)
    for text in said:
        assert KEY not in text
        assert str(httpx.QueryParams({"k": KEY}))[2:] not in text


def test_no_key_gets_out_of_a_broken_connection() -> None:
    asking = Asking(script(httpx.ConnectError(f"cannot reach https://host.test/?crtfc_key={KEY}")), http_attempts=1)
    with pytest.raises(Transient) as caught:
        asking.get()
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_the_fingerprint_is_the_same_whatever_the_key_and_the_time() -> None:
    answer = Asking(lambda request: ok()).get(now_params=("b",))
    assert answer.request == "GET /api/list.json?a=1&b=now&crtfc_key=***"
    assert answer.url_redacted == "https://host.test/api/list.json?a=1&b=now&crtfc_key=***"


def test_the_answers_own_date_is_when_it_was_fetched() -> None:
    stamp = NOW - timedelta(minutes=4)
    answer = Asking(lambda r: httpx.Response(200, json={}, headers={"Date": format_datetime(stamp, usegmt=True)})).get()
    assert answer.fetched_at == stamp


def test_a_clock_that_is_wrong_is_refused_with_both_times() -> None:
    stamp = NOW + timedelta(hours=1)
    asking = Asking(lambda r: httpx.Response(200, json={}, headers={"Date": format_datetime(stamp, usegmt=True)}))
    with pytest.raises(Permanent, match=r"2024-05-07T09:00:00\+00:00.*2024-05-07T10:00:00\+00:00"):
        asking.get()


def test_a_spent_quota_stops_before_asking_and_names_the_setting() -> None:
    asked: list[httpx.Request] = []
    asking = Asking(lambda request: asked.append(request) or ok(), dart_quota_per_day=0)
    with pytest.raises(Permanent, match="MARKETLAKE_DART_QUOTA_PER_DAY"):
        asking.get()
    assert asked == []


def test_repeats_count_against_the_quota() -> None:
    asking = Asking(script(httpx.Response(500)), dart_quota_per_day=2)
    with pytest.raises(Permanent, match="QUOTA"):
        asking.get()
    [ended] = asking.log.drain()
    assert (ended.attempts, ended.outcome) == (2, "permanent")


def test_an_address_that_is_none_is_permanent() -> None:
    settings = Settings(_env_file=None)
    with (
        Fetcher(Host("krx", "host-without-scheme"), settings, lambda: NOW) as fetcher,
        pytest.raises(Permanent, match="KRX_BASE_URL"),
    ):
        fetcher.get("/x", {}, DAY)


def test_a_status_that_the_caller_accepts_is_an_answer() -> None:
    answer = Asking(lambda request: httpx.Response(404, json={"error": "unknown"})).get(accept=(200, 404))
    assert (answer.status, answer.body) == (404, {"error": "unknown"})
