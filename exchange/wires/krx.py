"""KRX Open API (data-dbg.krx.co.kr): daily trades, issue base information, indices and ETFs, one service and day per answer.

Field names follow the published samples and clients' code; numbers are strings with commas, as KRX's own bodies have
them ("-" where unknown). What does not belong here: Data Marketplace's getJsonData.cmd.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np

from exchange.clock import Clock, krx_ready_at
from exchange.isin import korean_isin
from exchange.keys import KRX_SERVICES
from exchange.model import FUND_SERVICE, INDEX_SERVICES, MISSING, FundBar, IndexBar, World
from exchange.wires.answer import Answer, Ask

MARKET_OF = {"stk": "KOSPI", "ksq": "KOSDAQ", "knx": "KONEX"}
_PATH = re.compile(
    r"^/svc/(?:apis|sample/apis)/(sto/(?:stk|ksq|knx)_(?:bydd_trd|isu_base_info)|"
    rf"idx/(?:{'|'.join(INDEX_SERVICES)})|etp/{FUND_SERVICE})(?:\.json)?$"
)
_WIRE_NAMES = (
    ("TDD_CLSPRC", "close"),
    ("CMPPREVDD_PRC", "change"),
    ("FLUC_RT", ""),
    ("TDD_OPNPRC", "open"),
    ("TDD_HGPRC", "high"),
    ("TDD_LWPRC", "low"),
    ("ACC_TRDVOL", "volume"),
    ("ACC_TRDVAL", "value"),
    ("MKTCAP", "market_cap"),
    ("LIST_SHRS", "listed_shares"),
)


class Krx:
    """The Open API host.

    Parameters
    ----------
    keys : accepted keys; a key is also approved (or not) for each service.
    commas : whether numbers carry thousands commas; published samples do not, KRX's other bodies do.
    """

    def __init__(self, keys: Mapping[str, str], *, commas: bool = True) -> None:
        self._key = keys["KRX_API_KEY"]
        self._services = {s for s in keys.get(KRX_SERVICES, "").split(",") if s}
        self._number = "{:,}" if commas else "{}"

    def answer(self, ask: Ask, world: World, clock: Clock) -> Answer:
        """Rows of ``basDd``; an empty list for a day without a session or not yet published."""
        route = _PATH.match(ask.path)
        if route is None:
            return Answer({"respCode": "403", "respMsg": "Forbidden"}, status=403)
        service = route.group(1).partition("/")[2]
        if ask.headers.get("auth_key", ask.query.get("AUTH_KEY")) != self._key:
            return Answer({"respMsg": "Unauthorized Key", "respCode": "401"}, status=401)
        if self._services and service not in self._services:
            return Answer({"respMsg": "Unauthorized API Call", "respCode": "401"})
        day = _day(ask.query.get("basDd", ""))
        if day is None:
            return Answer({"respMsg": "Bad Request", "respCode": "400"}, status=400)
        known = clock.now >= krx_ready_at(day)
        rows = self._rows(service, world, day) if known else []
        return Answer({"OutBlock_1": rows}, rows=("OutBlock_1",), session=day)

    def _rows(self, service: str, world: World, day: date) -> list[dict[str, Any]]:
        if service in INDEX_SERVICES:
            return [self.index(bar, day) for bar in world.indices.get(day, ()) if bar.series == INDEX_SERVICES[service]]
        if service == FUND_SERVICE:
            return [self.fund(bar, day) for bar in world.funds.get(day, ())]
        prefix, _, kind = service.partition("_")
        return (self.trades if kind == "bydd_trd" else self.base_info)(world, day, MARKET_OF[prefix])

    def trades(self, world: World, day: date, market: str) -> list[dict[str, Any]]:
        """Rows of ``*_bydd_trd``."""
        daily, at = world.daily, world.daily.rows_on(day, market)
        if at.size == 0:
            return []
        texts = {wire: self._texts(daily.numbers[ours][at]) for wire, ours in _WIRE_NAMES if ours}
        texts["FLUC_RT"] = _rates(daily.numbers["change"][at], daily.numbers["close"][at])
        columns = [texts[wire] for wire, _ in _WIRE_NAMES]
        wire_names = [wire for wire, _ in _WIRE_NAMES]
        bas_dd, rows = f"{day:%Y%m%d}", []
        for code_at, name_at, *numbers in zip(daily.code[at].tolist(), daily.name[at].tolist(), *columns, strict=True):
            code = daily.codes[code_at]
            listing = world.listings.get((code, market))
            row: dict[str, Any] = {"BAS_DD": bas_dd, "ISU_CD": code, "ISU_NM": daily.names[name_at], "MKT_NM": market}
            row["SECT_TP_NM"] = (listing.section_on(day) if listing else "") or "-"
            row.update(zip(wire_names, numbers, strict=True))
            rows.append(row)
        return rows

    def base_info(self, world: World, day: date, market: str) -> list[dict[str, Any]]:
        """Rows of ``*_isu_base_info``: what was listed that day."""
        daily, at = world.daily, world.daily.rows_on(day, market)
        shares = self._texts(daily.numbers["listed_shares"][at])
        rows = []
        for code_at, name_at, count in zip(daily.code[at].tolist(), daily.name[at].tolist(), shares, strict=True):
            code, name = daily.codes[code_at], daily.names[name_at]
            listing = world.listings.get((code, market))
            rows.append(
                {
                    "ISU_CD": listing.isin if listing else korean_isin(code),
                    "ISU_SRT_CD": code,
                    "ISU_NM": (listing.full_name if listing else "") or name,
                    "ISU_ABBRV": name,
                    "ISU_ENG_NM": listing.english_name if listing else "",
                    "LIST_DD": f"{listing.list_date:%Y%m%d}" if listing else "",
                    "MKT_TP_NM": market,
                    "SECUGRP_NM": "주권",
                    "SECT_TP_NM": listing.section_on(day) if listing else "",
                    "KIND_STKCERT_TP_NM": listing.share_kind if listing else "보통주",
                    "PARVAL": listing.par_value if listing else "-",
                    "LIST_SHRS": count,
                }
            )
        return rows

    def index(self, bar: IndexBar, day: date) -> dict[str, Any]:
        """A row of ``*_dd_trd``: one index, levels with two decimals."""
        rate = None if bar.close is None or bar.change is None else 100.0 * bar.change / (bar.close - bar.change)
        return {
            "BAS_DD": f"{day:%Y%m%d}",
            "IDX_CLSS": bar.series,
            "IDX_NM": bar.name,
            "CLSPRC_IDX": self._level(bar.close),
            "CMPPREVDD_IDX": self._level(bar.change),
            "FLUC_RT": self._level(rate),
            "OPNPRC_IDX": self._level(bar.open),
            "HGPRC_IDX": self._level(bar.high),
            "LWPRC_IDX": self._level(bar.low),
            "ACC_TRDVOL": self._text(bar.volume),
            "ACC_TRDVAL": self._text(bar.value),
            "MKTCAP": self._text(bar.market_cap),
        }

    def fund(self, bar: FundBar, day: date) -> dict[str, Any]:
        """A row of ``etf_bydd_trd``: one fund with its net asset value and the index that it follows."""
        index_before = bar.index_close - bar.index_change
        return {
            "BAS_DD": f"{day:%Y%m%d}",
            "ISU_CD": bar.code,
            "ISU_NM": bar.name,
            "TDD_CLSPRC": self._text(bar.close),
            "CMPPREVDD_PRC": self._text(bar.change),
            "FLUC_RT": self._level(100.0 * bar.change / (bar.close - bar.change)),
            "NAV": self._level(bar.nav),
            "TDD_OPNPRC": self._text(bar.open),
            "TDD_HGPRC": self._text(bar.high),
            "TDD_LWPRC": self._text(bar.low),
            "ACC_TRDVOL": self._text(bar.volume),
            "ACC_TRDVAL": self._text(bar.value),
            "MKTCAP": self._text(bar.market_cap),
            "INVSTASST_NETASST_TOTAMT": self._text(bar.net_assets),
            "LIST_SHRS": self._text(bar.listed_shares),
            "IDX_IND_NM": bar.follows,
            "OBJ_STKPRC_IDX": self._level(bar.index_close),
            "CMPPREVDD_IDX": self._level(bar.index_change),
            "FLUC_RT_IDX": self._level(100.0 * bar.index_change / index_before),
        }

    def expired_key(self) -> Answer:
        """The Open API tells it in the body."""
        return Answer({"respMsg": "Unauthorized Key", "respCode": "401"})

    def quota_spent(self) -> Answer:
        """Calls of the day used up."""
        return Answer({"respMsg": "Too Many Requests", "respCode": "429"}, status=429)

    def error_body(self) -> Answer:
        """A server error that claims to be HTTP 200."""
        return Answer({"respMsg": "Internal Server Error", "respCode": "500"})

    def _text(self, number: int | None) -> str:
        return "-" if number is None else self._number.format(number)

    def _level(self, level: float | None) -> str:
        if level is None:
            return "-"
        text = f"{level:,.2f}" if "," in self._number else f"{level:.2f}"
        return "0.00" if text == "-0.00" else text

    def _texts(self, numbers: np.ndarray) -> list[str]:
        write = self._number.format
        return ["-" if number == MISSING else write(number) for number in numbers.tolist()]


def _rates(change: np.ndarray, close: np.ndarray) -> list[str]:
    """Per cent against the base price with two decimals; "-" where the change is unknown."""
    known = (change != MISSING) & (close != MISSING)
    base = np.where(known, close - change, 1).astype(float)
    rate = np.where(known & (base > 0), 100.0 * change / np.where(base > 0, base, 1.0), 0.0)
    rounded = np.round(rate, 2) + 0.0  # never "-0.00"
    return [f"{r:.2f}" if k else "-" for r, k in zip(rounded.tolist(), known.tolist(), strict=True)]


def _day(text: str) -> date | None:
    if not re.fullmatch(r"\d{8}", text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None
