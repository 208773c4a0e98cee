"""KRX's Data Marketplace: a login with a cookie, a session that ends, an address that is blocked, and delistings as they come.

The industries that are asked beside them: `test_krx_sectors.py`.
"""

import csv
import gzip
import json
import logging
import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, quote_plus

import httpx
import pytest

from exchange.keys import DEFAULT_KEYS
from exchange.server import Server
from lake.clients import client, krx_market
from lake.delivery import ClientContext, Delivery
from lake.host import Answer, refused_in
from lake.member import Member
from lake.settings import ROOT, Settings
from lake.trial import tried
from lake.world import is_off, open_world
from market import calendars, registry
from market.errors import Permanent, Transient
from market.sources import SOURCES

TABLE = "bronze.krx_delistings"
DELISTED = date(2024, 6, 11)
"""210340 of the exchange's small world is no longer listed from then on."""
SHARED = ROOT.parent / "shared" / "data"
COLUMNS = [name for name in registry.table(TABLE).schema.names if name.isupper()]
SECRETS = (DEFAULT_KEYS["KRX_ID"], DEFAULT_KEYS["KRX_PASSWORD"])

Said = Callable[[dict[str, str]], httpx.Response]


def row(**told: str) -> dict[str, str]:
    return {**dict.fromkeys(COLUMNS, ""), "ISU_CD": "210340", "SECUGRP_NM": "주권", "DELIST_DD": "2024/06/11", **told}


def rows(*told: dict[str, str]) -> httpx.Response:
    return httpx.Response(200, json={"output": list(told or (row(),))})


def code(name: str, message: str = "") -> httpx.Response:
    return httpx.Response(200, json={"_error_code": name, "_error_message": message})


class Real:
    """A scripted Marketplace: what it answers to logins and to the list, in this order, the last for ever; one issue to each industry's question."""

    def __init__(self, logins: list[httpx.Response], lists: list[httpx.Response]) -> None:
        self.logins, self.lists, self.asked = logins, lists, list[tuple[str, dict[str, str], dict[str, str]]]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        fields = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if fields.get("bld") == krx_market.SECTORS:
            return httpx.Response(200, json={"block1": [ISSUE]})
        self.asked.append((request.url.path, fields, dict(request.headers)))
        if request.method == "GET":
            return httpx.Response(
                200, text="<html></html>", headers={"Set-Cookie": "JSESSIONID=0123456789ABCDEF0123; Path=/"}
            )
        left = self.logins if request.url.path == krx_market.LOGIN else self.lists
        return left.pop(0) if len(left) > 1 else left[0]

    def paths(self) -> list[str]:
        return [path.rpartition("/")[2] for path, _, _ in self.asked]


ISSUE = dict.fromkeys(registry.table("bronze.krx_sectors").schema.names[2:10], "")


def of_list(deliveries: list[Delivery]) -> list[Delivery]:
    """Those of the list."""
    return [delivery for delivery in deliveries if delivery.table == TABLE]


def taken(intake: Any, *sessions: date) -> Any:
    return intake.take("krx_market", list(sessions))


def stored(intake: Any) -> list[dict[str, Any]]:
    return sorted(intake.delta.read(registry.table(TABLE)).to_pylist(), key=lambda one: one["row_no"])


def requests(intake: Any) -> list[dict[str, Any]]:
    return list(intake.delta.read(registry.table("ops.requests")).to_pylist())


def asked_path(request: str) -> str:
    """The last part of the path that a request asked for."""
    return request.partition("?")[0].rpartition("/")[2]


PAGES = ["MDCCOMS001.cmd", "login.jsp"]
LOGIN, DATA = "MDCCOMS001D1.cmd", "getJsonData.cmd"


# What it does at the exchange


def test_a_run_logs_in_once_and_asks_once_for_all_its_sessions(intake: Any, exchange: Server) -> None:
    exchange.exchange.wires["krx_market"].end_sessions()  # type: ignore[attr-defined]
    assert taken(intake, *intake.sessions("krx_market")).new_rows > 0
    asked = [one["request"] for one in requests(intake) if quote_plus(krx_market.SECTORS) not in one["request"]]
    assert sorted(asked_path(one) for one in asked) == sorted([*PAGES, LOGIN, DATA])
    assert {one["outcome"] for one in requests(intake)} == {"ok"}


def test_a_delisting_belongs_to_the_session_of_its_day_with_its_reason(intake: Any) -> None:
    taken(intake, DELISTED)
    (one,) = stored(intake)
    assert (one["ISU_CD"], one["session_date"], one["DELIST_DD"]) == ("210340", DELISTED, "2024/06/11")
    assert one["DELIST_RSN_DSC"] == "감사의견 거절(감사범위 제한)"
    assert (one["ARRANTRD_MKTACT_ENFORCE_DD"], one["ARRANTRD_END_DD"]) == ("2024/05/30", "2024/06/10")


def test_a_session_without_delistings_is_whole_and_has_no_row(intake: Any) -> None:
    quiet = calendars.next_session("XKRX", DELISTED)
    taken(intake, quiet)
    assert stored(intake) == []
    assert intake.bronze.have(["krx_market"], [quiet]) == {quiet}


def test_no_id_password_or_cookie_gets_out(intake: Any, caplog: pytest.LogCaptureFixture, logged: list[str]) -> None:
    with caplog.at_level(logging.DEBUG):
        taken(intake, DELISTED)
    said = [*logged, *caplog.messages, str(requests(intake)), str(stored(intake))]
    assert any("HTTP Request" in line for line in caplog.messages)
    for text in said:
        assert not any(secret in text for secret in (*SECRETS, "JSESSIONID="))
    assert "mbrId=***" in str(requests(intake)) and "pw=***" in str(requests(intake))


def test_a_session_that_the_host_forgot_is_begun_anew_once(
    intake: Any, exchange: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, post = exchange.exchange.wires["krx_market"], Member.post
    wire.end_sessions()  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Member, "post", lambda self, *more: (post(self, *more), wire.end_sessions(), post(self, *more))[2]
    )  # type: ignore[attr-defined]
    taken(intake, DELISTED)
    assert len(stored(intake)) == 1
    told = [(asked_path(one["request"]), one["status"]) for one in requests(intake)]
    n = 3  # the list and two boards, each asked twice here, the second time without a session
    assert sorted(told) == sorted(
        [
            *[(page, 200) for page in PAGES * (n + 1)],
            *[(LOGIN, 200)] * (n + 1),
            *[(DATA, 200)] * 2 * n,
            *[(DATA, 400)] * n,
        ]
    )


def test_its_session_is_due_the_next_morning(intake: Any, exchange: Server) -> None:
    exchange.set_clock(calendars.close_at("XKRX", DELISTED) + timedelta(hours=1))
    with pytest.raises(Transient, match="not yet"):
        taken(intake, DELISTED)
    assert requests(intake) == []


@pytest.mark.parametrize(
    "fault", ["rate-limit:retry_after=0,first=2", "server-errors:first=2", "cut:first=2", "slow:delay=0.01"]
)
def test_a_passing_trouble_is_overcome(intake: Any, exchange: Server, fault: str) -> None:
    exchange.set_faults([fault])
    taken(intake, DELISTED)
    assert len(stored(intake)) == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [("rate-limit:retry_after=0", "429"), ("server-errors:status=502", "502"), ("truncated", "200"), ("html", "200")],
)
def test_a_lasting_trouble_is_transient_and_adds_no_row(intake: Any, exchange: Server, fault: str, status: str) -> None:
    exchange.set_faults([fault])
    with pytest.raises(Transient, match=rf"/krx_market/.*after 3 attempts, last status {status}"):
        taken(intake, DELISTED)
    assert stored(intake) == []


def test_a_blocked_address_is_asked_once_and_never_again_in_the_run(intake: Any, exchange: Server) -> None:
    exchange.set_faults(["quota:source=krx_market"])
    with pytest.raises(Permanent, match=r"blocked.*Ask nothing for a day.*MARKETLAKE_KRX_MARKET_PACE_PER_S") as caught:
        taken(intake, DELISTED)
    (one,) = requests(intake)
    assert (one["attempts"], one["outcome"]) == (1, "permanent")
    refused = refused_in(caught.value)
    assert refused is not None and "에러페이지".encode() in refused.payload


def test_a_password_that_must_be_changed_is_said_so(intake: Any, exchange: Server) -> None:
    exchange.set_faults(["expired-key:source=krx_market"])
    with pytest.raises(Permanent, match=r"CD010.*Change it at data\.krx\.co\.kr, then set MARKETLAKE_KRX_PASSWORD"):
        taken(intake, DELISTED)


def test_a_wrong_password_is_permanent_and_is_not_repeated_to_anybody(
    intake: Any, make: Any, logged: list[str]
) -> None:
    wrong = intake.with_settings(krx_password=make(krx_password="n0t-this&one*2").krx_password)
    with pytest.raises(
        Permanent, match=r"Check MARKETLAKE_KRX_ID and MARKETLAKE_KRX_PASSWORD; get an account"
    ) as caught:
        taken(wrong, DELISTED)
    for text in (str(caught.value), *logged, str(requests(intake))):
        assert "n0t-this" not in text


@pytest.mark.parametrize("kind", ["renamed", "gone", "type"])
def test_a_drifted_schema_stops_and_keeps_the_payload(intake: Any, exchange: Server, kind: str) -> None:
    exchange.set_faults([f"schema-drift:source=krx_market,kind={kind}"])
    with pytest.raises(Permanent, match=r"of krx_market.*expected.*was.*kept at landing/krx_market/"):
        taken(intake, DELISTED)
    assert stored(intake) == []


def test_an_error_told_with_http_200_is_no_empty_list(intake: Any, exchange: Server) -> None:
    exchange.set_faults(["error-body:source=krx_market"])
    with pytest.raises(Permanent, match="CD999"):
        taken(intake, DELISTED)


def test_an_error_told_instead_of_rows_is_not_the_passwords_fault(ask: Any) -> None:
    with pytest.raises(Transient, match=r"expected rows; was CD999: 처리 중 오류.*Run it again later"):
        ask("krx_market", [DELISTED], Real([code("CD001")], [code("CD999", "처리 중 오류")]), krx_market_pace_per_s=0)


@pytest.mark.parametrize("day", ["2030/01/02", "2001.01.02"])
def test_a_delisting_of_a_day_that_was_not_asked_for_is_drift(ask: Any, day: str) -> None:
    real = Real([code("CD001")], [rows(row(DELIST_DD=day))])
    (delivery,) = of_list(ask("krx_market", [DELISTED], real, krx_market_pace_per_s=0))
    assert delivery.rows.num_rows == 0 and delivery.payload
    assert "delistings from 2024-06-11 to 2024-06-11, as asked; was 1 other days" in str(delivery.problem)
    assert re.sub(r"\D", "-", day) in str(delivery.problem)


def test_bad_and_doubled_rows_are_delivered_as_they_came(intake: Any, exchange: Server) -> None:
    exchange.set_faults(["duplicates:source=krx_market", "bad-rows:source=krx_market,share=1"])
    taken(intake, DELISTED)
    assert len(stored(intake)) == 2
    assert {one["DELIST_DD"] for one in stored(intake)} == {"미정"}


def test_a_reason_told_otherwise_later_is_another_version(intake: Any, exchange: Server) -> None:
    taken(intake, DELISTED)
    exchange.set_faults([f"late-revision:source=krx_market,date={DELISTED},at=2020-01-01T00:00:00+00:00,code=210340"])
    assert taken(intake, DELISTED).new_rows == 1
    assert len({one["DELIST_RSN_DSC"] for one in stored(intake)}) == 2


# What it does at the real host


def test_the_form_is_posted_with_the_headers_and_the_cookie_that_it_wants(ask: Any) -> None:
    real = Real([code("CD001")], [rows()])
    (delivery,) = of_list(ask("krx_market", [DELISTED], real, krx_market_pace_per_s=0))
    assert real.paths() == [*PAGES, LOGIN, DATA]
    _, login, _ = real.asked[2]
    assert {"mbrId": login["mbrId"], "pw": login["pw"]} == {"mbrId": SECRETS[0], "pw": SECRETS[1]}
    _, fields, headers = real.asked[3]
    assert fields["bld"] == "dbms/MDC/STAT/issue/MDCSTAT23801"
    assert (fields["strtDd"], fields["endDd"]) == ("20240611", "20240611")
    assert headers["referer"] == "https://data.krx.co.kr/contents/MDC/MDI/outerLoader/index.cmd"
    assert (headers["x-requested-with"], headers["cookie"]) == ("XMLHttpRequest", "JSESSIONID=0123456789ABCDEF0123")
    assert delivery.rows.num_rows == 1


def test_a_session_elsewhere_is_ended_once(ask: Any) -> None:
    real = Real([code("CD011"), code("CD001")], [rows()])
    ask("krx_market", [DELISTED], real, krx_market_pace_per_s=0)
    assert [fields.get("skipDup") for path, fields, _ in real.asked if path == krx_market.LOGIN] == [None, "Y"]


@pytest.mark.parametrize(
    ("name", "do"),
    [("CD011", "End the session elsewhere"), ("CD010", "Change it at"), ("CD999", "Check MARKETLAKE_KRX_ID")],
)
def test_each_code_of_a_refused_login_has_its_own_words(ask: Any, name: str, do: str) -> None:
    with pytest.raises(Permanent, match=rf"{name}: 안내.*{do}"):
        ask("krx_market", [DELISTED], Real([code(name, "안내")], [rows()]), krx_market_pace_per_s=0)


def test_what_a_login_repeats_is_hidden_in_the_error_and_in_what_is_kept(ask: Any) -> None:
    said = f"{SECRETS[0]}/{SECRETS[1]} 0123456789ABCDEF0123"
    with pytest.raises(Permanent) as caught:
        ask("krx_market", [DELISTED], Real([code("CD003", said)], [rows()]), krx_market_pace_per_s=0)
    refused = refused_in(caught.value)
    assert refused is not None
    for text in (str(caught.value), refused.payload.decode()):
        assert "***/*** ***" in text and not any(secret in text for secret in said.split())


def test_a_session_that_ends_at_once_is_not_begun_for_ever(ask: Any) -> None:
    real = Real([code("CD001")], [httpx.Response(400, text="LOGOUT")])
    with pytest.raises(Permanent, match="LOGOUT"):
        ask("krx_market", [DELISTED], real, krx_market_pace_per_s=0)
    assert real.paths() == [*PAGES, LOGIN, DATA] * 2


def test_an_old_session_is_begun_anew_before_the_host_ends_it() -> None:
    begun, ticks = [], iter([0.0, 1.0, 3400.0, 3400.0])

    class Asked:
        def post(self, *more: object) -> str:
            return "answer"

    member = Member(Asked(), lambda fetcher, day: begun.append(day), 3300.0, lambda: next(ticks))  # type: ignore[arg-type, func-returns-value]
    answers: list[Answer] = [member.post("/x", {}, DELISTED) for _ in range(3)]
    assert answers == ["answer"] * 3 and len(begun) == 2


def test_a_backfill_asks_for_at_most_two_years_and_places_each_delisting(ask: Any) -> None:
    sessions = calendars.sessions("XKRX", date(2019, 1, 2), date(2023, 12, 28))
    lists = [
        rows(row(DELIST_DD="2019/01/05"), row(DELIST_DD="2019-03-04")),
        rows(row(DELIST_DD="2022/05/02")),
        rows(row(DELIST_DD="soon")),
    ]
    real = Real([code("CD001")], lists)
    first, second, third = of_list(ask("krx_market", sessions, real, krx_market_pace_per_s=0))
    asked = [(fields["strtDd"], fields["endDd"]) for _, fields, _ in real.asked if "strtDd" in fields]
    spans = [(date.fromisoformat(a), date.fromisoformat(b)) for a, b in asked]
    assert all(end - begin < timedelta(days=730) for begin, end in spans)
    assert all(end + timedelta(days=1) == begin for (_, end), (begin, _) in pairwise(spans))
    assert first.rows["session_date"].to_pylist() == [date(2019, 1, 7), date(2019, 3, 4)]
    assert second.rows["session_date"].to_pylist() == [date(2022, 5, 2)]
    assert third.rows["session_date"].to_pylist() == [date(2023, 12, 28)]


def test_nothing_at_all_in_a_long_range_is_a_problem(ask: Any) -> None:
    real = Real([code("CD001")], [httpx.Response(200, json={"output": []})])
    sessions = calendars.sessions("XKRX", date(2023, 1, 2), date(2023, 12, 28))
    (delivery,) = of_list(ask("krx_market", sessions, real, krx_market_pace_per_s=0))
    assert delivery.problem is not None and "no delisting since" in str(delivery.problem)
    (quiet,) = of_list(ask("krx_market", sessions[:5], real, krx_market_pace_per_s=0))
    assert quiet.problem is None


def test_it_is_asked_once_a_second_unless_the_settings_say_otherwise(make: Callable[..., Settings]) -> None:
    settings = make(**{source.setting("base_url"): "live" for source in SOURCES.values()})
    host = client("krx_market").host(ClientContext(settings, open_world(settings)))  # type: ignore[attr-defined]
    assert (host.pace_per_s, host.quota_per_day, host.base_url) == (1.0, None, "https://data.krx.co.kr")


@pytest.mark.parametrize("url", ["live", ""])
def test_without_an_id_it_is_off_and_nothing_is_asked(intake: Any, make: Any, url: str) -> None:
    nobody = intake.with_settings(krx_market_base_url=url, krx_id=make(krx_id="").krx_id)
    assert is_off(nobody.settings, "krx_market")
    assert taken(nobody, DELISTED).requests == 0
    assert not nobody.world.covers("krx_market", DELISTED)
    assert {one.source: one.state for one in tried(nobody.settings)}["krx_market"] == "off"


def test_an_id_without_a_password_says_which_setting_is_empty(intake: Any, make: Any) -> None:
    with pytest.raises(Permanent, match=r"MARKETLAKE_KRX_PASSWORD.*empty"):
        taken(intake.with_settings(krx_password=make(krx_password="").krx_password), DELISTED)


# What really came


def answered(body: object) -> Answer:
    return Answer(b"", body, 200, "https://data.krx.co.kr/x", "POST /x", None)  # type: ignore[arg-type]


def test_every_recorded_answer_of_the_marketplace_has_its_rows_found() -> None:
    """240 answers of 41 services, of before the login: rows under `output`, `OutBlock_1` or `block1`."""
    folder = SHARED / "krx_http_cassettes"
    if not folder.is_dir():
        pytest.skip("needs the recorded data in ../shared/data, which is not here")
    index = json.loads((folder / "index.json").read_text())
    ours = [one for one in index if "getJsonData" in one["uri"]]
    found = [krx_market.records(answered(_body(folder / one["body_file"]))) for one in ours]
    assert len(found) == 240
    assert all(isinstance(one, list) and all(isinstance(row, dict) for row in one) for one in found)
    assert sum(map(len, found)) > 10_000


def _body(file: Any) -> object:
    data = file.read_bytes()
    return json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)


def test_the_real_list_of_delistings_comes_as_rows_of_its_sessions(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """4,104 delistings, put back into the columns that they came in; of sixteen years nothing else is asked."""
    monkeypatch.setattr(krx_market, "MARKETS", {})
    file = SHARED / "krx_listing_fdr" / "listing_delisting_2026-03-20.csv"
    if not file.is_file():
        pytest.skip("needs the recorded data in ../shared/data, which is not here")
    names = dict(zip(_RECORDED, COLUMNS, strict=True))
    with file.open(encoding="utf-8-sig") as told:
        listed = [{ours: one[theirs] for theirs, ours in names.items()} for one in csv.DictReader(told)]

    def handler(request: httpx.Request) -> httpx.Response:
        fields = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if "strtDd" not in fields:
            return code("CD001") if request.method == "POST" else httpx.Response(200, text="<html>")
        first, last = (date.fromisoformat(fields[name]) for name in ("strtDd", "endDd"))
        return rows(*[one for one in listed if first <= date.fromisoformat(one["DELIST_DD"]) <= last])

    sessions = calendars.sessions("XKRX", date(2010, 1, 4), date(2026, 3, 20))
    came = ask("krx_market", sessions, handler, krx_market_pace_per_s=0)
    assert all(delivery.problem is None for delivery in came)
    n_since = sum(one["DELIST_DD"] >= "2010-01-04" for one in listed)
    assert sum(delivery.rows.num_rows for delivery in came) == n_since > 2_000
    for delivery in came:
        for day, session in zip(
            *(delivery.rows[name].to_pylist() for name in ("DELIST_DD", "session_date")), strict=True
        ):
            assert date.fromisoformat(day) <= session and session in delivery_sessions(sessions, day)


def delivery_sessions(sessions: list[date], day: str) -> list[date]:
    """The first session on or after the day."""
    return [next(session for session in sessions if session >= date.fromisoformat(day))]


_RECORDED = (
    "Symbol", "Name", "Market", "SecuGroup", "Kind", "ListingDate", "DelistingDate", "Reason", "ArrantEnforceDate", "ArrantEndDate",
    "Industry", "ParValue", "ListingShares", "ToSymbol", "ToName",
)  # fmt: skip
