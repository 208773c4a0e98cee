"""Every silver table: what a later answer says changes nothing that was believed before it, and one day's build is the whole's."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from market import registry
from market.bitemporal import true_at
from market.datasets.silver._feeds import feeds
from market.table import Window

BEFORE, DAY, AFTER = date(2024, 5, 2), date(2024, 5, 3), date(2024, 5, 7)
LATE = "2024-07-03 23:00"
NOTHING_NEW = (
    "silver.adjustments",
    "silver.stories",
    "silver.mentions",
)  # a changed headline stays in its story, and names no fewer
NAMING = {"title": "old, 상장", "originallink": "https://press.kr/2", "pubDate": "Fri, 03 May 2024 20:00:00 +0900"}
TABLES = [
    table.name for table in registry.layer("silver") if table.build is not None and table.name != "silver.sessions"
]
"""What is made from payloads; silver.sentiment is what a model reads in them."""


def first_told(answer: Any) -> list[pa.Table]:
    """What every source answered in time."""
    split = {"kind": "split", "numerator": 4.0, "denominator": 1.0}
    return [
        answer("bronze.krx_daily", "2024-05-02 23:00", {}, day=BEFORE),
        answer("bronze.krx_daily", "2024-05-03 23:00", {"TDD_CLSPRC": "500"}, day=DAY),
        answer("bronze.krx_daily", "2024-05-07 23:00", {"TDD_CLSPRC": "500"}, day=AFTER),
        answer("bronze.krx_listing", "2024-05-03 23:00", {"ISU_ABBRV": "old"}),
        answer("bronze.krx_indices", "2024-05-03 23:00", {}),
        answer("bronze.krx_etfs", "2024-05-03 23:00", {}),
        answer("bronze.krx_delistings", "2024-05-03 23:00", {}),
        answer("bronze.krx_sectors", "2024-05-03 23:00", {}),
        answer("bronze.dart_filings", "2024-05-03 11:00", {}),
        answer("bronze.dart_corp_codes", "2024-05-03 11:00", {}),
        answer("bronze.dart_accounts", "2024-05-03 11:00", {}),
        answer("bronze.dart_shares", "2024-05-03 11:00", {}),
        answer("bronze.dart_dividends", "2024-05-03 11:00", {}),
        answer("bronze.sec_submissions", "2024-05-04 02:30", {}),
        answer("bronze.sec_facts", "2024-05-04 02:30", {}),
        answer("bronze.sec_tickers", "2024-05-04 02:30", {}),
        answer("bronze.naver_coverage", "2024-05-03 07:00", {}),
        answer("bronze.naver_news", "2024-05-03 07:00", {}),
        answer("bronze.naver_news", "2024-05-07 07:00", NAMING, day=AFTER),
        answer("bronze.daum_coverage", "2024-05-03 07:00", {"is_covered": False}),
        answer("bronze.daum_news", "2024-05-03 07:00", {}),
        answer("bronze.yahoo_chart", "2024-05-03 22:00", {}, split),
    ]


def then_told(answer: Any) -> list[pa.Table]:
    """Two months later every source answers otherwise."""
    split = {"kind": "split", "numerator": 5.0, "denominator": 1.0}
    return [
        answer("bronze.krx_daily", LATE, {"TDD_CLSPRC": "1,000"}, day=DAY),
        answer("bronze.krx_listing", LATE, {"ISU_ABBRV": "corrected", "SECT_TP_NM": "관리종목(소속부없음)"}),
        answer("bronze.krx_indices", LATE, {"CLSPRC_IDX": "2,676.65"}),
        answer("bronze.krx_etfs", LATE, {"NAV": "36,912.51"}),
        answer("bronze.krx_sectors", LATE, {"IDX_IND_NM": "서비스업"}),
        answer("bronze.krx_delistings", LATE, {"DELIST_RSN_DSC": "피흡수합병"}),
        answer("bronze.dart_filings", LATE, {"report_nm": "[기재정정]주식분할결정"}),
        answer("bronze.dart_corp_codes", LATE, {"corp_code": "00126381"}),
        answer("bronze.dart_accounts", LATE, {"thstrm_amount": "101"}),
        answer("bronze.dart_shares", LATE, {"distb_stock_co": "5,969,782,551"}),
        answer("bronze.dart_dividends", LATE, {"thstrm": "1,445"}),
        answer("bronze.sec_submissions", LATE, {"items": "2.02"}),
        answer("bronze.sec_facts", LATE, {"val": 101.0}),
        answer("bronze.sec_tickers", LATE, {"cik_str": 320194}),
        answer("bronze.naver_coverage", LATE, {"n_items": 4}),
        answer("bronze.naver_news", LATE, {"title": "another"}),
        answer("bronze.daum_coverage", LATE, {}),
        answer("bronze.daum_news", LATE, {"title": "a third"}),
        answer("bronze.yahoo_chart", LATE, {"close": 181.5}, split),
    ]


def said(rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """What the rows say, without when it was replaced."""
    return rows.drop(columns="known_until").sort_values(list(registry.table(table).key)).reset_index(drop=True)


@pytest.mark.parametrize("table", TABLES)
def test_silver_overwrites_nothing(table: str, answer: Any, silver: Any) -> None:
    """A read as of the minute before the correction gives what the first answers alone gave."""
    first, whole = silver(table, *first_told(answer)), silver(table, *first_told(answer), *then_told(answer))
    assert len(first)
    just_before = pd.Timestamp(datetime(2024, 7, 3, 22, 59, tzinfo=UTC))
    believed, was = (said(true_at(rows, just_before), table) for rows in (whole, first))
    pd.testing.assert_frame_equal(believed, was, check_dtype=False)


@pytest.mark.parametrize("table", [name for name in TABLES if name not in NOTHING_NEW])
def test_a_correction_is_a_row_of_its_own_known_from_its_fetch(table: str, answer: Any, silver: Any) -> None:
    first, whole = silver(table, *first_told(answer)), silver(table, *first_told(answer), *then_told(answer))
    fetched = pd.Timestamp(datetime(2024, 7, 3, 23, 0, tzinfo=UTC))
    assert fetched in set(whole["known_at"])
    assert len(whole) > len(first)
    assert not true_at(whole, fetched).equals(true_at(first, fetched))


@pytest.mark.parametrize("table", [name for name in TABLES if registry.table(name).is_partitioned])
def test_a_build_of_one_session_gives_the_rows_of_the_whole_history(table: str, answer: Any, silver: Any) -> None:
    told = [*first_told(answer), *then_told(answer)]
    whole = silver(table, *told)
    for day in (BEFORE, DAY, AFTER):
        window = Window(day, day, datetime(2025, 1, 10, 9, tzinfo=UTC))
        alone = silver(table, *told, window=window)
        ours = whole[whole["session_date"] == day].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, ours, check_dtype=False)


def test_every_feed_is_told_twice_here(answer: Any) -> None:
    names = {name for table in TABLES for name in feeds(table)}
    for told in (first_told(answer), then_told(answer)):
        assert {n for n in names if any(a.schema.metadata[b"table"] == n.encode() for a in told)} == names
