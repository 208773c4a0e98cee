"""Shared by the silver tests: payloads as sources deliver them, from the few values that a test is about, and silver from them."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lake.windows import between, bounds
from market import registry
from market.table import Read, Window

DAY = date(2024, 5, 3)
WINDOW = Window(date(2024, 1, 2), date(2025, 1, 10), datetime(2025, 1, 10, 9, tzinfo=UTC))
PLAIN: Mapping[str, Mapping[str, Any]] = {
    "bronze.krx_daily": {
        "ISU_CD": "005930", "ISU_NM": "삼성전자", "MKT_NM": "KOSPI", "SECT_TP_NM": "-", "TDD_CLSPRC": "1,000",
        "CMPPREVDD_PRC": "0", "FLUC_RT": "0.00", "TDD_OPNPRC": "1,000", "TDD_HGPRC": "1,010", "TDD_LWPRC": "990",
        "ACC_TRDVOL": "1,200", "ACC_TRDVAL": "1,200,000", "MKTCAP": "5,000,000", "LIST_SHRS": "5,000",
    },
    "bronze.krx_listing": {
        "ISU_CD": "KR7005930003", "ISU_SRT_CD": "005930", "ISU_NM": "삼성전자보통주", "ISU_ABBRV": "삼성전자",
        "ISU_ENG_NM": "SamsungElec", "LIST_DD": "19750611", "MKT_TP_NM": "KOSPI", "SECUGRP_NM": "주권",
        "SECT_TP_NM": "-", "KIND_STKCERT_TP_NM": "보통주", "PARVAL": "100", "LIST_SHRS": "5,000",
    },
    "bronze.krx_delistings": {
        "ISU_CD": "005930", "ISU_NM": "삼성전자", "MKT_NM": "KOSPI", "SECUGRP_NM": "주권", "KIND_STKCERT_TP_NM": "보통주",
        "LIST_DD": "1975/06/11", "DELIST_DD": "2024/05/03", "DELIST_RSN_DSC": "", "ARRANTRD_MKTACT_ENFORCE_DD": "",
        "ARRANTRD_END_DD": "", "IDX_IND_NM": "-", "PARVAL": "100", "LIST_SHRS": "5,000", "TO_ISU_SRT_CD": "", "TO_ISU_ABBRV": "",
    },
    "bronze.krx_sectors": {
        "ISU_SRT_CD": "005930", "ISU_ABBRV": "삼성전자", "MKT_TP_NM": "KOSPI", "IDX_IND_NM": "전기전자", "TDD_CLSPRC": "1,000",
        "CMPPREVDD_PRC": "0", "FLUC_RT": "0.00", "MKTCAP": "5,000,000",
    },
    "bronze.krx_services": {"service": "stk_isu_base_info", "market": "KOSPI", "state": "open", "n_rows": "1"},
    "bronze.krx_indices": {
        "IDX_CLSS": "KOSPI", "IDX_NM": "코스피", "CLSPRC_IDX": "2,676.63", "CMPPREVDD_IDX": "-7.02", "FLUC_RT": "-0.26",
        "OPNPRC_IDX": "2,692.87", "HGPRC_IDX": "2,702.60", "LWPRC_IDX": "2,672.99", "ACC_TRDVOL": "445,012,331",
        "ACC_TRDVAL": "9,514,233,120,000", "MKTCAP": "2,188,800,000,000,000",
    },
    "bronze.krx_etfs": {
        "ISU_CD": "069500", "ISU_NM": "KODEX 200", "TDD_CLSPRC": "36,895", "CMPPREVDD_PRC": "95", "FLUC_RT": "0.26",
        "NAV": "36,912.50", "TDD_OPNPRC": "36,900", "TDD_HGPRC": "36,950", "TDD_LWPRC": "36,800", "ACC_TRDVOL": "4,012,331",
        "ACC_TRDVAL": "148,000,000,000", "MKTCAP": "6,800,000,000,000", "INVSTASST_NETASST_TOTAMT": "6,801,000,000,000",
        "LIST_SHRS": "184,300,000", "IDX_IND_NM": "코스피 200", "OBJ_STKPRC_IDX": "365.10", "CMPPREVDD_IDX": "0.95",
        "FLUC_RT_IDX": "0.26",
    },
    "bronze.dart_filings": {
        "corp_code": "00126380", "corp_name": "삼성전자", "stock_code": "005930", "corp_cls": "Y",
        "report_nm": "주식분할결정", "rcept_no": "20240503000001", "flr_nm": "삼성전자", "rcept_dt": "20240503", "rm": "",
    },
    "bronze.dart_corp_codes": {
        "corp_code": "00126380", "corp_name": "삼성전자", "corp_eng_name": "SAMSUNG ELECTRONICS CO,.LTD", "stock_code": "005930",
        "modify_date": "20240214",
    },
    "bronze.dart_accounts": {
        "rcept_no": "20240503000001", "reprt_code": "11013", "bsns_year": "2024", "corp_code": "00126380", "fs_div": "CFS",
        "sj_div": "IS", "sj_nm": "손익계산서", "account_id": "ifrs-full_Revenue", "account_nm": "매출액", "account_detail": "-",
        "thstrm_nm": "제 56 기 1분기", "thstrm_amount": "100", "ord": "5", "currency": "KRW", "stock_code": "005930",
        "report_nm": "분기보고서 (2024.03)",
    },
    "bronze.dart_shares": {
        "rcept_no": "20240503000001", "corp_cls": "Y", "corp_code": "00126380", "corp_name": "삼성전자", "se": "보통주",
        "istc_totqy": "5,969,782,550", "tesstk_co": "-", "distb_stock_co": "5,969,782,550", "stlm_dt": "2024-03-31",
        "reprt_code": "11013", "stock_code": "005930", "report_nm": "분기보고서 (2024.03)",
    },
    "bronze.dart_dividends": {
        "rcept_no": "20240503000001", "corp_cls": "Y", "corp_code": "00126380", "corp_name": "삼성전자", "se": "주당 현금배당금(원)",
        "stock_knd": "보통주", "thstrm": "1,444", "frmtrm": "1,444", "lwfr": "1,444", "stlm_dt": "2023-12-31",
        "stock_code": "005930", "report_nm": "사업보고서 (2023.12)",
    },
    "bronze.dart_bonus_issues": {
        "rcept_no": "20240503000001", "corp_code": "00126380", "corp_name": "삼성전자", "nstk_ostk_cnt": "14,580,207",
        "bfic_tisstk_ostk": "30,470,749", "nstk_ascnt_ps_ostk": "0.5", "nstk_ascnt_ps_estk": "-", "stock_code": "005930",
        "report_nm": "주요사항보고서(무상증자결정)",
    },
    "bronze.dart_capital_reductions": {
        "rcept_no": "20240503000001", "corp_code": "00126380", "corp_name": "삼성전자", "bfcr_tisstk_ostk": "281,338,637",
        "atcr_tisstk_ostk": "14,066,749", "cr_rt_ostk": "5.00", "stock_code": "005930", "report_nm": "주요사항보고서(감자결정)",
    },
    "bronze.naver_coverage": {"query": "삼성전자", "code": "005930", "is_covered": True, "n_items": 3},
    "bronze.naver_news": {
        "query": "삼성전자", "code": "005930", "title": "<b>삼성전자</b> 실적", "originallink": "https://press.kr/1",
        "link": "https://n.news.naver.com/1", "description": "발표", "pubDate": "Fri, 03 May 2024 10:00:00 +0900",
    },
    "bronze.sec_facts": {
        "cik": "0000320193", "symbol": "AAPL", "taxonomy": "us-gaap", "concept": "Revenues", "unit": "USD",
        "start": "2024-01-01", "end": "2024-03-31", "val": 100.0, "accn": "0000320193-24-000001", "fy": 2024, "fp": "Q1",
        "form": "10-Q", "filed": "2024-05-03", "accepted_at": datetime(2024, 5, 3, 20, 31, 5, tzinfo=UTC),
    },
    "bronze.sec_submissions": {
        "cik": "0000320193", "symbol": "AAPL", "name": "Apple Inc.", "accessionNumber": "0000320193-24-000001",
        "filingDate": "2024-05-03", "reportDate": "2024-03-31", "acceptanceDateTime": "2024-05-03T20:31:05.000Z",
        "form": "8-K", "items": "2.02,9.01", "size": 9, "isXBRL": 1, "accepted_at": datetime(2024, 5, 3, 20, 31, 5, tzinfo=UTC),
        "sic": "3571", "sicDescription": "Electronic Computers",
    },
    "bronze.sec_tickers": {"symbol": "AAPL", "cik_str": 320193, "ticker": "AAPL", "title": "Apple Inc."},
    "bronze.daum_coverage": {"query": "삼성전자", "code": "005930", "is_covered": True, "n_items": 1},
    "bronze.daum_news": {
        "query": "삼성전자", "code": "005930", "title": "[속보] <b>삼성전자</b>, 노사 합의", "contents": "합의",
        "url": "https://v.daum.net/v/20240503100500000", "datetime": "2024-05-03T10:05:00.000+09:00",
    },
    "bronze.yahoo_chart": {
        "symbol": "AAPL", "kind": "bar", "bar_at": datetime(2024, 5, 3, 13, 30, tzinfo=UTC), "open": 180.0,
        "high": 182.0, "low": 179.0, "close": 181.0, "volume": 1000.0, "later_splits": 1.0, "currency": "USD",
        "exchange_name": "NMS", "price_hint": 2,
    },
}  # fmt: skip

Answer = Callable[..., pa.Table]
Silver = Callable[..., pd.DataFrame]


def at(text: str) -> datetime:
    """An instant of UTC: at('2024-05-07 23:00')."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="session")
def answer() -> Answer:
    """``answer(table, fetched_at, {...}, ..., day=, request=)``: the bronze rows of one payload; what a row does not say is plain."""

    def make(
        name: str, fetched_at: str, *said: Mapping[str, Any], day: date = DAY, request: str | None = None
    ) -> pa.Table:
        digest = hashlib.sha256(json.dumps([name, f"{day}", *said], default=str).encode()).hexdigest()
        usual = {"session_date": day, "session_month": f"{day:%Y-%m}", "payload_digest": digest, "landing_path": "x"}
        usual |= {"request": request or f"GET /{name}/{day}", "fetched_at": at(fetched_at), "known_at": at(fetched_at)}
        dated = {"BAS_DD": f"{day:%Y%m%d}"} if "BAS_DD" in registry.table(name).schema.names else {}
        rows = [{**PLAIN[name], **dated, **usual, "row_no": n, **row} for n, row in enumerate(said)]
        schema = registry.table(name).schema
        told = pa.Table.from_pylist([{c: row.get(c) for c in schema.names} for row in rows], schema=schema)
        return told.replace_schema_metadata({"table": name})  # two tables may have the same columns

    return make


def is_of(told: pa.Table, name: str) -> bool:
    """True where the rows are an answer for that bronze table."""
    return bool(told.schema.metadata[b"table"] == name.encode())


@cache
def sessions() -> pa.Table:
    """silver.sessions of the whole window."""
    table = registry.table("silver.sessions")
    assert table.build is not None
    return table.build({}, WINDOW)


@pytest.fixture(scope="session")
def silver() -> Silver:
    """``silver(table, answers...)``: its rows by key, built from bronze through every silver table that it reads.

    With ``window`` a build of those sessions alone, which is given the rows that its reads name.
    """

    def run(name: str, *answers: pa.Table, window: Window = WINDOW) -> pd.DataFrame:
        table = registry.table(name)
        rows = built(name, answers, window).to_pandas(timestamp_as_object=False)
        return rows.sort_values(list(table.key), ignore_index=True)

    return run


def built(name: str, answers: Sequence[pa.Table], window: Window) -> pa.Table:
    """The rows of a silver table from the payloads, as one build of that window makes them."""
    table = registry.table(name)
    assert table.build is not None
    frames = {read.table: _read(read, answers, window) for read in table.reads}
    for read in (read for read in table.reads if read.role == "join"):
        right = frames.pop(read.table)
        right = pa.table({name: right[source] for name, source in ({on: on for on in read.on} | read.joined).items()})
        for main in (other.table for other in table.reads if other.role == "main"):
            frames[main] = frames[main].join(right, list(read.on), join_type="left outer")
    sides = {read.table: frames[read.table] for read in table.reads if read.role == "side"}
    mains = [read.table for read in table.reads if read.role == "main"]
    calls = [{**sides, main: frames[main]} for main in mains] or [sides]
    return pa.concat_tables([table.conform(table.build(call, window)) for call in calls])


def _read(read: Read, answers: Sequence[pa.Table], window: Window) -> pa.Table:
    contract = registry.table(read.table)
    if read.table == "silver.sessions":
        rows = sessions()
    elif contract.layer == "bronze":
        ours = [a.replace_schema_metadata() for a in answers if is_of(a, read.table)]
        rows = pa.concat_tables([contract.schema.empty_table(), *ours])
    else:
        rows = built(read.table, answers, WINDOW)
    if contract.is_bitemporal and not read.versions:
        rows = rows.filter(pc.is_null(rows["known_until"]))
    limits = bounds(read, window)
    return rows.filter(between(*limits)) if limits is not None and contract.is_partitioned else rows
