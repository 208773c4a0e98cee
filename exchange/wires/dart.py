"""OpenDART (opendart.fss.or.kr): list.json, company.json, corpCode.xml, and what one periodic report or decision tells.

HTTP is always 200; the outcome is the body's ``status``. What does not belong here: a filing's own rows
(exchange.wires.dart_reports, exchange.wires.dart_decisions) and documents.
"""

from __future__ import annotations

import calendar
import io
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from xml.sax.saxutils import escape

from exchange.clock import SEOUL, Clock
from exchange.model import Company, Filing, World
from exchange.wires import dart_decisions, dart_reports
from exchange.wires.answer import Answer, Ask

_OK = {"status": "000", "message": "정상"}
_MESSAGES = {
    "010": "등록되지 않은 키입니다.",
    "011": "사용할 수 없는 키입니다.",
    "013": "조회된 데이타가 없습니다.",
    "020": "요청 제한을 초과하였습니다.",
    "100": "필드의 부적절한 값입니다.",
    "101": "부적절한 접근입니다.",
    "800": "시스템 점검으로 인한 서비스가 중지 중입니다.",
}
_MOST_PER_PAGE = 100
_OF_A_FILING = {
    "/api/fnlttSinglAcntAll.json": dart_reports.accounts,
    "/api/fnlttSinglAcnt.json": dart_reports.major_accounts,
    "/api/stockTotqySttus.json": dart_reports.shares,
    "/api/alotMatter.json": dart_reports.dividends,
    "/api/irdsSttus.json": dart_reports.changes,
    "/api/fricDecsn.json": dart_decisions.bonus_issues,
    "/api/crDecsn.json": dart_decisions.reductions,
}


class Dart:
    """The OpenDART host."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._key = keys["DART_API_KEY"]

    def answer(self, ask: Ask, world: World, clock: Clock) -> Answer:
        """The list of receipts, a company's data, the zipped list of companies, a part of a periodic report, or a decision's figures."""
        routes = {
            "/api/list.json": self._list,
            "/api/company.json": self._company,
            "/api/corpCode.xml": self._corp_codes,
            **dict.fromkeys(_OF_A_FILING, self._report),
        }
        route = routes.get(ask.path)
        if route is None:
            return _status("101")
        if ask.query.get("crtfc_key") != self._key:
            return _status("010", is_zip=ask.path.endswith(".xml"))
        return route(ask, world, clock)

    def expired_key(self) -> Answer:
        """A key that may no longer be used."""
        return _status("011")

    def quota_spent(self) -> Answer:
        """Calls of the day used up."""
        return _status("020")

    def error_body(self) -> Answer:
        """Maintenance."""
        return _status("800")

    def _list(self, ask: Ask, world: World, clock: Clock) -> Answer:
        try:
            search = _Search(ask.query, clock)
        except ValueError as error:
            return _status("100", str(error))
        found = search.find(world.filings or (), clock.seconds)
        if not found:
            return _status("013")
        begin = (search.page_no - 1) * search.page_count
        body: dict[str, Any] = dict(_OK)
        body |= {"page_no": search.page_no, "page_count": search.page_count, "total_count": len(found)}
        body["total_page"] = -(-len(found) // search.page_count)
        page = found[begin : begin + search.page_count]
        if not page:
            return _status("013")
        amended = {f.amends for f in world.filings or () if f.amends and f.received_at <= clock.seconds}
        body["list"] = [_row(filing, filing.rcept_no in amended) for filing in page]
        return Answer(body, rows=("list",), session=search.end)

    def _report(self, ask: Ask, world: World, clock: Clock) -> Answer:
        rows = _OF_A_FILING[ask.path](ask.query, world, clock)
        if not rows:
            return _status("100" if rows is None else "013")
        return Answer({**_OK, "list": rows}, rows=("list",))

    def _company(self, ask: Ask, world: World, _clock: Clock) -> Answer:
        corp_code = ask.query.get("corp_code", "")
        if len(corp_code) != 8:
            return _status("100")
        company = world.companies.get(corp_code)
        return _status("013") if company is None else Answer({**_OK, **_company_body(company)})

    def _corp_codes(self, _ask: Ask, world: World, _clock: Clock) -> Answer:
        rows = "".join(
            f"<list><corp_code>{c.corp_code}</corp_code><corp_name>{escape(c.corp_name)}</corp_name>"
            f"<corp_eng_name>{escape(c.english_name)}</corp_eng_name><stock_code>{c.stock_code or ' '}</stock_code>"
            f"<modify_date>20220103</modify_date></list>"
            for c in world.companies.values()
        )
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            # A fixed time stamp: same world, same bytes.
            member = zipfile.ZipInfo("CORPCODE.xml", (2022, 1, 3, 0, 0, 0))
            archive.writestr(member, f'<?xml version="1.0" encoding="UTF-8"?><result>{rows}</result>')
        return Answer(packed.getvalue(), content_type="application/x-msdownload")


class _Search:
    """The checked parameters of list.json. Raises ValueError with OpenDART's message."""

    def __init__(self, query: Mapping[str, str], clock: Clock) -> None:
        self.query = query
        today = clock.seoul_date
        self.end = _day(query.get("end_de"), today)
        self.begin = _day(query.get("bgn_de"), self.end)
        self.corp_code = query.get("corp_code", "")
        if self.begin > self.end:
            raise ValueError("시작일이 종료일보다 늦습니다.")
        if not self.corp_code and self.begin < _three_months_before(self.end):
            raise ValueError("corp_code가 없는 경우 검색기간은 3개월만 가능합니다.")
        self.page_no = _number(query.get("page_no"), 1, 10**6)
        self.page_count = _number(query.get("page_count"), 10, _MOST_PER_PAGE)
        if query.get("last_reprt_at", "N") not in ("Y", "N"):
            raise ValueError(_MESSAGES["100"])
        if query.get("corp_cls", "Y") not in "YKNE" or query.get("pblntf_ty", "A") not in "ABCDEFGHIJ":
            raise ValueError(_MESSAGES["100"])

    def find(self, filings: Any, now: int) -> list[Filing]:
        """Receipts that fit, in the order asked for (newest first unless told otherwise)."""
        known = [f for f in filings if f.received_at <= now]
        first, last = f"{self.begin:%Y%m%d}", f"{self.end:%Y%m%d}"
        found = [f for f in known if first <= f.rcept_no[:8] <= last and self._fits(f)]
        if self.query.get("last_reprt_at", "N") == "Y":
            # Only the last report of each chain of corrections: hides originals, as the real switch does.
            newest = {f.amends or f.rcept_no: f.rcept_no for f in known}
            found = [f for f in found if newest[f.amends or f.rcept_no] == f.rcept_no]
        keys = {
            "crp": lambda f: (f.corp_name, f.rcept_no),
            "rpt": lambda f: (f.report_nm, f.rcept_no),
            "date": lambda f: (f.rcept_no[:8], f.received_at, f.rcept_no),
        }
        key = keys.get(self.query.get("sort", "date"), keys["date"])
        return sorted(found, key=key, reverse=self.query.get("sort_mth", "desc") == "desc")

    def _fits(self, filing: Filing) -> bool:
        wanted = (
            (self.corp_code, filing.corp_code),
            (self.query.get("corp_cls", ""), filing.corp_cls),
            (self.query.get("pblntf_ty", ""), filing.kind),
        )
        return all(not want or want == has for want, has in wanted)


def _row(filing: Filing, is_amended: bool) -> dict[str, str]:
    return {
        "corp_code": filing.corp_code,
        "corp_name": filing.corp_name,
        "stock_code": filing.stock_code,
        "corp_cls": filing.corp_cls,
        "report_nm": filing.report_nm,
        "rcept_no": filing.rcept_no,
        "flr_nm": filing.flr_nm,
        "rcept_dt": filing.rcept_no[:8],
        "rm": filing.rm + ("정" if is_amended else ""),
    }


def _company_body(company: Company) -> dict[str, str]:
    number = int(company.corp_code)
    return {
        "corp_code": company.corp_code,
        "corp_name": f"{company.corp_name}(주)",
        "corp_name_eng": company.english_name,
        "stock_name": company.corp_name if company.stock_code else "",
        "stock_code": company.stock_code,
        "ceo_nm": "홍길동",
        "corp_cls": company.corp_cls,
        "jurir_no": f"110111{number % 10_000_000:07d}",
        "bizr_no": f"{1_000_000_000 + number * 37 % 8_000_000_000:010d}",
        "adres": "서울특별시 영등포구 여의나루로 76",
        "hm_url": f"www.example.com/{company.corp_code}",
        "ir_url": "",
        "phn_no": f"02-{number % 9000 + 1000}-{number // 7 % 9000 + 1000}",
        "fax_no": "",
        "induty_code": company.induty_code,
        "est_dt": f"{1960 + number % 60}{number % 12 + 1:02d}{number % 28 + 1:02d}",
        "acc_mt": "12",
    }


def _status(status: str, message: str = "", *, is_zip: bool = False) -> Answer:
    text = message or _MESSAGES[status]
    if is_zip:
        # Endpoints that send ZIP tell their errors as XML.
        xml = (
            f'<?xml version="1.0" encoding="UTF-8"?><result><status>{status}</status><message>{text}</message></result>'
        )
        return Answer(xml.encode(), content_type="application/xml;charset=UTF-8")
    return Answer({"status": status, "message": text})


def _day(text: str | None, default: date) -> date:
    if not text:
        return default
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=SEOUL).date()
    except ValueError as error:
        raise ValueError(_MESSAGES["100"]) from error


def _number(text: str | None, default: int, most: int) -> int:
    if not text:
        return default
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise ValueError(_MESSAGES["100"])
    return int(text)


def _three_months_before(day: date) -> date:
    """Three calendar months earlier, at the month's end where that day does not exist: 31 May gives 28 February."""
    year, month = (day.year, day.month - 3) if day.month > 3 else (day.year - 1, day.month + 9)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
