"""silver.corporate_actions from OpenDART's dividends: the business year's cash per share, for each class its own security, the world's truth."""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from exchange.worlds import open_world
from market import calendars, registry
from market.datasets.silver import sessions
from market.table import Window
from tests.market.silver.test_dart_fundamentals import evenings, reports

DIVIDENDS = "bronze.dart_dividends"
LISTING = "bronze.krx_listing"
TABLE = registry.table("silver.corporate_actions")
EVENING = "2024-05-03 11:00"
LATER = date(2024, 5, 17)
CORRECTED = {"rcept_no": "20240517000002", "report_nm": "[기재정정]사업보고서 (2023.12)"}
PREFERRED = {"stock_knd": "우선주", "thstrm": "1,445"}


def paid(rows: pd.DataFrame) -> list[tuple[str, float]]:
    return list(zip(rows["security_id"].str.removeprefix("XKRX:"), rows["amount"], strict=True))


def share(code: str) -> dict[str, str]:
    return {"ISU_CD": f"KR7{code}003", "ISU_SRT_CD": code, "ISU_ABBRV": code, "KIND_STKCERT_TP_NM": "구형우선주"}


def test_a_years_dividend_is_known_from_the_opening_after_the_report_and_names_its_year(
    answer: Any, silver: Any
) -> None:
    told = answer(DIVIDENDS, EVENING, {"se": "주당액면가액(원)", "thstrm": "100"}, {}, {"se": "현금배당수익률(%)"})
    (row,) = silver("silver.corporate_actions", told).to_dict("records")
    assert (row["security_id"], row["action"], row["amount"]) == ("XKRX:005930", "cash_dividend", 1444)
    assert (row["session_date"], row["period_end"]) == (date(2024, 5, 3), date(2023, 12, 31))
    assert row["known_at"] == pd.Timestamp("2024-05-07T09:00+09:00")  # Monday the 6th is a holiday
    assert (row["evidence"], row["report_name"]) == ("DART 20240503000001", "사업보고서 (2023.12)")


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([], [("005930", 1444)]),
        (["005935"], [("005930", 1444), ("005935", 1445)]),
        (["005935", "00593K"], [("005930", 1444)]),
    ],
)
def test_a_preferred_share_has_its_own_dividend_and_of_several_none_is_guessed(
    others: list[str], found: list[tuple[str, float]], answer: Any, silver: Any
) -> None:
    listed = answer(LISTING, "2024-05-02 11:00", {}, *map(share, others), day=date(2024, 5, 2))
    assert paid(silver("silver.corporate_actions", listed, answer(DIVIDENDS, EVENING, {}, PREFERRED))) == found


@pytest.mark.parametrize("lines", [["1,445", "-"], ["-", "1,445"], ["1,445", "1,445"]])
def test_of_two_lines_for_one_kind_the_one_with_an_amount_is_taken(lines: list[str], answer: Any, silver: Any) -> None:
    listed = answer(LISTING, "2024-05-02 11:00", {}, share("005935"), day=date(2024, 5, 2))
    told = answer(DIVIDENDS, EVENING, {}, *({**PREFERRED, "thstrm": amount} for amount in lines))
    assert paid(silver("silver.corporate_actions", listed, told)) == [("005930", 1444), ("005935", 1445)]


def test_two_amounts_for_one_kind_are_both_kept_for_the_gate(answer: Any, silver: Any) -> None:
    listed = answer(LISTING, "2024-05-02 11:00", {}, share("005935"), day=date(2024, 5, 2))
    told = answer(DIVIDENDS, EVENING, {}, PREFERRED, {**PREFERRED, "thstrm": "1,500"})
    assert sorted(paid(silver("silver.corporate_actions", listed, told)))[1:] == [("005935", 1445), ("005935", 1500)]


def test_a_preferred_share_that_was_listed_later_was_paid_nothing(answer: Any, silver: Any) -> None:
    listed = answer(LISTING, "2024-05-17 11:00", {}, share("005935"), day=LATER)
    assert paid(silver("silver.corporate_actions", listed, answer(DIVIDENDS, EVENING, {}, PREFERRED))) == [
        ("005930", 1444)
    ]


@pytest.mark.parametrize(
    ("first", "then", "found"),
    [
        ("1,444", "1,444", [1444]), ("1,444", "1,445", [1444, 1445]), ("1,444", "-", [1444, 0]),
        ("-", "-", []), ("-", "7", [7]), ("", "0", []),
    ],
)  # fmt: skip
def test_a_correction_is_a_row_where_it_tells_another_amount(
    first: str, then: str, found: list[float], answer: Any, silver: Any
) -> None:
    told = (
        answer(DIVIDENDS, EVENING, {"thstrm": first}),
        answer(DIVIDENDS, "2024-05-17 11:00", CORRECTED | {"thstrm": then}, day=LATER),
    )
    rows = silver("silver.corporate_actions", *told)
    assert rows["amount"].tolist() == found
    assert rows["known_at"].is_monotonic_increasing
    window = Window(LATER, LATER, datetime(2024, 5, 17, tzinfo=UTC))
    alone = silver("silver.corporate_actions", *told, window=window)
    assert alone["amount"].tolist() == (found[1:] if first == "1,444" else found)


def test_the_same_amount_of_another_year_is_no_repetition(answer: Any, silver: Any) -> None:
    before = {"rcept_no": "20240401000002", "report_nm": "사업보고서 (2022.12)"}
    told = answer(DIVIDENDS, "2024-04-01 11:00", before, day=date(2024, 4, 1)), answer(DIVIDENDS, EVENING, {})
    assert silver("silver.corporate_actions", *told)["period_end"].tolist() == [date(2022, 12, 31), date(2023, 12, 31)]


def test_a_word_for_an_amount_is_a_row_to_refuse(answer: Any, silver: Any) -> None:
    (row,) = silver("silver.corporate_actions", answer(DIVIDENDS, EVENING, {"thstrm": "천원"})).to_dict("records")
    assert row["unreadable"] == "thstrm '천원'"


def test_every_year_that_was_told_is_the_worlds_truth_and_stands_once() -> None:
    world = open_world("synthetic:7", symbols=40, us_symbols=1, sessions=420)
    annual = [f for f in reports(world) if f.report_nm.endswith("사업보고서 (2023.12)")]
    told = [rows.replace_schema_metadata() for rows in evenings(world, annual, {DIVIDENDS: "alotMatter"})]
    days = world.daily.sessions
    assert days[0] < date(2023, 1, 1)  # the truth has the whole year
    known = datetime.combine(days[0], datetime.min.time(), UTC)
    codes = [f"XKRX:{code}" for code in world.daily.codes]
    listed = pa.table({"security_id": codes, "list_date": [days[0]] * len(codes), "known_at": [known] * len(codes)})
    span = Window(days[0], date(2024, 7, 10), datetime.now(UTC))
    frames = {
        DIVIDENDS: pa.concat_tables(told),
        "silver.sessions": sessions.build({}, span),
        "silver.securities": listed,
    }
    assert TABLE.build is not None
    rows = TABLE.build(frames, span).to_pandas(timestamp_as_object=False)

    by_company = {f.stock_code[:5] for f in annual}
    due = Counter[str]()
    for event in world.truth["krx"]["dividends"]:
        if event["date"].startswith("2023") and event["code"][:5] in by_company:
            due[event["code"]] += event["amount_krw"]
    assert dict(paid(rows)) == due
    assert len(rows) == len(due) > 15
    assert {"005930", "005935"} <= set(due)
    assert len(annual) > len({f.stock_code for f in annual})  # corrections tell it again
    for number, known_at in set(zip(rows["evidence"].str.removeprefix("DART "), rows["known_at"], strict=True)):
        received = datetime.strptime(number[:8], "%Y%m%d").date()
        assert known_at == calendars.open_at("XKRX", calendars.next_session("XKRX", received))
