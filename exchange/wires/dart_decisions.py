"""OpenDART's answers about decisions that its list names: bonus issues, and reductions of capital, of which no world has any.

What does not belong here: keys, statuses and the list of receipts (exchange.wires.dart).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from exchange.clock import Clock
from exchange.model import BonusIssue, Company, World

_NONE = "-"


def bonus_issues(query: Mapping[str, str], world: World, clock: Clock) -> list[dict[str, str]] | None:
    """Decisions of a company received on these days (fricDecsn); None for a field with a bad value."""
    if not _is_asked_for(query):
        return None
    company = world.companies.get(query["corp_code"])
    told = world.bonus_issues.get(query["corp_code"], ()) if company else ()
    known = [one for one in told if one.received_at <= clock.seconds]
    return [_row(one, company) for one in known if company and query["bgn_de"] <= one.rcept_no[:8] <= query["end_de"]]


def reductions(query: Mapping[str, str], _world: World, _clock: Clock) -> list[dict[str, str]] | None:
    """Decisions to reduce the capital (crDecsn): none."""
    return [] if _is_asked_for(query) else None


def _is_asked_for(query: Mapping[str, str]) -> bool:
    days = [query.get(name, "") for name in ("bgn_de", "end_de")]
    return len(query.get("corp_code", "")) == 8 and all(day.isdecimal() and len(day) == 8 for day in days)


def _row(told: BonusIssue, company: Company) -> dict[str, str]:
    return {
        "rcept_no": told.rcept_no, "corp_cls": company.corp_cls, "corp_code": company.corp_code, "corp_name": company.corp_name,
        "nstk_ostk_cnt": f"{round(told.shares * told.ratio):,}", "nstk_estk_cnt": _NONE, "fv_ps": "500",
        "bfic_tisstk_ostk": f"{told.shares:,}", "bfic_tisstk_estk": _NONE, "nstk_asstd": _day(told.record_date),
        "nstk_ascnt_ps_ostk": f"{told.ratio:g}", "nstk_ascnt_ps_estk": _NONE,
        "nstk_dividrk": _day(told.record_date.replace(month=1, day=1)), "nstk_dlprd": _NONE, "nstk_lstprd": _day(told.listed),
        "bddd": _day(told.decided), "od_a_at_t": "3", "od_a_at_b": "0", "adt_a_atn": "참석",
    }  # fmt: skip


def _day(day: date) -> str:
    return f"{day:%Y년 %m월 %d일}"
