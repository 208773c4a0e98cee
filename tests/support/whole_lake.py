"""The small lake with something in every silver table: filings, lists of companies, funds, indices, delistings, a spell that
ended, a fourth quarter that no report tells, and an adjustment that a correction replaced.

What does not belong here: assertions.
"""

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from lake.bronze import Bronze
from lake.delivery import Delivery
from lake.delta import DeltaLake
from lake.objects import open_store
from lake.releases import Release
from lake.settings import Settings
from market import calendars
from market.table import Window
from tests.support import small_lake
from tests.support.small_lake import CODES, FIRST, LAST, NOW, REVISED_AT, SPLIT_CODE, SPLIT_DAY, SmallLake, delivery

GONE, GONE_LAST, GONE_AFTER = "123450", date(2024, 1, 3), date(2024, 1, 4)
"""A security that is in the base information of the second session alone, and the first session without it."""

DECIDED = date(2024, 2, 15)
BONUS = f"{DECIDED:%Y%m%d}000124"
NINE_MONTHS_AT, YEAR_AT = datetime(2024, 1, 10, 21, 0, tzinfo=UTC), datetime(2024, 2, 20, 21, 0, tzinfo=UTC)
OTHER_BASE = 30_000
"""The base price of the split's day as the exchange corrected it."""


def whole_lake(small: SmallLake, folder: Path) -> tuple[Settings, Release]:
    """The lake under that folder and its newest release."""
    shutil.copytree(small.settings.lake_url, folder / "lake")
    settings = small.settings.model_copy(update={"lake_url": str(folder / "lake")})
    store, delta = open_store(settings.lake_url), DeltaLake(settings)
    Bronze(delta, store).take(
        [*_listings(), *_companies(), *_exchange(), *_reports(), *_korean_reports(), _other_base()]
    )
    return settings, small_lake.publish(store, delta, 3, Window(FIRST, LAST, NOW), small.after.release_id)


def _evening(day: date) -> datetime:
    return calendars.close_at("XKRX", day) + timedelta(hours=17)


def _listings() -> list[Delivery]:
    """The base information of two more sessions, one company in the first alone, and that both were answered."""
    made = []
    for day in (GONE_LAST, GONE_AFTER):
        rows = small_lake.listing_rows()
        rows += (
            [rows[0] | {"ISU_SRT_CD": GONE, "ISU_CD": f"KR7{GONE}000", "ISU_ABBRV": "옛별"}] if day == GONE_LAST else []
        )
        request = f"GET /sto/stk_isu_base_info?basDd={day:%Y%m%d}"
        told = [{"service": "stk_isu_base_info", "market": "KOSPI", "state": "open", "n_rows": str(len(rows))}]
        made += [
            delivery("bronze.krx_listing", day, rows, "stk", request, _evening(day)),
            delivery("bronze.krx_services", day, told, "stk_isu_base_info", request, _evening(day)),
        ]
    return made


def _companies() -> list[Delivery]:
    """A decision of the company that was split, one of another with its ratio, and both lists of companies."""
    decision = {
        "corp_code": "00164779", "corp_name": CODES[SPLIT_CODE], "stock_code": SPLIT_CODE, "corp_cls": "Y",
        "report_nm": "주식분할결정", "rcept_no": f"{DECIDED:%Y%m%d}000123", "flr_nm": CODES[SPLIT_CODE],
        "rcept_dt": f"{DECIDED:%Y%m%d}", "rm": "유",
    }  # fmt: skip
    bonus = decision | {
        "corp_code": "00164742", "corp_name": CODES["000660"], "stock_code": "000660", "report_nm": "무상증자결정",
        "rcept_no": BONUS,
    }  # fmt: skip
    ratio = {"rcept_no": BONUS, "corp_code": "00164742", "stock_code": "000660", "nstk_ascnt_ps_ostk": "0.5"}
    company = {"corp_code": "00126380", "corp_name": CODES["005930"], "stock_code": "005930", "modify_date": "20230110"}
    ticker = {"symbol": "AAPL", "cik_str": 320193, "ticker": "AAPL", "title": "Apple Inc."}
    return [
        delivery("bronze.dart_filings", DECIDED, [decision, bonus], "list", "GET /api/list.json", _evening(DECIDED)),
        delivery("bronze.dart_bonus_issues", DECIDED, [ratio], "bonus", "GET /api/fricDecsn.json", _evening(DECIDED)),
        delivery("bronze.dart_corp_codes", DECIDED, [company], "codes", "GET /api/corpCode.xml", _evening(DECIDED)),
        delivery("bronze.sec_tickers", DECIDED, [ticker], "tickers", "GET /files/company_tickers.json", _evening(DECIDED)),
    ]  # fmt: skip


def _exchange() -> list[Delivery]:
    """A fund, an index, a delisting, and a sector that becomes another."""
    bar = {
        "BAS_DD": f"{LAST:%Y%m%d}", "FLUC_RT": "0.29", "ACC_TRDVOL": "1,000", "ACC_TRDVAL": "35,000,000",
        "MKTCAP": "3,500,000,000",
    }  # fmt: skip
    fund = bar | {
        "ISU_CD": "069500", "ISU_NM": "한 200", "TDD_CLSPRC": "35,000", "CMPPREVDD_PRC": "100", "NAV": "35,010.5",
        "TDD_OPNPRC": "34,900", "TDD_HGPRC": "35,100", "TDD_LWPRC": "34,800", "INVSTASST_NETASST_TOTAMT": "3,501,050,000",
        "LIST_SHRS": "100,000", "IDX_IND_NM": "코스피 200", "OBJ_STKPRC_IDX": "350.10", "CMPPREVDD_IDX": "1.00",
        "FLUC_RT_IDX": "0.29",
    }  # fmt: skip
    index = bar | {
        "IDX_CLSS": "KOSPI", "IDX_NM": "코스피", "CLSPRC_IDX": "2,676.63", "CMPPREVDD_IDX": "-7.02", "OPNPRC_IDX": "2,699.15",
        "HGPRC_IDX": "2,704.78", "LWPRC_IDX": "2,674.28",
    }  # fmt: skip
    gone = {
        "ISU_CD": GONE, "ISU_NM": "옛별", "MKT_NM": "KOSPI", "SECUGRP_NM": "주권", "KIND_STKCERT_TP_NM": "보통주",
        "LIST_DD": "1975/06/11", "DELIST_DD": f"{GONE_AFTER:%Y/%m/%d}", "DELIST_RSN_DSC": "피흡수합병",
    }  # fmt: skip
    sector = {"ISU_SRT_CD": "005930", "ISU_ABBRV": CODES["005930"], "MKT_TP_NM": "KOSPI", "IDX_IND_NM": "전기전자"}
    other = [sector | {"IDX_IND_NM": "서비스업"}]
    return [
        delivery("bronze.krx_sectors", GONE_LAST, [sector], "sectors", "POST /getJsonData.cmd?trdDd=1", _evening(GONE_LAST)),
        delivery("bronze.krx_sectors", GONE_AFTER, other, "sectors", "POST /getJsonData.cmd?trdDd=2", _evening(GONE_AFTER)),
        delivery("bronze.krx_etfs", LAST, [fund], "etf", "GET /etp/etf_bydd_trd", _evening(LAST)),
        delivery("bronze.krx_indices", LAST, [index], "kospi", "GET /idx/kospi_dd_trd", _evening(LAST)),
        delivery("bronze.krx_delistings", GONE_AFTER, [gone], "delisted", "POST /getJsonData.cmd", _evening(GONE_AFTER)),
    ]  # fmt: skip


def _reports() -> list[Delivery]:
    """Apple's operating income of nine months by one filing, and of the year by another."""
    told = {
        "cik": "0000320193", "symbol": "AAPL", "taxonomy": "us-gaap", "concept": "OperatingIncomeLoss", "unit": "USD",
        "start": "2023-01-01",
    }  # fmt: skip
    filed = ((NINE_MONTHS_AT, "10-Q", "2023-09-30", 60.0), (YEAR_AT, "10-K", "2023-12-31", 100.0))
    return [
        delivery(
            "bronze.sec_facts", at.date(),
            [told | {"form": form, "end": end, "val": value, "filed": f"{at.date()}", "accepted_at": at,
                     "accn": f"0000320193-24-{at:%m%d}00"}],
            "AAPL", f"GET /companyfacts {form}", at,
        )
        for at, form, end, value in filed
    ]  # fmt: skip


def _korean_reports() -> list[Delivery]:
    """Samsung's revenue of nine months and of three by one report, and of the year by another."""
    told = {
        "corp_code": "00126380", "stock_code": "005930", "fs_div": "CFS", "sj_div": "IS", "account_id": "ifrs-full_Revenue",
        "account_nm": "매출액", "ord": "1", "currency": "KRW", "bsns_year": "2023",
    }  # fmt: skip
    filed = (
        (NINE_MONTHS_AT, "11014", "분기보고서 (2023.09)", {"thstrm_amount": "25,000", "thstrm_add_amount": "70,000"}),
        (YEAR_AT, "11011", "사업보고서 (2023.12)", {"thstrm_amount": "100,000"}),
    )
    return [
        delivery(
            "bronze.dart_accounts", at.date(),
            [told | amounts | {"reprt_code": code, "report_nm": name, "rcept_no": f"{at:%Y%m%d}000777"}],
            "005930", f"GET /api/fnlttSinglAcntAll.json?reprt_code={code}", at,
        )
        for at, code, name, amounts in filed
    ]  # fmt: skip


def _other_base() -> Delivery:
    """The split's day again, its base price corrected."""
    rows = [small_lake.krx_row(code, SPLIT_DAY, False) for code in CODES]
    for row in rows:
        if row["ISU_CD"] == SPLIT_CODE:
            row["CMPPREVDD_PRC"] = f"{int(row['TDD_CLSPRC'].replace(',', '')) - OTHER_BASE:,}"
    request = f"GET /sto/stk_bydd_trd?basDd={SPLIT_DAY:%Y%m%d}"
    return delivery("bronze.krx_daily", SPLIT_DAY, rows, "stk", request, REVISED_AT)
