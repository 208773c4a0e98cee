"""What the sources call the sectors of the synthetic world: KRX's industries board by board and day by day, SEC's codes.

What does not belong here: which sector a company is in (`exchange.synthetic.companies`) and when it moves to another (`exchange.synthetic.events`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any

from exchange.synthetic.companies import Security
from exchange.synthetic.events import Plan

INDUSTRIES = {
    "semiconductor": ("전기전자", "반도체"),
    "internet": ("서비스업", "소프트웨어"),
    "auto": ("운수장비", "운송장비·부품"),
    "chemistry": ("화학", "화학"),
    "machinery": ("기계", "기계·장비"),
    "pharma": ("의약품", "제약"),
    "electronics": ("전기전자", "일반전기전자"),
    "energy": ("전기가스업", "전기·가스·수도"),
    "retail": ("유통업", "유통"),
    "steel": ("철강금속", "금속"),
    "battery": ("전기전자", "일반전기전자"),
    "finance": ("기타금융", "금융"),
    "telecom": ("통신업", "통신서비스"),
    "shipping": ("운수창고업", "운송"),
}
"""By our word, what KRX called it in 2024 on KOSPI and on KOSDAQ; KONEX it does not divide."""

_BOARDS = ("KOSPI", "KOSDAQ")

SIC = {
    "AAPL": ("3571", "Electronic Computers"),
    "MSFT": ("7372", "Services-Prepackaged Software"),
    "GOOGL": ("7370", "Services-Computer Programming, Data Processing, Etc."),
    "AMZN": ("5961", "Retail-Catalog & Mail-Order Houses"),
    "NVDA": ("3674", "Semiconductors & Related Devices"),
    "TSLA": ("3711", "Motor Vehicles & Passenger Car Bodies"),
    "META": ("7370", "Services-Computer Programming, Data Processing, Etc."),
    "AVGO": ("3674", "Semiconductors & Related Devices"),
    "JPM": ("6021", "National Commercial Banks"),
    "V": ("7389", "Services-Business Services, NEC"),
    "JNJ": ("2834", "Pharmaceutical Preparations"),
    "WMT": ("5331", "Retail-Variety Stores"),
    "PG": ("2840", "Soap, Detergents, Cleaning Preparations, Perfumes, Cosmetics"),
    "UNH": ("6324", "Hospital & Medical Service Plans"),
    "HD": ("5211", "Retail-Lumber & Other Building Materials Dealers"),
    "MA": ("7389", "Services-Business Services, NEC"),
    "XOM": ("2911", "Petroleum Refining"),
    "CVX": ("2911", "Petroleum Refining"),
    "KO": ("2080", "Beverages"),
    "PEP": ("2080", "Beverages"),
    "COST": ("5331", "Retail-Variety Stores"),
    "ORCL": ("7372", "Services-Prepackaged Software"),
    "AMD": ("3674", "Semiconductors & Related Devices"),
    "NFLX": ("7841", "Services-Video Tape Rental"),
    "INTC": ("3674", "Semiconductors & Related Devices"),
    "CSCO": ("3576", "Computer Communications Equipment"),
    "DIS": ("7990", "Services-Miscellaneous Amusement & Recreation"),
    "BA": ("3721", "Aircraft"),
    "CAT": ("3531", "Construction Machinery & Equip"),
    "QCOM": ("3663", "Radio & TV Broadcasting & Communications Equipment"),
}
"""By symbol, SEC's code of the industry and its words."""


def industries(
    securities: list[Security], sessions: tuple[date, ...], plan: Plan
) -> dict[str, tuple[tuple[date, str], ...]]:
    """By code, KRX's industry from which session on, on whatever board it is then; none of what is on KONEX alone."""
    return {
        security.code: told
        for s, security in enumerate(securities)
        if (told := tuple(_told(s, security, sessions, plan)))
    }


def truth(told: dict[str, tuple[tuple[date, str], ...]], first: date) -> list[dict[str, Any]]:
    """Every change to another industry after the session `first`, as JSON."""
    return [
        {"code": code, "date": day.isoformat(), "from": before, "to": industry}
        for code, rows in told.items()
        for (_, before), (day, industry) in pairwise(rows)
        if day > first
    ]


def _told(s: int, security: Security, sessions: tuple[date, ...], plan: Plan) -> Iterator[tuple[date, str]]:
    """The industry of the first session, and each that is another than before: the company changed its business or its board."""
    market, sector, before = security.market, security.sector, ""
    moves = [event for event in plan.of("transfer", "sector") if event.security == s]
    until = min(int(plan.listed_until[s]), len(sessions))
    for at, event in [(0, None), *((event.at, event) for event in moves if event.at < until)]:
        if event is not None:
            market, sector = (event.text, sector) if event.kind == "transfer" else (market, event.text)
        if market in _BOARDS and (now := INDUSTRIES[sector][_BOARDS.index(market)]) != before:
            yield sessions[max(at, 0)], now
            before = now
