"""The industries that KRX's Data Marketplace tells its members of each session: asked board by board, kept as they come."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from exchange.server import Server
from lake.clients import krx_market
from market import calendars, registry
from market.errors import Permanent, Transient

TABLE, LIST = "bronze.krx_sectors", "bronze.krx_delistings"
DAY = date(2024, 6, 4)
"""263180 of the exchange's small world is in another industry from then on."""
COLUMNS = registry.table(TABLE).schema.names[2:10]


def taken(intake: Any, *sessions: date) -> Any:
    return intake.take("krx_market", list(sessions))


def stored(intake: Any) -> list[dict[str, Any]]:
    return sorted(
        intake.delta.read(registry.table(TABLE)).to_pylist(), key=lambda one: (one["session_date"], one["ISU_SRT_CD"])
    )


def issue(**told: str) -> dict[str, str]:
    return {**dict.fromkeys(COLUMNS, ""), "ISU_SRT_CD": "005930", "IDX_IND_NM": "전기전자", **told}


class Real:
    """A Marketplace with an empty list of delistings that answers questions for industries with that, and notes them."""

    def __init__(self, answer: object) -> None:
        self.answer, self.asked = answer, list[dict[str, str]]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, text="<html></html>")
        fields = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if fields.get("bld") == krx_market.SECTORS:
            self.asked.append(fields)
            return httpx.Response(200, json=self.answer)
        return httpx.Response(200, json={"output": []} if "bld" in fields else {"_error_code": "CD001"})


# What it does at the exchange


def test_each_issue_of_both_boards_has_the_industry_of_its_session(intake: Any, exchange: Server) -> None:
    before = calendars.previous_session("XKRX", DAY)
    assert taken(intake, before, DAY).sessions == {before, DAY}
    told = {(one["session_date"], one["ISU_SRT_CD"]): one["IDX_IND_NM"] for one in stored(intake)}
    assert (told[before, "263180"], told[DAY, "263180"]) == ("소프트웨어", "반도체")
    assert told[DAY, "005930"] == told[DAY, "005935"] == "전기전자"
    bars = exchange.world.daily.rows_on(DAY, "KOSPI").size + exchange.world.daily.rows_on(DAY, "KOSDAQ").size
    assert sum(day == DAY for day, _ in told) == bars


def test_a_run_that_breaks_off_between_two_sessions_has_the_first_whole_and_asks_for_the_second_again(
    intake: Any, exchange: Server
) -> None:
    before = calendars.previous_session("XKRX", DAY)
    exchange.set_faults([f"empty-day:source=krx_market,date={DAY}"])
    with pytest.raises(Permanent, match=rf"krx_market {DAY}.*blocked: no industries of STK"):
        taken(intake, before, DAY)
    assert {one["session_date"] for one in stored(intake)} == {before}
    assert intake.bronze.have(["krx_market"], [before, DAY]) == {before}
    exchange.set_faults([])
    assert taken(intake, before, DAY).sessions == {DAY}


def test_a_session_of_which_one_board_is_missing_is_not_there_at_all(intake: Any, exchange: Server) -> None:
    exchange.set_faults([f"empty-day:source=krx_market,date={DAY},first=2"])  # the list, and the first board
    with pytest.raises(Permanent, match="no industries of STK"):
        taken(intake, DAY)
    assert stored(intake) == []


@pytest.mark.parametrize("kind", ["renamed", "gone", "type"])
def test_a_drifted_column_stops_and_keeps_the_payload(intake: Any, exchange: Server, kind: str) -> None:
    quiet = calendars.previous_session("XKRX", DAY)  # of a day without delistings only these rows can drift
    exchange.set_faults([f"schema-drift:source=krx_market,kind={kind}"])
    with pytest.raises(Permanent, match=r"IDX_IND_NM.*kept at landing/krx_market/.*sectors-STK"):
        taken(intake, quiet)
    assert stored(intake) == []


def test_bad_and_doubled_rows_are_delivered_as_they_came(intake: Any, exchange: Server) -> None:
    n_issues = taken(intake, calendars.previous_session("XKRX", DAY)).new_rows
    exchange.set_faults(["duplicates:source=krx_market", "bad-rows:source=krx_market,share=0.5"])
    assert taken(intake, DAY).new_rows == 2 * n_issues
    assert [one["ISU_SRT_CD"] for one in stored(intake)].count("미정") == n_issues


def test_an_industry_told_otherwise_later_is_another_version(intake: Any, exchange: Server) -> None:
    taken(intake, DAY)
    revision = f"late-revision:source=krx_market,date={DAY},at=2020-01-01T00:00:00+00:00,code=005930"
    exchange.set_faults([revision])
    taken(intake, DAY)
    told = {one["IDX_IND_NM"] for one in stored(intake) if one["ISU_SRT_CD"] == "005930"}
    assert told == {"전기전자", "오락·문화"}


def test_asked_again_it_adds_nothing(intake: Any) -> None:
    first = taken(intake, DAY)
    again = taken(intake, DAY)
    assert (again.new_rows, again.repeated_rows) == (0, first.new_rows)


# What it does at the real host


def test_a_question_for_each_board_and_session_with_the_fields_that_it_wants(ask: Any) -> None:
    real = Real({"block1": [issue()]})
    sessions = calendars.sessions("XKRX", date(2024, 6, 3), date(2024, 6, 7))  # of which the 6th is a holiday
    came = ask("krx_market", sessions, real, krx_market_pace_per_s=0)
    assert [(one["mktId"], one["trdDd"]) for one in real.asked] == [
        (board, f"{day:%Y%m%d}") for day in sessions for board in ("STK", "KSQ")
    ]
    assert {one["money"] for one in real.asked} == {"1"} and len(real.asked) == 8
    assert [(one.table, one.session_date, one.ends_unit) for one in came[:3]] == [
        (LIST, sessions[0], False),
        (TABLE, sessions[0], False),
        (TABLE, sessions[0], True),
    ]


@pytest.mark.parametrize("name", ["block1", "OutBlock_1", "output"])
def test_rows_are_found_by_every_name_that_the_service_uses(ask: Any, name: str) -> None:
    came = ask("krx_market", [DAY], Real({name: [issue()]}), krx_market_pace_per_s=0)
    assert [one.rows["IDX_IND_NM"].to_pylist() for one in came if one.table == TABLE] == [["전기전자"]] * 2


def test_rows_under_no_such_name_are_drift(ask: Any) -> None:
    _, stk, _ = ask("krx_market", [DAY], Real({"rows": [issue()]}), krx_market_pace_per_s=0)
    assert "expected output; was rows" in str(stk.problem) and stk.payload


def test_an_answer_that_is_not_there_yet_is_transient(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tomorrow = calendars.close_at("XKRX", DAY) + timedelta(hours=1)
    monkeypatch.setattr("lake.world.system_clock", lambda: tomorrow)
    with pytest.raises(Transient, match="not yet"):
        ask("krx_market", [DAY], Real({"block1": []}), krx_market_pace_per_s=0)


def test_a_column_that_is_new_is_noted_and_no_error(ask: Any) -> None:
    _, stk, _ = ask("krx_market", [DAY], Real({"block1": [issue(FLUC_TP_CD="1")]}), krx_market_pace_per_s=0)
    assert (stk.problem, stk.unknown, stk.rows.num_rows) == (None, ("FLUC_TP_CD",), 1)
