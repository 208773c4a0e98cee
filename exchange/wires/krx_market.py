"""KRX Data Marketplace (data.krx.co.kr) as its members see it: a login with a cookie, forms to getJsonData.cmd, the list of delistings, industries.

A body is JSON under `text/html`, as KRX sends it. The codes of a refused id and of a service that fails are made up: no real ones are known.
What does not belong here: the other services of the Marketplace, which no client asks.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any

from exchange.clock import Clock, krx_ready_at
from exchange.model import MISSING, Delisting, World
from exchange.wires.answer import Answer, Ask

_PAGES = ("/contents/MDC/COMS/client/MDCCOMS001.cmd", "/contents/MDC/COMS/client/view/login.jsp")
_LOGIN, _DATA = "/contents/MDC/COMS/client/MDCCOMS001D1.cmd", "/comm/bldAttendant/getJsonData.cmd"
_DELISTINGS = "dbms/MDC/STAT/issue/MDCSTAT23801"
_INDUSTRIES = "dbms/MDC/STAT/standard/MDCSTAT03901"
_MARKETS = {"STK": "KOSPI", "KSQ": "KOSDAQ"}
_COOKIE = "JSESSIONID"
_LASTS = timedelta(hours=1)
_LONGEST = timedelta(days=731)
_HTML = "text/html; charset=utf-8"
_ERROR_PAGE = "<!DOCTYPE html><html><head><title>에러페이지 - 한국거래소</title></head><body>서비스 이용에 불편을 드려 죄송합니다.</body></html>"


class KrxMarket:
    """The Marketplace's host; it remembers who is logged in, and since when by the exchange's clock."""

    methods = ("GET", "POST")

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._member = (keys["KRX_ID"], keys["KRX_PASSWORD"])
        self._open: dict[str, datetime | None] = {}
        """Sessions by cookie: since when logged in, None where only a page was asked for."""

    def answer(self, ask: Ask, world: World, clock: Clock) -> Answer:
        """A page that brings a cookie, a login, or the rows of a service to whom is logged in."""
        cookie = _cookie(ask)
        if ask.path in _PAGES:
            return self._page(cookie)
        if ask.path == _LOGIN and ask.method == "POST":
            return self._login(cookie, ask.query, clock)
        if ask.path != _DATA or ask.method != "POST":
            return Answer(_ERROR_PAGE.encode(), 404, _HTML)
        if not self._is_in(cookie, clock):
            return Answer(b"LOGOUT", 400, _HTML)
        if ask.headers.get("x-requested-with") != "XMLHttpRequest" or "referer" not in ask.headers:
            return Answer(_ERROR_PAGE.encode(), 200, _HTML)
        return _rows(ask.query, world, clock)

    def expired_key(self) -> Answer:
        """A password whose time is over."""
        return _told("CD010", "비밀번호를 변경하셔야 합니다.")

    def quota_spent(self) -> Answer:
        """It counts no calls; it blocks the address of whom it takes for a robot."""
        return Answer(_ERROR_PAGE.encode(), 200, _HTML)

    def error_body(self) -> Answer:
        """A service that fails with HTTP 200."""
        return _told("CD999", "처리 중 오류가 발생하였습니다.")

    def end_sessions(self) -> None:
        """Forget everybody, as the host does when it starts anew."""
        self._open.clear()

    def _page(self, cookie: str) -> Answer:
        page = Answer(
            "<!DOCTYPE html><html><head><title>로그인</title></head><body></body></html>".encode(), 200, _HTML
        )
        if cookie not in self._open:
            self._open[new := secrets.token_hex(16).upper()] = None
            page.headers["Set-Cookie"] = f"{_COOKIE}={new}; Path=/; HttpOnly"
        return page

    def _login(self, cookie: str, said: Mapping[str, str], clock: Clock) -> Answer:
        if cookie not in self._open or (said.get("mbrId"), said.get("pw")) != self._member:
            return _told("CD003", "아이디 또는 비밀번호가 일치하지 않습니다.")
        others = [other for other in self._open if other != cookie and self._is_in(other, clock)]
        if others and said.get("skipDup") != "Y":
            return _told("CD011", "이미 로그인 되어 있습니다.")
        for other in others:
            del self._open[other]
        self._open[cookie] = clock.now
        return _told("CD001", "정상")

    def _is_in(self, cookie: str, clock: Clock) -> bool:
        since = self._open.get(cookie)
        return since is not None and timedelta(0) <= clock.now - since < _LASTS


def _told(code: str, message: str) -> Answer:
    return Answer({"_error_code": code, "_error_message": message}, content_type=_HTML)


def _cookie(ask: Ask) -> str:
    jar: SimpleCookie = SimpleCookie(ask.headers.get("cookie", ""))
    return jar[_COOKIE].value if _COOKIE in jar else ""


def _rows(fields: Mapping[str, str], world: World, clock: Clock) -> Answer:
    """The rows of a service, as much as is out by now; an empty list of one that is not here."""
    shown, name = {"CURRENT_DATETIME": f"{clock.now:%Y.%m.%d %p %I:%M:%S}"}, "output"
    rows: list[dict[str, Any]] = []
    session = _day(fields.get("trdDd", "")) or _day(fields.get("endDd", ""))
    if fields.get("bld") == _DELISTINGS:
        rows = _delistings(fields, world, clock)
    elif fields.get("bld") == _INDUSTRIES:
        name, rows = "block1", _industries(fields, world, clock)
    return Answer({name: rows, **shown}, content_type=_HTML, rows=(name,), session=session)


def _delistings(fields: Mapping[str, str], world: World, clock: Clock) -> list[dict[str, Any]]:
    """Delistings of the range that are out by now; none of more than two years."""
    first, last = (_day(fields.get(name, "")) for name in ("strtDd", "endDd"))
    if first is None or last is None or last - first > _LONGEST:
        return []
    return [
        _row(row) for row in world.delistings or () if first <= row.day <= last and krx_ready_at(row.day) <= clock.now
    ]


def _industries(fields: Mapping[str, str], world: World, clock: Clock) -> list[dict[str, Any]]:
    """Every issue of the market on that day with its industry, preferred shares too; none before it is out."""
    day, market = _day(fields.get("trdDd", "")), _MARKETS.get(fields.get("mktId", ""))
    if day is None or market is None or krx_ready_at(day) > clock.now:
        return []
    daily, found = world.daily, list[dict[str, Any]]()
    for at in daily.rows_on(day, market).tolist():
        code, close, change = (
            daily.codes[daily.code[at]],
            *(int(daily.numbers[name][at]) for name in ("close", "change")),
        )
        told = [industry for since, industry in world.industries.get(code, ()) if since <= day]
        is_known = MISSING not in (close, change) and close > change
        found.append({
            "ISU_SRT_CD": code,
            "ISU_ABBRV": daily.names[daily.name[at]],
            "MKT_TP_NM": market,
            "IDX_IND_NM": told[-1] if told else "-",
            "TDD_CLSPRC": _won(close),
            "CMPPREVDD_PRC": _won(change),
            "FLUC_RT": f"{100 * change / (close - change) + 0.0:.2f}" if is_known else "-",
            "MKTCAP": _won(int(daily.numbers["market_cap"][at])),
        })  # fmt: skip
    return found


def _row(row: Delisting) -> dict[str, Any]:
    begin, end = row.liquidation or (None, None)
    return {
        "ISU_CD": row.code,
        "ISU_NM": row.name,
        "MKT_NM": row.market,
        "SECUGRP_NM": "주권",
        "KIND_STKCERT_TP_NM": row.share_kind,
        "LIST_DD": f"{row.list_date:%Y/%m/%d}",
        "DELIST_DD": f"{row.day:%Y/%m/%d}",
        "DELIST_RSN_DSC": row.reason,
        "ARRANTRD_MKTACT_ENFORCE_DD": f"{begin:%Y/%m/%d}" if begin else "",
        "ARRANTRD_END_DD": f"{end:%Y/%m/%d}" if end else "",
        "IDX_IND_NM": "-",
        "PARVAL": row.par_value,
        "LIST_SHRS": f"{row.shares:,}",
        "TO_ISU_SRT_CD": row.to[0],
        "TO_ISU_ABBRV": row.to[1],
    }


def _won(number: int) -> str:
    return "-" if number == MISSING else f"{number:,}"


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None
