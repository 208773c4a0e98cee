"""What each fault of the outside world gets, for every source, against the real exchange."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from exchange.keys import DEFAULT_KEYS, KRX_SERVICES
from exchange.server import Server, serve
from lake.clients import client
from lake.host import refused_in
from lake.landing import land
from market import calendars, registry
from market.errors import Permanent, Transient
from market.sources import SOURCES

ALL = tuple(name for name in SOURCES if name != "krx_market")
"""The members' list of delistings is empty on most sessions, and asks for a login: see `test_krx_market.py`."""
KEYED = ("krx", "dart", "naver", "daum")
KEY_SETTING = {
    "krx": "MARKETLAKE_KRX_API_KEY",
    "dart": "MARKETLAKE_DART_API_KEY",
    "naver": "MARKETLAKE_NAVER_CLIENT_ID",
    "daum": "MARKETLAKE_KAKAO_API_KEY",
}


def requested(intake: Any) -> list[dict[str, Any]]:
    return intake.delta.read(registry.table("ops.requests")).to_pylist()


def n_rows(intake: Any, source: str) -> int:
    return sum(intake.delta.read(registry.table(name)).num_rows for name in client(source).TABLES)


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize(
    "fault", ["rate-limit:retry_after=0,first=2", "server-errors:first=2", "cut:first=2", "truncated:first=2", "html:first=2"]
)  # fmt: skip
def test_a_passing_trouble_is_overcome(intake: Any, exchange: Server, source: str, fault: str) -> None:
    exchange.set_faults([fault])
    assert intake.with_settings(http_parallel=1).take(source, intake.sessions(source)[-2:]).new_rows > 0
    assert max(row["attempts"] for row in requested(intake)) == 3


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("rate-limit:retry_after=0", "last status 429"),
        ("server-errors:status=502", "last status 502"),
        ("cut", "no status"),
        ("truncated", "last status 200"),
        ("html", "last status 200"),
        ("html:status=503", "last status 503"),
    ],
)
def test_a_lasting_trouble_fails_as_transient_and_adds_no_row(
    intake: Any, exchange: Server, source: str, fault: str, status: str
) -> None:
    exchange.set_faults([fault])
    with pytest.raises(Transient, match=rf"{exchange.url}/{SOURCES[source].prefix}.*after 3 attempts, {status}"):
        intake.take(source, intake.sessions(source)[-1:])
    assert n_rows(intake, source) == 0


@pytest.mark.parametrize("source", ALL)
def test_a_slow_answer_is_given_up_and_asked_again(intake: Any, exchange: Server, source: str) -> None:
    exchange.set_faults(["slow:delay=1,first=1"])
    assert intake.with_settings(http_timeout_s=0.3).take(source, intake.sessions(source)[-3:]).new_rows > 0
    exchange.set_faults(["slow:delay=1"])
    with pytest.raises(Transient, match=r"nothing within 0\.3 s after 2 attempts"):
        intake.with_settings(http_timeout_s=0.3, http_attempts=2).take(source, intake.sessions(source)[-4:])


@pytest.mark.parametrize("source", KEYED)
def test_an_expired_key_is_permanent_and_names_the_setting(intake: Any, exchange: Server, source: str) -> None:
    exchange.set_faults(["expired-key"])
    with pytest.raises(Permanent, match=KEY_SETTING[source]) as caught:
        intake.take(source, intake.sessions(source)[-1:])
    assert "get " in str(caught.value) or "keys are at" in str(caught.value)
    assert {row["attempts"] for row in requested(intake)} == {1}


@pytest.mark.parametrize("source", KEYED)
def test_a_wrong_key_is_permanent_and_is_not_repeated_to_anybody(
    intake: Any, source: str, logged: list[str], make: Any
) -> None:
    wrong = make(**dict.fromkeys([name.lower() for name in DEFAULT_KEYS], "wrong-key-0123456789"))
    keys = {n.lower(): getattr(wrong, n.lower()) for n in DEFAULT_KEYS}
    with pytest.raises(Permanent, match=KEY_SETTING[source]) as caught:
        intake.with_settings(**keys).take(source, intake.sessions(source)[-1:])
    for text in (str(caught.value), *logged, str(requested(intake))):
        assert "wrong-key-0123456789" not in text


@pytest.mark.parametrize("source", KEYED)
def test_a_missing_key_stops_before_asking(intake: Any, source: str, make: Any) -> None:
    empty = make(krx_api_key="", dart_api_key="", naver_client_id="", kakao_api_key="")
    keys = {name: getattr(empty, name) for name in ("krx_api_key", "dart_api_key", "naver_client_id", "kakao_api_key")}
    with pytest.raises(Permanent, match=rf"{KEY_SETTING[source]}.*empty"):
        intake.with_settings(**keys).take(source, intake.sessions(source)[-1:])


@pytest.mark.parametrize("source", KEYED)
def test_a_spent_quota_is_permanent_at_once(intake: Any, exchange: Server, source: str) -> None:
    exchange.set_faults(["quota"])
    with pytest.raises(Permanent, match=f"MARKETLAKE_{SOURCES[source].prefix.upper()}_QUOTA_PER_DAY"):
        intake.take(source, intake.sessions(source)[-1:])
    assert {row["attempts"] for row in requested(intake)} == {1}


@pytest.mark.parametrize("source", ALL)
def test_an_error_told_with_http_200_is_never_an_empty_day(intake: Any, exchange: Server, source: str) -> None:
    exchange.set_faults(["error-body"])
    with pytest.raises((Permanent, Transient)):
        intake.take(source, intake.sessions(source)[-1:])
    assert n_rows(intake, source) == 0


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize(
    ("fault", "begin"),
    [("error-body", b"{"), ("html", b"<!DOCTYPE"), ("html:status=403", b"<!DOCTYPE"), ("truncated", b"{"),
     ("server-errors", b"Service"), ("clock-skew", b"{")],
)  # fmt: skip
def test_a_refused_reply_is_kept_and_the_error_says_where(
    intake: Any, exchange: Server, source: str, fault: str, begin: bytes
) -> None:
    exchange.set_faults([fault])
    with pytest.raises((Permanent, Transient)) as caught:
        intake.take(source, day := intake.sessions(source)[-1:])
    refused = refused_in(caught.value)
    assert refused is not None
    assert refused.payload.startswith(begin)
    kept = [path for path in intake.store.list(f"landing/{source}/{day[0]}/") if "refused-" in path]
    assert any(f"kept at {path}" in str(caught.value) for path in kept)
    _, path = land(intake.store, refused)
    assert path in kept
    assert "refused-" in path
    assert intake.store.get(path) == refused.payload


def test_one_not_found_of_yahoo_loses_no_symbol(intake: Any, exchange: Server) -> None:
    exchange.set_faults(["error-body:source=yahoo,first=1"])
    intake.with_settings(http_parallel=1).take("yahoo", intake.sessions("yahoo")[-1:])
    bars = intake.delta.read(registry.table("bronze.yahoo_chart")).to_pylist()
    assert {bar["symbol"] for bar in bars if bar["kind"] == "bar"} == set(intake.world.symbols("yahoo"))


def test_a_symbol_with_an_empty_window_makes_the_day_of_yahoo_incomplete(intake: Any, exchange: Server) -> None:
    exchange.set_faults(["empty-day:source=yahoo,first=1"])
    with pytest.raises(Transient, match=r"a bar of every symbol that trades.*none of 1"):
        intake.with_settings(http_parallel=1).take("yahoo", intake.sessions("yahoo")[-1:])
    assert n_rows(intake, "yahoo") == 0
    exchange.set_faults([])
    assert intake.take("yahoo", intake.sessions("yahoo")[-1:]).new_rows > 0


def test_a_stale_answer_of_krx_is_no_day(intake: Any, exchange: Server) -> None:
    before, day = intake.sessions("krx")[-2:]
    exchange.set_faults([f"stale-day:date={day}"])
    with pytest.raises(
        Transient, match=rf"krx {day}.*rows of {day:%Y%m%d}.*stale answer.*{before:%Y%m%d} alone.*kept at"
    ):
        intake.take("krx", [day])
    assert n_rows(intake, "krx") == 0
    exchange.set_faults([])
    assert intake.take("krx", [day]).new_rows > 0


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("kind", ["renamed", "gone", "type"])
def test_a_drifted_schema_stops_and_keeps_the_payload(intake: Any, exchange: Server, source: str, kind: str) -> None:
    exchange.set_faults([f"schema-drift:kind={kind}"])
    with pytest.raises(Permanent, match=rf"of {source}.*expected.*was.*kept at landing/{source}/") as caught:
        intake.take(source, intake.sessions(source)[-3:])
    path = str(caught.value).rpartition("kept at ")[2]
    assert intake.store.get(path)
    assert n_rows(intake, source) == 0


@pytest.mark.parametrize("source", ["krx", "yahoo"])
def test_an_empty_answer_on_a_session_past_due_is_blocked_with_the_calendars_reason(
    intake: Any, exchange: Server, source: str
) -> None:
    day = intake.sessions(source)[-3]
    fault = f"empty-day:date={day}" if source == "krx" else "empty-day"
    exchange.set_faults([fault])
    with pytest.raises(Permanent, match=rf"{source} {day}.*due since.*blocked.*session of"):
        intake.take(source, [day])
    assert n_rows(intake, source) == 0


@pytest.mark.parametrize("source", ALL)
def test_a_session_that_is_not_due_is_transient(intake: Any, exchange: Server, source: str) -> None:
    day = intake.sessions(source)[-3]
    exchange.set_clock(calendars.close_at(SOURCES[source].exchange, day) - timedelta(hours=1))
    with pytest.raises(Transient, match="not yet"):
        intake.take(source, [day])
    assert n_rows(intake, source) == 0


def test_a_full_answer_on_a_holiday_is_blocked_with_why_it_is_closed(intake: Any, exchange: Server) -> None:
    days = intake.sessions("krx")
    holiday, after = next(
        (gap, day)
        for before, day in pairwise(days)
        for gap in (before + timedelta(days=n) for n in range(1, (day - before).days))
        if gap.weekday() < 5
    )
    exchange.set_faults([f"holiday-rows:date={holiday}"])
    with pytest.raises(Permanent, match=rf"krx {holiday}.*holiday of XKRX.*blocked: \d+ rows.*kept at"):
        intake.take("krx", [after])
    assert n_rows(intake, "krx") == 0


def test_a_clock_that_is_wrong_is_permanent(intake: Any, exchange: Server) -> None:
    exchange.set_faults(["clock-skew:seconds=3600"])
    with pytest.raises(Permanent, match="known_at depends on it"):
        intake.take("krx", intake.sessions("krx")[-1:])


def test_bad_and_doubled_rows_are_delivered_as_they_came(intake: Any, exchange: Server) -> None:
    day = intake.sessions("krx")[-1:]
    calm = intake.take("krx", day).new_rows
    exchange.set_faults(["duplicates", "bad-rows:share=1"])
    n_services = 8  # a row each says what its service answered
    assert intake.take("krx", day).new_rows == 2 * (calm - n_services) + n_services


def test_a_key_without_indices_and_funds_brings_the_stocks_and_says_what_it_lacks(
    intake: Any, exchange: Server
) -> None:
    stocks = ",".join(f"{market}_{kind}" for market in ("stk", "ksq") for kind in ("bydd_trd", "isu_base_info"))
    days = intake.sessions("krx")[-2:]
    with serve("synthetic:7", symbols=12, us_symbols=3, sessions=30, keys={KRX_SERVICES: stocks}) as narrow:
        limited = intake.with_settings(exchange_url=narrow.url)
        limited.take("krx", days)
        assert narrow.world.name == exchange.world.name
    told = limited.delta.read(registry.table("bronze.krx_services")).to_pylist()
    refused = {row["service"] for row in told if row["state"] == "refused"}
    assert refused == {"krx_dd_trd", "kospi_dd_trd", "kosdaq_dd_trd", "etf_bydd_trd"}
    assert limited.delta.read(registry.table("bronze.krx_daily")).num_rows > 0
    assert limited.delta.read(registry.table("bronze.krx_indices")).num_rows == 0
    intake.take("krx", days)  # the key is approved for all now: asked again, they are there
    assert intake.delta.read(registry.table("bronze.krx_indices")).num_rows == 2 * 7
    states = intake.delta.read(registry.table("bronze.krx_services")).to_pylist()
    assert {row["state"] for row in states if row["service"] == "etf_bydd_trd"} == {"refused", "open"}


def test_a_day_of_bad_rows_of_yahoo_is_delivered(intake: Any, exchange: Server) -> None:
    exchange.set_faults(["bad-rows:share=1"])
    intake.take("yahoo", intake.sessions("yahoo")[-2:])
    bars = intake.delta.read(registry.table("bronze.yahoo_chart")).to_pylist()
    assert all(bar["high"] < bar["low"] for bar in bars if bar["kind"] == "bar")


def test_days_that_the_world_does_not_cover_are_not_asked(intake: Any) -> None:
    assert intake.take("krx", [date(2001, 5, 4), date(2024, 5, 4)]).requests == 0
    assert requested(intake) == []
