"""OpenDART's answers about a periodic report: recorded shapes, group and company alone, corrections, nothing later than the clock."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.clock import Clock
from exchange.wires.answer import Ask
from exchange.wires.dart import Dart
from exchange.worlds import open_world

THIRD = {"corp_code": "00126380", "bsns_year": "2023", "reprt_code": "11014", "fs_div": "CFS"}
ANNUAL = THIRD | {"reprt_code": "11011"}
AMOUNTS = {
    "thstrm_amount",
    "thstrm_add_amount",
    "frmtrm_amount",
    "frmtrm_q_amount",
    "frmtrm_add_amount",
    "bfefrmtrm_amount",
}
PARTS = ("fnlttSinglAcntAll", "fnlttSinglAcnt", "stockTotqySttus", "alotMatter", "irdsSttus")


@pytest.fixture
def ask(client: Any) -> Any:
    def get(part: str, query: dict[str, str], **more: str) -> dict[str, Any]:
        params = {"crtfc_key": client.dart_key, **query, **more}
        return dict(client.http.get(f"/dart/api/{part}.json", params=params).json())

    return get


@pytest.mark.parametrize("part", PARTS)
def test_rows_have_the_keys_of_recorded_ones(part: str, ask: Any, shared: Path) -> None:
    real = json.loads((shared / f"opendart_json_samples/report/{part}.json").read_text())
    ours = ask(part, ANNUAL)
    assert list(ours) == list(real)
    assert list(ours["list"][0]) == list(real["list"][0])
    assert all(isinstance(value, str) for row in ours["list"] for value in row.values())


@pytest.mark.parametrize(
    ("part", "kind", "other"),
    [("fricDecsn", "bonus_issues", "crDecsn"), ("crDecsn", "capital_reductions", "fricDecsn")],
)
def test_a_decision_has_the_keys_of_a_recorded_one_and_is_told_on_its_days(
    ask: Any, server: Any, shared: Path, part: str, kind: str, other: str
) -> None:
    real = json.loads((shared / f"opendart_json_samples/material/{part}.json").read_text())
    corp, (first, *_) = next(iter(getattr(server.world, kind).items()))
    day = first.rcept_no[:8]
    ours = ask(part, {"corp_code": corp, "bgn_de": day, "end_de": day})
    assert [row["rcept_no"] for row in ours["list"]] == [first.rcept_no]
    assert list(ours["list"][0]) == list(real["list"][0])
    assert ask(part, {"corp_code": corp, "bgn_de": "20150101", "end_de": "20150102"})["status"] == "013"
    assert ask(other, {"corp_code": corp, "bgn_de": day, "end_de": day})["status"] == "013"
    assert ask(part, {"corp_code": corp})["status"] == "100"


def test_a_quarter_has_the_keys_of_a_recorded_one(ask: Any, shared: Path) -> None:
    real = json.loads((shared / "opendart_json_samples/real_fnlttSinglAcntAll_007810_2022Q1_excerpt.json").read_text())
    first = ask("fnlttSinglAcntAll", THIRD | {"reprt_code": "11013", "bsns_year": "2024"})
    assert list(first["list"][0]) == list(real["list"][0])


def test_major_accounts_are_told_of_both_bases_with_commas_and_say_what_the_statements_say(ask: Any) -> None:
    for query in (ANNUAL, THIRD):
        major = {(row["fs_div"], row["account_nm"]): row for row in ask("fnlttSinglAcnt", query)["list"]}
        assert {basis for basis, _ in major} == {"CFS", "OFS"}
        for basis in ("CFS", "OFS"):
            whole = {row["account_id"]: row for row in reversed(ask("fnlttSinglAcntAll", query, fs_div=basis)["list"])}
            for name, account in (("자산총계", "ifrs-full_Assets"), ("영업이익", "dart_OperatingIncomeLoss")):
                told = major[basis, name]
                for amount in AMOUNTS & set(told) & set(whole[account]):
                    assert told[amount] == f"{int(whole[account][amount]):,}", (basis, name, amount)


def test_three_months_and_the_year_so_far_stand_side_by_side_in_the_income_statement_alone(ask: Any) -> None:
    rows = ask("fnlttSinglAcntAll", THIRD)["list"]
    by_sheet: dict[str, set[str]] = {}
    for row in rows:
        by_sheet.setdefault(row["sj_div"], set()).update(AMOUNTS & set(row))
    assert by_sheet["IS"] == {"thstrm_amount", "thstrm_add_amount", "frmtrm_q_amount", "frmtrm_add_amount"}
    assert by_sheet["BS"] == by_sheet["CF"] == {"thstrm_amount", "frmtrm_amount"}
    profit = {row["sj_div"]: row for row in rows if row["account_id"] == "ifrs-full_ProfitLoss"}
    assert profit["CF"]["thstrm_amount"] == profit["IS"]["thstrm_add_amount"]
    assert "bfefrmtrm_amount" in ask("fnlttSinglAcntAll", ANNUAL)["list"][0]


def test_a_company_without_subsidiaries_has_no_consolidated_statements(ask: Any, server: Any) -> None:
    alone = {key[0] for key in server.world.statements} - {key[0] for key in server.world.statements if key[3] == "CFS"}
    assert alone
    query = THIRD | {"corp_code": min(alone)}
    assert ask("fnlttSinglAcntAll", query)["status"] == "013"
    assert ask("fnlttSinglAcntAll", query, fs_div="OFS")["status"] == "000"


@pytest.mark.parametrize(
    "bad", [{"fs_div": "ALL"}, {"bsns_year": "2014"}, {"bsns_year": "x"}, {"reprt_code": "11015"}, {"corp_code": "1"}]
)
def test_bad_fields_are_status_100(bad: dict[str, str], ask: Any) -> None:
    assert ask("fnlttSinglAcntAll", THIRD, **bad)["status"] == "100"
    if "fs_div" not in bad:
        assert ask("alotMatter", THIRD, **bad)["status"] == "100"


def test_a_wrong_key_is_told_and_an_unknown_report_is_no_data(ask: Any) -> None:
    assert ask("fnlttSinglAcntAll", THIRD, crtfc_key="x" * 40)["status"] == "010"
    assert [ask(part, THIRD, bsns_year="2031")["status"] for part in PARTS] == ["013"] * len(PARTS)


def test_a_correction_replaces_the_originals_figures_under_its_own_number(server: Any) -> None:
    """As the real host: who did not ask in time never sees the original's."""
    wire, world = Dart({"DART_API_KEY": "k"}), server.world
    key, (first, second) = next((k, said) for k, said in world.statements.items() if len(said) == 2)
    query = dict(zip(("corp_code", "bsns_year", "reprt_code", "fs_div"), key, strict=True)) | {"crtfc_key": "k"}
    seen = {}
    for said in (first, second):
        now = datetime.fromtimestamp(said.received_at, UTC)
        rows = wire.answer(Ask("/api/fnlttSinglAcntAll.json", query, {}), world, Clock(now)).body["list"]
        assert {row["rcept_no"] for row in rows} == {said.rcept_no}
        seen[said.rcept_no] = next(r["thstrm_amount"] for r in rows if r["account_id"] == "dart_OperatingIncomeLoss")
    assert seen[first.rcept_no] == str(first.items["operating_income"].now)
    assert seen[second.rcept_no] == str(second.items["operating_income"].now) != seen[first.rcept_no]
    before = datetime.fromtimestamp(first.received_at, UTC) - timedelta(seconds=1)
    for part in PARTS:
        assert wire.answer(Ask(f"/api/{part}.json", query, {}), world, Clock(before)).body["status"] == "013"


def test_books_add_up(server: Any) -> None:
    for said in (one for told in server.world.statements.values() for one in told):
        items = said.items
        assert items["assets"].now == items["liabilities"].now + items["total_equity"].now
        assert abs(items["net_income"].now) <= abs(items["profit"].now)
        assert items["equity"].now <= items["total_equity"].now or items["total_equity"].now < 0


def test_a_small_world_reports_what_the_large_one_reports(server: Any) -> None:
    small = open_world("synthetic:7", symbols=3, sessions=40)
    assert small.statements
    assert all(server.world.statements[key] == said for key, said in small.statements.items())
