"""A US ticker that another company was given is another security, in every table that knows it by the ticker."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

CHART = "bronze.yahoo_chart"
OLD = {"long_name": "Old Inc.", "first_trade": date(1999, 1, 4)}
NEW = {"long_name": "New Corp.", "first_trade": date(2024, 9, 3)}
AFTER = date(2024, 9, 4)
PLAIN, LATER = "XNYS:AAPL", "XNYS:AAPL~20240903"


@pytest.fixture
def charts(answer: Any) -> list[Any]:
    """A bar of the former holder; a bar and a dividend of the later one."""
    paid = {"kind": "dividend", "dividend": 0.1, "close": None}
    return [
        answer(CHART, "2024-05-03 22:00", OLD),
        answer(CHART, "2024-09-04 22:00", NEW, {**NEW, **paid}, day=AFTER),
    ]


def test_prices_and_dividends_are_of_whoever_had_the_ticker(charts: list[Any], silver: Any) -> None:
    assert silver("silver.prices", *charts)["security_id"].tolist() == [PLAIN, LATER]
    assert silver("silver.corporate_actions", *charts)["security_id"].tolist() == [LATER]


def test_the_ticker_means_one_of_them_at_each_instant(charts: list[Any], silver: Any) -> None:
    rows = silver("silver.symbols", *charts)
    told = rows[["security_id", "symbol", "known_at", "known_until"]].values.tolist()
    passed = pd.Timestamp("2024-09-04 20:00", tz="UTC")
    assert told == [
        [PLAIN, "AAPL", pd.Timestamp("2024-05-03 20:00", tz="UTC"), passed],
        [LATER, "AAPL", passed, pd.NaT],
    ]


def test_what_sec_tells_of_a_ticker_is_of_its_holder_on_that_session(
    charts: list[Any], answer: Any, silver: Any
) -> None:
    """SEC is asked after midnight in UTC: the fetch of the former holder's last filing is on the later one's first day."""
    last, first = date(2024, 8, 30), date(2024, 9, 3)
    filed = [
        answer("bronze.sec_submissions", "2024-09-03 02:05", {"cik": "0000000001", "accessionNumber": "1"}, day=last),
        answer("bronze.sec_submissions", "2024-09-04 02:05", {"cik": "0000000002", "accessionNumber": "2"}, day=first),
    ]
    assert silver("silver.filings", *charts, *filed).sort_values("corp_code")["security_id"].tolist() == [PLAIN, LATER]
    listed = [
        answer("bronze.sec_tickers", "2024-09-03 02:05", {"cik_str": 1}, day=last),
        answer("bronze.sec_tickers", "2024-09-04 02:05", {"cik_str": 2}, day=first),
    ]
    numbers = silver("silver.symbols", *charts, *listed)
    assert numbers.dropna(subset=["cik"])[["security_id", "cik"]].drop_duplicates().values.tolist() == [
        [PLAIN, "0000000001"], [LATER, "0000000002"],
    ]  # fmt: skip
    facts = [
        answer("bronze.sec_facts", "2024-09-03 02:05", {"cik": "0000000001"}, day=last),
        answer(
            "bronze.sec_facts", "2024-09-04 02:05", {"cik": "0000000002", "accn": "0000000002-24-000001"}, day=first
        ),
    ]
    told = silver("silver.fundamentals", *charts, *facts)
    assert dict(zip(told["filing_no"], told["security_id"], strict=True)) == {
        "0000320193-24-000001": PLAIN, "0000000002-24-000001": LATER,
    }  # fmt: skip


def test_a_lake_from_before_names_were_kept_tells_the_later_company_all_the_same(answer: Any, silver: Any) -> None:
    nameless = {"long_name": None, "first_trade": None}
    told = [answer(CHART, "2024-05-03 22:00", nameless), answer(CHART, "2024-09-04 22:00", NEW, day=AFTER)]
    assert silver("silver.prices", *told)["security_id"].tolist() == [PLAIN, LATER]
    same = [answer(CHART, "2024-05-03 22:00", nameless), answer(CHART, "2024-09-04 22:00", OLD, day=AFTER)]
    assert silver("silver.prices", *same)["security_id"].tolist() == [PLAIN, PLAIN]


@pytest.mark.parametrize(
    ("what", "later"),
    [
        ("a rename", {"long_name": "New Corp."}),
        ("a relisting under its name", {"first_trade": date(2024, 9, 3)}),
        ("a relisting under its name, written otherwise", {"long_name": "OLD, Inc", "first_trade": date(2024, 9, 3)}),
        ("a chart that names nobody", {"long_name": None, "first_trade": date(2024, 9, 3)}),
        ("a first trading day that was corrected", {"long_name": "New Corp.", "first_trade": date(1998, 1, 5)}),
    ],
)
def test_one_company_keeps_its_id_through(what: str, later: dict[str, Any], answer: Any, silver: Any) -> None:
    told = [answer(CHART, "2024-05-03 22:00", OLD), answer(CHART, "2024-09-04 22:00", {**OLD, **later}, day=AFTER)]
    assert set(silver("silver.prices", *told)["security_id"]) == {PLAIN}, what


def test_the_name_of_the_fetch_is_not_told_of_an_older_session(charts: list[Any], silver: Any) -> None:
    assert set(silver("silver.securities", *charts)["name"]) == {"AAPL"}
