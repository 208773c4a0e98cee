"""silver.fundamentals from OpenDART: known from the receipt, bases apart, three months out of the year so far, the world's truth."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from exchange.clock import SEOUL, Clock
from exchange.model import Filing, World
from exchange.synthetic.accounts import report_of
from exchange.wires.answer import Ask
from exchange.wires.dart import Dart
from exchange.worlds import open_world
from lake import dart_rows
from lake.host import Answer
from market import calendars, registry
from market.bitemporal import true_at
from market.datasets.bronze import dart_accounts, dart_shares
from market.datasets.silver import sessions
from market.table import Window

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "opendart_json_samples"
ACCOUNTS, SHARES = "bronze.dart_accounts", "bronze.dart_shares"
TABLE = registry.table("silver.fundamentals")
FETCHED = "2024-05-03 11:00"
OPENS = pd.Timestamp("2024-05-07T09:00+09:00")  # Monday the 6th is a holiday
ANNUAL = {"reprt_code": "11011", "report_nm": "사업보고서 (2023.12)", "rcept_no": "20240320000007"}
THIRD = {"reprt_code": "11014", "report_nm": "분기보고서 (2023.09)", "rcept_no": "20231114000003"}
PARTS = {ACCOUNTS: "fnlttSinglAcntAll", SHARES: "stockTotqySttus"}
ITEMS = {"revenue": "revenue", "operating_income": "operating_income", "net_income": "net_income", "assets": "assets",
         "liabilities": "liabilities", "equity": "equity"}  # fmt: skip


def by_period(rows: pd.DataFrame) -> dict[str, float]:
    return dict(zip(rows["fiscal_period"], rows["value"], strict=True))


def test_an_amount_is_known_from_the_opening_after_its_receipt_however_late_it_is_fetched(
    answer: Any, silver: Any
) -> None:
    (row,) = silver("silver.fundamentals", answer(ACCOUNTS, "2024-08-01 02:30", {})).to_dict("records")
    assert row["known_at"] == OPENS
    assert (row["security_id"], row["item"], row["basis"], row["currency"], row["source"]) == (
        "XKRX:005930", "revenue", "consolidated", "KRW", "dart",
    )  # fmt: skip
    assert (row["span"], row["fiscal_period"], row["value"], row["is_derived"]) == ("quarter", "2024Q1", 100.0, False)
    assert (row["filing_no"], row["form"], row["concept"]) == (
        "20240503000001", "분기보고서 (2024.03)", "ifrs-full_Revenue",
    )  # fmt: skip
    assert (row["period_start"], row["period_end"]) == (date(2024, 1, 1), date(2024, 3, 31))


def test_the_rule_of_knowledge_is_that_of_the_filing_itself(answer: Any, silver: Any) -> None:
    """A receipt of a Saturday counts for Monday's session, and from its opening."""
    saturday = {"rcept_no": "20240511000001", "rcept_dt": "20240511"}
    filing = silver(
        "silver.filings", answer("bronze.dart_filings", "2024-05-13 11:00", saturday, day=date(2024, 5, 13))
    )
    told = answer(ACCOUNTS, "2024-05-13 11:00", {"rcept_no": "20240511000001"}, day=date(2024, 5, 13))
    figure = silver("silver.fundamentals", told)
    assert figure["known_at"].tolist() == filing["known_at"].tolist() == [pd.Timestamp("2024-05-13T09:00+09:00")]


def test_three_months_and_the_year_so_far_are_told_apart_and_the_fourth_quarter_follows(
    answer: Any, silver: Any
) -> None:
    third = THIRD | {"thstrm_amount": "25", "thstrm_add_amount": "60"}
    year = ANNUAL | {"thstrm_amount": "100", "frmtrm_amount": "80", "bfefrmtrm_amount": "70"}
    told = (
        answer(ACCOUNTS, "2023-11-14 11:00", third, day=date(2023, 11, 14)),
        answer(ACCOUNTS, "2024-03-20 11:00", year, day=date(2024, 3, 20)),
    )
    rows = silver("silver.fundamentals", *told, window=Window(date(2023, 1, 2), date(2024, 7, 1), datetime.now(UTC)))
    assert by_period(rows) == {"2023Q3": 25, "2023Q4": 40, "2023FY": 100, "2022FY": 80, "2021FY": 70}
    (last,) = rows[rows["fiscal_period"] == "2023Q4"].to_dict("records")
    assert last["is_derived"]
    assert (last["filing_no"], last["form"]) == ("20240320000007", "사업보고서 (2023.12)")
    assert last["known_at"] == pd.Timestamp("2024-03-21T09:00+09:00")


def test_a_half_year_has_its_second_quarter_and_the_one_of_the_year_before(answer: Any, silver: Any) -> None:
    half = {"reprt_code": "11012", "report_nm": "반기보고서 (2024.06)", "thstrm_amount": "30", "thstrm_add_amount": "50",
            "frmtrm_q_amount": "28", "frmtrm_add_amount": "45"}  # fmt: skip
    rows = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, half))
    assert by_period(rows) == {"2024Q2": 30, "2023Q2": 28}


@pytest.mark.parametrize(
    ("first", "second"),
    [({"thstrm_amount": "20"}, {"2024Q1": 20, "2024Q2": 30}), ({"thstrm_amount": "-"}, {"2024Q2": 50}),
     ({"thstrm_amount": "0"}, {"2024Q1": 0, "2024Q2": 50})],
)  # fmt: skip
def test_the_year_so_far_in_the_place_of_three_months_is_taken_for_them_only_where_nothing_earlier_is_told(
    answer: Any, silver: Any, first: dict[str, str], second: dict[str, float]
) -> None:
    half = {"rcept_no": "20240814000001", "reprt_code": "11012", "report_nm": "반기보고서 (2024.06)", "thstrm_amount": "50",
            "thstrm_add_amount": "50"}  # fmt: skip
    august = answer(ACCOUNTS, "2024-08-14 11:00", half, day=date(2024, 8, 14), request="h")
    window = Window(date(2023, 1, 2), date(2024, 8, 30), datetime.now(UTC))
    rows = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, first), august, window=window)
    assert by_period(rows) == second
    assert by_period(silver("silver.fundamentals", august, window=window)) == {"2024Q2": 50}


def test_a_balance_is_of_the_last_day_and_of_the_end_of_the_year_before(answer: Any, silver: Any) -> None:
    sheet = {"sj_div": "BS", "account_id": "ifrs-full_Assets", "thstrm_amount": "900", "frmtrm_amount": "800"}
    rows = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, sheet))
    assert dict(zip(rows["period_end"], rows["value"], strict=True)) == {
        date(2024, 3, 31): 900,
        date(2023, 12, 31): 800,
    }
    assert set(rows["span"]) == {"instant"}


def test_a_business_year_that_ends_in_march_is_named_by_its_end(answer: Any, silver: Any) -> None:
    third = {"reprt_code": "11014", "report_nm": "분기보고서 (2023.12)", "thstrm_amount": "25", "frmtrm_q_amount": "20"}
    balance = third | {"sj_div": "BS", "account_id": "ifrs-full_Assets", "frmtrm_amount": "800"}
    rows = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, third, balance))
    flows = rows[rows["item"] == "revenue"]
    assert by_period(flows) == {"2024Q3": 25, "2023Q3": 20}
    assert set(rows[rows["item"] == "assets"]["period_end"]) == {date(2023, 12, 31), date(2023, 3, 31)}


def test_group_and_company_alone_are_never_one_series(answer: Any, silver: Any) -> None:
    group = answer(ACCOUNTS, FETCHED, THIRD | {"thstrm_add_amount": "60"}, request="c")
    alone = answer(ACCOUNTS, FETCHED, ANNUAL | {"fs_div": "OFS"}, request="o")
    rows = silver("silver.fundamentals", group, alone)
    assert set(zip(rows["basis"], rows["fiscal_period"], strict=True)) == {
        ("consolidated", "2023Q3"), ("separate", "2023FY"),
    }  # fmt: skip
    assert not rows["is_derived"].any()


def test_a_correction_is_a_version_and_the_original_stays_until_it(answer: Any, silver: Any) -> None:
    corrected = {"rcept_no": "20240517000002", "report_nm": "[기재정정]분기보고서 (2024.03)", "thstrm_amount": "90"}
    rows = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, {}),
                  answer(ACCOUNTS, "2024-05-17 11:00", corrected, day=date(2024, 5, 17)))  # fmt: skip
    first, second = rows.sort_values("known_at").to_dict("records")
    assert (first["value"], first["filing_no"], first["known_until"]) == (100, "20240503000001", second["known_at"])
    assert (second["value"], second["filing_no"]) == (90, "20240517000002")
    assert second["known_at"] == pd.Timestamp("2024-05-20T09:00+09:00")


def test_of_two_corrections_of_one_day_the_later_number_counts(answer: Any, silver: Any) -> None:
    later = {"rcept_no": "20240503000002", "thstrm_amount": "90"}
    for told in ([later, {}], [{}, later]):
        (row,) = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, *told)).to_dict("records")
        assert (row["value"], row["filing_no"]) == (90, "20240503000002")


def test_comprehensive_income_cash_flow_and_equity_tell_nothing_again(answer: Any, silver: Any) -> None:
    profit = {"account_id": "ifrs-full_ProfitLoss", "account_nm": "분기순이익", "thstrm_amount": "5"}
    others = [
        profit | {"sj_div": div, "thstrm_amount": "77", "ord": n}
        for div, n in (("CIS", "1"), ("CF", "2"), ("SCE", "3"))
    ]
    (row,) = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, *others, profit)).to_dict("records")
    assert (row["item"], row["value"]) == ("net_income", 5)


def test_a_company_with_one_statement_of_income_tells_it_there(answer: Any, silver: Any) -> None:
    (row,) = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, {"sj_div": "CIS"})).to_dict("records")
    assert (row["item"], row["value"]) == ("revenue", 100)


@pytest.mark.parametrize("item", dart_accounts.IDS)
def test_every_account_of_an_item_tells_it_and_the_first_one_wins(item: str, answer: Any, silver: Any) -> None:
    sheet = "BS" if item in ("assets", "liabilities", "equity") else "IS"
    by_id = [{"account_id": name, "account_nm": "?"} for name in dart_accounts.IDS[item]]
    by_name = [{"account_id": "-표준계정코드 미사용-", "account_nm": name} for name in dart_accounts.NAMES[item]]
    said = [one | {"sj_div": sheet, "thstrm_amount": str(n), "ord": str(n)} for n, one in enumerate(by_id + by_name)]
    for n, one in enumerate(said):
        (row,) = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, one)).to_dict("records")
        assert (row["item"], row["value"]) == (item, n)
        assert row["concept"] == (one["account_id"] if n < len(by_id) else one["account_nm"])
    (first,) = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, *reversed(said))).to_dict("records")
    assert first["value"] == 0


@pytest.mark.parametrize(
    ("account", "name", "item"),
    [
        ("ifrs_Revenue", "수익(매출액)", "revenue"), ("-표준계정코드 미사용-", "영 업 수 익", "revenue"),
        ("entity00126380_udf_IS_2024", "영업이익(손실)", "operating_income"), ("ifrs-full_GrossProfit", "매출액", None),
        ("ifrs-full_CostOfSales", "매출원가", None), ("-표준계정코드 미사용-", "기타영업수익", None),
    ],
)  # fmt: skip
def test_accounts_are_known_by_the_taxonomy_first_and_else_by_their_whole_name(
    account: str, name: str, item: str | None, answer: Any, silver: Any
) -> None:
    rows = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, {"account_id": account, "account_nm": name}))
    assert rows["item"].tolist() == ([item] if item else [])


def test_an_empty_amount_is_unknown_a_negative_one_is_less_and_a_word_is_a_row_to_refuse(
    answer: Any, silver: Any
) -> None:
    assert silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, {"thstrm_amount": ""})).empty
    (loss,) = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, {"thstrm_amount": "-1,234"})).to_dict("records")
    assert loss["value"] == -1234
    words = [
        {"thstrm_amount": "삼백억", "account_id": name, "ord": name}
        for name in ("ifrs-full_Revenue", "dart_OperatingIncomeLoss")
    ]
    rows = silver(
        "silver.fundamentals",
        answer(ACCOUNTS, FETCHED, *words, {"thstrm_amount": "5", "account_id": "ifrs-full_ProfitLoss"}),
    )
    refused = rows[rows["unreadable"].notna()]
    assert refused["unreadable"].tolist() == ["thstrm_amount '삼백억'"] * 2
    assert set(refused["span"]) == {"other"}
    assert rows[rows["unreadable"].isna()]["value"].tolist() == [5]


def test_an_amount_without_a_currency_is_a_row_to_refuse_rather_than_none(answer: Any, silver: Any) -> None:
    (row,) = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, {"currency": None})).to_dict("records")
    assert (row["value"], row["currency"]) == (100, "")


def test_major_accounts_tell_a_groups_items_but_those_that_belong_to_others_too(answer: Any, silver: Any) -> None:
    lines = (
        ("IS", "매출액"), ("IS", "영업이익"), ("IS", "당기순이익(손실)"), ("BS", "자산총계"), ("BS", "부채총계"), ("BS", "자본총계"),
    )  # fmt: skip
    told = [
        {"account_id": None, "sj_div": div, "account_nm": name, "fs_div": basis, "thstrm_amount": "1,000"}
        for basis in ("CFS", "OFS") for div, name in lines
    ]  # fmt: skip
    rows = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, *told))
    assert set(rows["value"]) == {1000}
    assert set(rows[rows["basis"] == "separate"]["item"]) == set(ITEMS)
    assert set(rows[rows["basis"] == "consolidated"]["item"]) == set(ITEMS) - {"net_income", "equity"}


def test_outstanding_common_shares_are_an_item(answer: Any, silver: Any) -> None:
    every = {"se": "합계", "distb_stock_co": "6,792,669,250"}
    (row,) = silver("silver.fundamentals", answer(SHARES, FETCHED, {}, every)).to_dict("records")
    assert (row["item"], row["value"], row["currency"]) == ("shares_outstanding", 5_969_782_550, "XXX")
    assert (row["span"], row["fiscal_period"], row["period_end"]) == ("instant", "2024Q1", date(2024, 3, 31))
    assert row["known_at"] == OPENS
    (word,) = silver("silver.fundamentals", answer(SHARES, FETCHED, {"distb_stock_co": "많음"})).to_dict("records")
    assert word["unreadable"] == "distb_stock_co '많음'"


@pytest.fixture(scope="module")
def world() -> World:
    return open_world("synthetic:7", symbols=40, us_symbols=1, sessions=420)


def reports(world: World) -> list[Filing]:
    return [f for f in world.filings or () if report_of(f.report_nm) and f.stock_code]


def answers(
    world: World, wire: Dart, now: datetime, report: dart_rows.Report, parts: Mapping[str, str] = PARTS
) -> list[pa.Table]:
    """What the host tells of a report at an instant, as bronze rows.

    Parameters
    ----------
    parts : bronze tables, each with what is asked for it.
    """
    found = []
    for table, path in parts.items():
        for basis in ("CFS", "OFS") if table == ACCOUNTS else ("",):
            (year, code), *_ = report.asked_as(12)
            asked = {"corp_code": report.corp_code, "bsns_year": year, "reprt_code": code, "fs_div": basis}
            told = wire.answer(Ask(f"/api/{path}.json", {"crtfc_key": "k", **asked}, {}), world, Clock(now))
            if told.body["status"] == "013":
                continue
            body = told.encode()
            rows = dart_rows.rows(Answer(body, json.loads(body), 200, path, path, now), table, report, asked)
            same = {"payload_digest": hashlib.sha256(body).hexdigest(), "request": f"{path} {asked}", "landing_path": "x",
                    "fetched_at": now, "known_at": now}  # fmt: skip
            records = [{**row, **same, "session_month": f"{row['session_date']:%Y-%m}"} for row in rows.to_pylist()]
            schema = registry.table(table).schema
            found.append(pa.Table.from_pylist(records, schema=schema).replace_schema_metadata({"table": table}))
    return found


def evenings(world: World, filed: Sequence[Filing], parts: Mapping[str, str]) -> list[pa.Table]:
    """What the host tells of each report on the evening of its receipt, as bronze rows."""
    wire, told = Dart({"DART_API_KEY": "k"}), []
    for filing in filed:
        day = datetime.fromtimestamp(filing.received_at, SEOUL).date()
        listed = pa.Table.from_pylist([{**filing._asdict(), "session_date": day}])
        (report,) = dart_rows.reports(listed)
        evening = datetime.combine(day, datetime.min.time(), SEOUL) + timedelta(hours=20)
        told += answers(world, wire, evening, report, parts)
    return told


@pytest.fixture(scope="module")
def of_world(world: World) -> pd.DataFrame:
    """The table from everything that was asked on the evening of each receipt."""
    told = evenings(world, reports(world), PARTS)
    span = Window(world.daily.sessions[0], date(2024, 7, 10), datetime.now(UTC))
    frames = {"silver.sessions": sessions.build({}, span)}
    parts = []
    for name, feed in ((ACCOUNTS, dart_accounts.fundamentals), (SHARES, dart_shares.fundamentals)):
        ours = [t.replace_schema_metadata() for t in told if t.schema.metadata[b"table"] == name.encode()]
        parts.append(TABLE.conform(feed(pa.concat_tables(ours), frames)))
    return pa.concat_tables(parts).to_pandas(timestamp_as_object=False)


def test_every_quarter_is_the_worlds_truth_before_and_after_each_correction(
    world: World, of_world: pd.DataFrame
) -> None:
    by = of_world.set_index(["security_id", "item", "basis", "fiscal_period"]).sort_index()
    served = {f.rcept_no: f for f in reports(world)}
    n_checked = n_corrected = n_derived = 0
    for code, truth in world.truth["dart"].items():
        for name, receipts in truth["reports"].items():
            div, period = name.split()
            told = [receipt for receipt in receipts if receipt["rcept_no"] in served]
            had_nine_months = any(
                r["rcept_no"] in served for r in truth["reports"].get(f"{div} {period[:4]}Q3", ())
            )  # fmt: skip
            for item in ITEMS if told else ():
                is_flow = item in ("revenue", "operating_income", "net_income")
                if is_flow and period.endswith("Q4") and not had_nine_months:
                    continue
                basis = {"CFS": "consolidated", "OFS": "separate"}[div]
                rows = by.loc[(f"XKRX:{code}", item, basis, period)]
                due = [
                    told[0],
                    *(b for a, b in pairwise(told) if a["values"][item] != b["values"][item]),
                ]
                assert rows["value"].tolist() == [receipt["values"][item] for receipt in due], (code, name, item)
                assert rows["filing_no"].tolist() == [receipt["rcept_no"] for receipt in due]
                assert rows["is_derived"].eq(is_flow and period.endswith("Q4")).all()
                n_checked, n_corrected = n_checked + len(due), n_corrected + len(due) - 1
                n_derived += int(rows["is_derived"].sum())
    assert n_checked > 2_000
    assert n_corrected > 100
    assert n_derived > 100


def test_every_row_is_known_at_the_opening_after_its_receipt(of_world: pd.DataFrame) -> None:
    for number, known_at in set(zip(of_world["filing_no"], of_world["known_at"], strict=True)):
        day = datetime.strptime(number[:8], "%Y%m%d").date()
        assert known_at == calendars.open_at("XKRX", calendars.next_session("XKRX", day))


def test_an_as_of_read_sees_no_figure_of_a_later_receipt_and_none_twice(of_world: pd.DataFrame) -> None:
    assert not of_world.duplicated(list(TABLE.key)).any()
    for now in pd.date_range("2023-03-01", "2024-06-30", freq="9D", tz="Asia/Seoul"):
        seen = true_at(of_world, now)
        assert (seen["filing_no"].str[:8] < f"{now:%Y%m%d}").all()
        assert not seen.duplicated(["security_id", "item", "basis", "currency", "span", "period_end"]).any()


def test_years_are_the_sum_of_their_quarters_and_balances_add_up(of_world: pd.DataFrame) -> None:
    now = of_world[of_world["known_until"].isna()]
    flows = now[now["span"].isin(["quarter", "year"])]
    wide = flows.pivot(index=["security_id", "item", "basis"], columns="fiscal_period", values="value")
    whole = wide.dropna(subset=[*(f"2023Q{n}" for n in (1, 2, 3, 4)), "2023FY"])
    assert len(whole) > 150
    assert (whole[[f"2023Q{n}" for n in (1, 2, 3, 4)]].sum(axis=1) == whole["2023FY"]).all()


def test_shares_are_those_that_krx_lists(world: World, of_world: pd.DataFrame) -> None:
    rows = of_world[(of_world["item"] == "shares_outstanding") & (of_world["period_end"] == date(2024, 3, 31))]
    at = world.daily.sessions.index(date(2024, 3, 29))
    span = slice(*world.daily.offsets[at : at + 2])
    listed = {
        world.daily.codes[c]: n
        for c, n in zip(world.daily.code[span], world.daily.numbers["listed_shares"][span], strict=True)
    }
    told = {sid.removeprefix("XKRX:"): value for sid, value in zip(rows["security_id"], rows["value"], strict=True)}
    assert len(told) > 20
    assert all(listed[code] == value for code, value in told.items() if code in listed)


def sample(name: str) -> Any:
    if not (SHARED / name).exists():
        pytest.skip(f"{SHARED / name} is not there")
    return json.loads((SHARED / name).read_text())


def bronze(body: Mapping[str, Any], report_name: str, basis: str) -> pa.Table:
    """Bronze rows of a recorded answer."""
    row = body["list"][0]
    day = datetime.strptime(row["rcept_no"][:8], "%Y%m%d").date()
    listed = [
        {
            "corp_code": row["corp_code"],
            "stock_code": "005930",
            "report_nm": report_name,
            "rcept_no": row["rcept_no"],
            "session_date": day,
        }
    ]
    (report,) = dart_rows.reports(pa.Table.from_pylist(listed))
    at = datetime(2026, 6, 3, tzinfo=UTC)
    made = dart_rows.rows(Answer(b"", body, 200, "x", "x", at), ACCOUNTS, report, {"fs_div": basis})
    same = {"payload_digest": "a" * 64, "request": "r", "landing_path": "x", "fetched_at": at, "known_at": at}
    records = [{**r, **same, "session_month": f"{day:%Y-%m}"} for r in made.to_pylist()]
    return pa.Table.from_pylist(records, schema=registry.table(ACCOUNTS).schema).replace_schema_metadata(
        {"table": ACCOUNTS}
    )


def test_recorded_annual_accounts_are_three_years_of_a_balance(silver: Any) -> None:
    told = bronze(sample("report/fnlttSinglAcntAll.json"), "사업보고서 (2023.12)", "OFS")
    rows = silver("silver.fundamentals", told, window=Window(date(2024, 1, 2), date(2024, 7, 1), datetime.now(UTC)))
    assert by_period(rows) == {
        "2023Q4": 296_857_289_000_000,
        "2022Q4": 260_083_750_000_000,
        "2021Q4": 251_112_184_000_000,
    }
    assert set(rows["basis"]) == {"separate"}
    assert set(rows["known_at"]) == {pd.Timestamp("2024-03-13T09:00+09:00")}


def test_both_recorded_rows_of_007810_are_kept_as_they_came() -> None:
    body = sample("real_fnlttSinglAcntAll_007810_2022Q1_excerpt.json")
    rows = bronze(body, "분기보고서 (2022.03)", "CFS").to_pylist()
    assert [(row["account_id"], row["thstrm_amount"], row["frmtrm_amount"], row["ord"]) for row in rows] == [
        ("ifrs-full_CurrentAssets", "596695845194", "616191020534", "1"),
        ("ifrs-full_CashAndCashEquivalents", "140328007776", "71522634066", "2"),
    ]
    assert {(row["rcept_no"], row["fs_div"], row["session_date"]) for row in rows} == {
        ("20220516001861", "CFS", date(2022, 5, 16)),
    }  # fmt: skip


@pytest.mark.parametrize("sheet", ["IS_NEW", "", None])
def test_an_item_in_a_statement_that_nobody_knows_is_a_row_that_the_gate_refuses(
    sheet: Any, answer: Any, silver: Any
) -> None:
    rows = silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, {"sj_div": sheet}))
    assert len(rows) and rows["unreadable"].str.startswith("sj_div").all() and rows["period_end"].isna().all()


def test_other_statements_tell_none_of_our_items(answer: Any, silver: Any) -> None:
    assert silver("silver.fundamentals", answer(ACCOUNTS, FETCHED, {"sj_div": "CF"}, {"sj_div": "SCE"})).empty
