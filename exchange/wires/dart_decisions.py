"""OpenDART's answers about decisions that its list names: bonus issues and reductions of capital.

What does not belong here: keys, statuses and the list of receipts (exchange.wires.dart).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from exchange.clock import Clock
from exchange.model import Company, Decision, World

_NONE = "-"


def bonus_issues(query: Mapping[str, str], world: World, clock: Clock) -> list[dict[str, str]] | None:
    """Decisions of a company received on these days (fricDecsn); None for a field with a bad value."""
    return _told(world.bonus_issues, _bonus, query, world, clock)


def reductions(query: Mapping[str, str], world: World, clock: Clock) -> list[dict[str, str]] | None:
    """Decisions to reduce the capital received on these days (crDecsn); None for a field with a bad value."""
    return _told(world.capital_reductions, _reduction, query, world, clock)


def _told(
    decisions: Mapping[str, Sequence[Decision]], tell: Callable[[Decision], dict[str, str]],
    query: Mapping[str, str], world: World, clock: Clock,
) -> list[dict[str, str]] | None:  # fmt: skip
    if not _is_asked_for(query):
        return None
    company = world.companies.get(query["corp_code"])
    told = decisions.get(query["corp_code"], ()) if company else ()
    known = [one for one in told if one.received_at <= clock.seconds]
    asked = [one for one in known if query["bgn_de"] <= one.rcept_no[:8] <= query["end_de"]]
    return [_about(one, company) | tell(one) for one in asked if company]


def _is_asked_for(query: Mapping[str, str]) -> bool:
    days = [query.get(name, "") for name in ("bgn_de", "end_de")]
    return len(query.get("corp_code", "")) == 8 and all(day.isdecimal() and len(day) == 8 for day in days)


def _about(told: Decision, company: Company) -> dict[str, str]:
    return {
        "rcept_no": told.rcept_no, "corp_cls": company.corp_cls, "corp_code": company.corp_code,
        "corp_name": company.corp_name,
    }  # fmt: skip


def _bonus(told: Decision) -> dict[str, str]:
    return {
        "nstk_ostk_cnt": f"{round(told.shares * told.ratio):,}", "nstk_estk_cnt": _NONE, "fv_ps": "500",
        "bfic_tisstk_ostk": f"{told.shares:,}", "bfic_tisstk_estk": _NONE, "nstk_asstd": _day(told.record_date),
        "nstk_ascnt_ps_ostk": f"{told.ratio:g}", "nstk_ascnt_ps_estk": _NONE,
        "nstk_dividrk": _day(told.record_date.replace(month=1, day=1)), "nstk_dlprd": _NONE, "nstk_lstprd": _day(told.listed),
        "bddd": _day(told.decided), "od_a_at_t": "3", "od_a_at_b": "0", "adt_a_atn": "참석",
    }  # fmt: skip


def _reduction(told: Decision) -> dict[str, str]:
    left = int(told.shares * told.ratio)
    return {
        "crstk_ostk_cnt": f"{told.shares - left:,}", "crstk_estk_cnt": _NONE, "fv_ps": "500",
        "bfcr_cpt": f"{told.shares * 500:,}", "atcr_cpt": f"{left * 500:,}", "bfcr_tisstk_ostk": f"{told.shares:,}",
        "atcr_tisstk_ostk": f"{left:,}", "bfcr_tisstk_estk": _NONE, "atcr_tisstk_estk": _NONE,
        "cr_rt_ostk": f"{100 * (1 - told.ratio):.2f}", "cr_rt_estk": _NONE, "cr_std": _day(told.record_date),
        "cr_mth": "기명식 보통주식 무상병합", "cr_rs": "결손금 보전을 통한 재무구조 개선", "crsc_gmtsck_prd": _NONE,
        "crsc_trnmsppd": _NONE, "crsc_osprpd": _NONE, "crsc_trspprpd": _NONE, "crsc_osprpd_bgd": _NONE,
        "crsc_osprpd_edd": _NONE, "crsc_trspprpd_bgd": _NONE, "crsc_trspprpd_edd": _NONE,
        "crsc_nstkdlprd": _NONE, "crsc_nstklstprd": _day(told.listed), "cdobprpd_bgd": _NONE, "cdobprpd_edd": _NONE,
        "ospr_nstkdl_pl": _NONE, "bddd": _day(told.decided), "od_a_at_t": "3", "od_a_at_b": "0", "adt_a_atn": "참석",
        "ftc_stt_atn": "미해당",
    }  # fmt: skip


def _day(day: date) -> str:
    return f"{day:%Y년 %m월 %d일}"
