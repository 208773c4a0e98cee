"""The figures of decisions in the synthetic world: what a bonus issue adds to how many shares, what a reduction of capital leaves.

What does not belong here: which receipts there are (exchange.synthetic.filings) and OpenDART's shapes (exchange.wires.dart_decisions).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from exchange.model import Decision, Filing
from exchange.synthetic.companies import Security
from exchange.synthetic.events import REDUCTION_HALT, Plan

_TITLES = {"bonus_issue": "무상증자결정", "capital_reduction": "감자결정"}


def decisions(
    kind: str, securities: Sequence[Security], sessions: Sequence[date], plan: Plan, shares: Callable[[int, int], int],
    receipts: Sequence[Filing],
) -> dict[str, list[Decision]]:  # fmt: skip
    """By corp code what each receipt of such a decision tells, oldest first; a correction tells the same again.

    Parameters
    ----------
    kind : `bonus_issue` or `capital_reduction`.
    shares : listed shares by session position and position of the security.
    """
    events = {securities[event.security].corp_code: event for event in plan.of(kind)}
    found: dict[str, list[Decision]] = {}
    for filing in receipts:
        event = events.get(filing.corp_code) if _TITLES[kind] in filing.report_nm else None
        if event is not None:
            last_of_old = event.at - REDUCTION_HALT - 1
            record = event.at + 1 if kind == "bonus_issue" else last_of_old
            days = [sessions[min(at, len(sessions) - 1)] for at in (event.announced, record, event.shares_at)]
            before = shares(min(event.at, event.shares_at - 1), event.security)
            found.setdefault(filing.corp_code, []).append(
                Decision(filing.rcept_no, filing.received_at, event.ratio, before, *days)
            )
    return found
