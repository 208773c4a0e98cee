"""silver.delistings: why a share left, since when that is known, and that it is told of the right listing of a code used twice."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from expectations.judge import judge
from market import registry
from market.bitemporal import true_at
from market.datasets.bronze.krx_delistings import told
from tests.market.silver.conftest import sessions

LIST, SILVER = "bronze.krx_delistings", "silver.delistings"
GONE = date(2024, 5, 7)  # a Tuesday after a holiday: the last session before it is the Friday


def delisted(**said: str) -> dict[str, str]:
    return {"ISU_CD": "005930", "DELIST_DD": "2024/05/07", **said}


def test_a_delisting_has_its_reason_its_class_and_the_last_session_before_it(answer: Any, silver: Any) -> None:
    (row,) = silver(
        SILVER, answer(LIST, "2024-05-08 00:00", delisted(DELIST_RSN_DSC="피흡수합병"), day=GONE)
    ).itertuples()
    assert (row.security_id, row.delist_date, row.last_session) == ("XKRX:005930", GONE, date(2024, 5, 3))
    assert (row.reason, row.reason_class) == ("피흡수합병", "merger")
    assert pd.isna(row.known_until)


def test_it_is_known_from_the_close_of_its_session_however_late_it_is_fetched(answer: Any, silver: Any) -> None:
    (row,) = silver(SILVER, answer(LIST, "2025-01-01 00:00", delisted(), day=GONE)).itertuples()
    assert row.known_at == pd.Timestamp("2024-05-07 06:30", tz="UTC")


def test_another_reason_is_a_version_from_its_fetch(answer: Any, silver: Any) -> None:
    first = answer(LIST, "2024-05-08 00:00", delisted(DELIST_RSN_DSC="감사의견 거절"), day=GONE, request="a")
    then = answer(LIST, "2024-06-01 00:00", delisted(DELIST_RSN_DSC="자본전액잠식"), day=GONE, request="a")
    rows = silver(SILVER, first, then)
    assert rows["reason_class"].tolist() == ["audit_opinion", "capital_impairment"]
    instant = pd.Timestamp("2024-06-01", tz="UTC")
    assert (rows["known_until"][0], rows["known_at"][1]) == (instant, instant)
    assert true_at(rows, instant - pd.Timedelta(seconds=1))["reason"].tolist() == ["감사의견 거절"]


def test_one_delisting_that_comes_twice_is_one_row_with_both_reasons(answer: Any, silver: Any) -> None:
    twice = delisted(DELIST_RSN_DSC="종목별 상장폐지신청"), delisted(DELIST_RSN_DSC="해산  사유\n 발생"), delisted()
    (row,) = silver(SILVER, answer(LIST, "2024-05-08 00:00", *twice, day=GONE)).itertuples()
    assert row.reason == "종목별 상장폐지신청; 해산 사유 발생"


def test_no_reason_is_null_and_has_no_class(answer: Any, silver: Any) -> None:
    rows = silver(SILVER, answer(LIST, "2024-05-08 00:00", delisted(DELIST_RSN_DSC="-"), day=GONE))
    assert rows[["reason", "reason_class"]].isna().all(axis=None)


def test_a_code_listed_anew_on_that_day_was_transferred_whatever_the_list_says(answer: Any, silver: Any) -> None:
    on_konex = answer("bronze.krx_listing", "2024-05-03 23:00", {"MKT_TP_NM": "KONEX", "LIST_DD": "20200102"})
    then = {"MKT_TP_NM": "KOSDAQ", "LIST_DD": f"{GONE:%Y%m%d}"}
    on_kosdaq = answer("bronze.krx_listing", f"{GONE} 23:00", then, day=GONE)
    list_ = answer(LIST, "2024-05-08 00:00", delisted(MKT_NM="KONEX", DELIST_RSN_DSC="피흡수합병"), day=GONE)
    (row,) = silver(SILVER, on_konex, on_kosdaq, list_).itertuples()
    assert (row.reason_class, row.market) == ("transfer", "KONEX")


def test_funds_and_subscription_rights_stay_in_bronze(answer: Any, silver: Any) -> None:
    rights = (
        delisted(ISU_CD="00593014", SECUGRP_NM="신주인수권증서"),
        delisted(ISU_CD="701016S6", SECUGRP_NM="수익증권"),
    )
    assert silver(SILVER, answer(LIST, "2024-05-08 00:00", *rights, day=GONE)).empty


@pytest.mark.parametrize(
    "said",
    [
        {"DELIST_DD": "미정"},
        {"LIST_DD": "x"},
        {"ISU_CD": "삼성"},
        {"DELIST_DD": ""},
        {"LIST_DD": "2024/05/08"},
        {"ISU_CD": None},
    ],
)
def test_a_row_that_cannot_be_read_or_be_true_is_quarantined_and_not_lost(answer: Any, said: dict[str, Any]) -> None:
    bronze = answer(LIST, "2024-05-08 00:00", delisted(**said), delisted(ISU_CD="000660"), day=GONE)
    contract = registry.table(SILVER)
    verdict = judge(contract, contract.conform(told(bronze, {"silver.sessions": sessions()})), limit=1.0)
    assert (int(verdict.good.sum()), verdict.n_quarantined) == (1, 1)


def test_each_listing_of_a_code_used_again_has_its_own_reason(answer: Any, silver: Any) -> None:
    """The first company merged away, another got its code later and failed."""
    listing, old, new = "bronze.krx_listing", date(2024, 1, 10), date(2024, 6, 3)
    first = answer(
        listing,
        f"{old} 23:00",
        {"ISU_ABBRV": "옛회사", "ISU_NM": "옛회사", "ISU_ENG_NM": "OLD", "LIST_DD": "20000104"},
        day=old,
    )
    later = {"ISU_ABBRV": "새회사", "ISU_NM": "새회사", "ISU_ENG_NM": "NEW", "LIST_DD": f"{new:%Y%m%d}"}
    second = answer(listing, f"{new} 23:00", later, day=new)
    list_ = answer(
        LIST, "2024-12-31 00:00", delisted(DELIST_DD="2024/02/01", DELIST_RSN_DSC="피흡수합병"),
        delisted(DELIST_DD="2024/12/02", DELIST_RSN_DSC="감사의견 거절"), day=date(2024, 12, 2),
    )  # fmt: skip
    rows = silver(SILVER, first, second, list_).set_index("security_id")["reason_class"].to_dict()
    assert rows == {"XKRX:005930": "merger", f"XKRX:005930~{new:%Y%m%d}": "audit_opinion"}
