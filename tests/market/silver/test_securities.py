"""silver.securities and silver.symbols: what was believed of a security at each moment, and contradictions left to the gate."""

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from expectations.judge import judge
from market import registry
from market.bitemporal import true_at

LISTING = "bronze.krx_listing"
DAY, AFTER = date(2024, 5, 3), date(2024, 5, 7)


def names(rows: pd.DataFrame) -> list[tuple[str, str, str | None]]:
    """(name, known from, known until) with instants as texts."""
    texts = [[None if pd.isna(at) else f"{at:%Y-%m-%d %H:%M}" for at in rows[n]] for n in ("known_at", "known_until")]
    return list(zip(rows["name"], *texts, strict=True))


def test_a_corrected_listing_is_believed_from_its_correction_on(answer: Any, silver: Any) -> None:
    told = [
        answer(LISTING, "2024-05-03 23:00", {"ISU_ABBRV": "old"}),
        answer(LISTING, "2024-07-03 23:00", {"ISU_ABBRV": "corrected"}),
    ]
    rows = silver("silver.securities", *told)
    assert names(rows) == [
        ("old", "2024-05-03 06:30", "2024-07-03 23:00"),
        ("corrected", "2024-07-03 23:00", None),
    ]
    assert true_at(rows, pd.Timestamp("2024-06-01T00:00Z"))["name"].tolist() == ["old"]
    assert names(silver("silver.symbols", *told)) == names(rows)


def test_a_rename_is_known_from_the_first_session_that_showed_it(answer: Any, silver: Any) -> None:
    told = [
        answer(LISTING, "2024-05-03 23:00", {"ISU_ABBRV": "before"}),
        answer(LISTING, "2024-05-07 23:00", {"ISU_ABBRV": "after"}, day=AFTER),
        answer(LISTING, "2024-05-08 23:00", {"ISU_ABBRV": "after"}, day=date(2024, 5, 8)),
    ]
    assert names(silver("silver.securities", *told)) == [
        ("before", "2024-05-03 06:30", "2024-05-07 06:30"),
        ("after", "2024-05-07 06:30", None),
    ]


def test_a_correction_of_a_listing_that_a_newer_one_replaced_changes_nothing(answer: Any, silver: Any) -> None:
    told = [
        answer(LISTING, "2024-05-03 23:00", {"ISU_ABBRV": "before"}),
        answer(LISTING, "2024-05-07 23:00", {"ISU_ABBRV": "after"}, day=AFTER),
        answer(LISTING, "2024-07-03 23:00", {"ISU_ABBRV": "corrected"}),
    ]
    assert [name for name, *_ in names(silver("silver.securities", *told))] == ["before", "after"]


def test_rows_of_one_payload_that_contradict_each_other_are_all_refused(answer: Any, silver: Any) -> None:
    table = registry.table("silver.securities")
    both = answer(
        LISTING, "2024-05-03 23:00", {}, {"MKT_TP_NM": "KOSDAQ"}, {"ISU_SRT_CD": "000660", "ISU_CD": "KR7000660001"}
    )
    rows = silver("silver.securities", both)
    assert sorted(rows["market"]) == ["KOSDAQ", "KOSPI", "KOSPI"]
    verdict = judge(table, table.conform(pa.Table.from_pandas(rows, preserve_index=False)))
    assert {rows["symbol"].iloc[position] for position, _ in verdict.reasons} == {"005930"}
    assert len(verdict.reasons) == 2


def test_no_par_value_is_unknown_and_another_word_is_refused(answer: Any, silver: Any) -> None:
    told = answer(
        LISTING, "2024-05-03 23:00", {"PARVAL": "무액면"}, {"ISU_SRT_CD": "000660", "PARVAL": "오백원", "LIST_DD": "x"}
    )
    rows = silver("silver.securities", told).set_index("symbol")
    assert rows["par_value"].isna().all()
    assert pd.isna(rows.loc["005930", "unreadable"])
    assert rows.loc["000660", "unreadable"] == "LIST_DD 'x', PARVAL '오백원'"


def test_a_us_security_is_known_from_its_first_bar(answer: Any, silver: Any) -> None:
    told = [answer("bronze.yahoo_chart", "2024-05-07 22:00", {}, day=day) for day in (DAY, date(2024, 5, 6))]
    assert names(silver("silver.securities", *told)) == [("AAPL", "2024-05-03 20:00", None)]


def passed_on(answer: Any) -> list[pa.Table]:
    """A code of one company on a day, and of another from the next session on, with price, filing and headline of each day."""
    told = []
    for day, at, said in (
        (DAY, "2024-05-03 23:00", {}),
        (AFTER, "2024-05-07 23:00", {"ISU_ABBRV": "새회사", "ISU_ENG_NM": "New Co.", "LIST_DD": "20240507"}),
    ):
        told += [
            answer(LISTING, at, said, day=day), answer("bronze.krx_daily", at, {}, day=day),
            answer("bronze.dart_filings", at, {"rcept_no": f"{day:%Y%m%d}000001", "rcept_dt": f"{day:%Y%m%d}"}, day=day),
            answer("bronze.naver_news", at, {"title": "새회사, 상장", "pubDate": f"{day:%a, %d %b %Y} 20:00:00 +0900"}, day=day),
            answer("bronze.naver_coverage", at, {}, day=day),
        ]  # fmt: skip
    return told


OLD_ID, NEW_ID = "XKRX:005930", "XKRX:005930~20240507"


def test_a_code_given_to_another_company_begins_another_series_in_every_table(answer: Any, silver: Any) -> None:
    for table in ("silver.prices", "silver.filings", "silver.corporate_actions", "silver.news", "silver.news_searches"):
        rows = silver(table, *passed_on(answer)).sort_values("session_date")
        assert rows[["security_id", "session_date"]].to_numpy().tolist() == [[OLD_ID, DAY], [NEW_ID, AFTER]], table
    headlines = silver("silver.news", *passed_on(answer)).set_index("security_id")["mention"]
    assert headlines.to_dict() == {OLD_ID: "none", NEW_ID: "title"}


def test_the_former_holder_of_a_code_ends_where_the_next_is_known(answer: Any, silver: Any) -> None:
    rows = silver("silver.symbols", *passed_on(answer))
    assert rows["security_id"].tolist()[:: len(rows) - 1] == [OLD_ID, NEW_ID]
    for day, who in ((DAY, OLD_ID), (AFTER, NEW_ID)):
        now = true_at(rows, pd.Timestamp(f"{day}T07:00Z"))
        assert now["security_id"].tolist() == [who]
        assert now["symbol"].tolist() == ["005930"]


def test_a_segment_of_kosdaq_is_kosdaq(answer: Any, silver: Any) -> None:
    told = (
        answer(LISTING, "2024-05-03 23:00", {"MKT_TP_NM": "KOSDAQ GLOBAL"}),
        answer("bronze.krx_daily", "2024-05-03 23:00", {"MKT_NM": "KOSDAQ GLOBAL"}),
    )
    assert [silver(name, *told)["market"].tolist() for name in ("silver.securities", "silver.prices")] == [
        ["KOSDAQ"]
    ] * 2


def test_a_symbol_has_its_companys_numbers_from_when_they_were_told(answer: Any, silver: Any) -> None:
    told = [
        answer(LISTING, "2024-05-03 23:00", {}),
        answer("bronze.dart_filings", "2024-05-03 11:00", {}),
        answer("bronze.yahoo_chart", "2024-05-03 22:00", {}),
        answer("bronze.sec_tickers", "2024-05-04 02:30", {}),
    ]
    rows = silver("silver.symbols", *told).set_index("security_id")
    korean, us = rows.loc[["XKRX:005930"]], rows.loc["XNYS:AAPL"]
    assert korean["corp_code"].isna().tolist() == [True, False]
    assert korean.iloc[1][["corp_code", "corp_name", "yahoo_symbol"]].tolist() == ["00126380", "삼성전자", "005930.KS"]
    assert f"{korean['known_at'].iloc[1]:%Y-%m-%d %H:%M}" == "2024-05-07 00:00", "a filing counts from the next open"
    assert (us["cik"], f"{us['known_at']:%H:%M}") == ("0000320193", "20:00")


CODES = "bronze.dart_corp_codes"


def test_a_company_that_never_filed_has_its_corp_code_from_the_fetch_of_darts_list(answer: Any, silver: Any) -> None:
    told = [
        answer(LISTING, "2024-05-03 23:00", {}),
        answer(CODES, "2024-05-05 01:00", {}, {"stock_code": "999999", "corp_code": "00999999"}),
        answer(CODES, "2024-05-08 01:00", {}),
        answer(CODES, "2024-05-09 01:00", {"corp_code": "00126381"}),
    ]
    rows = silver("silver.symbols", *told)
    assert rows["corp_code"].fillna("").tolist() == ["", "00126380", "00126381"], "a list that says the same is no row"
    known = [f"{instant:%Y-%m-%d %H:%M}" for instant in rows["known_at"]]
    assert known[1:] == ["2024-05-05 01:00", "2024-05-09 01:00"]
    assert set(rows["security_id"]) == {"XKRX:005930"}, "the list makes no securities"


def test_a_stock_code_that_two_companies_have_in_darts_list_is_nobodys(answer: Any, silver: Any) -> None:
    told = [answer(LISTING, "2024-05-03 23:00", {}), answer(CODES, "2024-05-05 01:00", {}, {"corp_code": "00999999"})]
    assert silver("silver.symbols", *told)["corp_code"].isna().all()


def test_darts_list_is_of_those_who_had_the_codes_on_the_day_of_its_fetch(answer: Any, silver: Any) -> None:
    listed = [one for one in passed_on(answer) if one.schema.metadata[b"table"] == LISTING.encode()]
    lists = [
        answer(CODES, "2024-05-04 01:00", {}, day=DAY),
        answer(CODES, "2024-05-08 01:00", {"corp_code": "00777777"}, day=DAY),
    ]
    rows = silver("silver.symbols", *listed, *lists)
    now = true_at(rows, pd.Timestamp("2024-05-09T00:00Z")).set_index("security_id")["corp_code"]
    assert now.to_dict() == {NEW_ID: "00777777"}
    then = true_at(rows, pd.Timestamp("2024-05-05T00:00Z")).set_index("security_id")["corp_code"]
    assert then.to_dict() == {OLD_ID: "00126380"}
