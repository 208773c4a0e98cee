"""The figures of decisions in the synthetic world: what a bonus issue adds to how many shares.

What does not belong here: which receipts there are (exchange.synthetic.filings) and OpenDART's shapes (exchange.wires.dart_decisions).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from exchange.model import BonusIssue, Filing
from exchange.synthetic.companies import Security
from exchange.synthetic.events import Plan

_TITLE = "무상증자결정"


def bonus_issues(
    securities: Sequence[Security], sessions: Sequence[date], plan: Plan, shares: Callable[[int, int], int],
    receipts: Sequence[Filing],
) -> dict[str, list[BonusIssue]]:  # fmt: skip
    """By corp code what each receipt of such a decision tells, oldest first; a correction tells the same again.

    Parameters
    ----------
    shares : listed shares by session position and position of the security.
    """
    events = {securities[event.security].corp_code: event for event in plan.of("bonus_issue")}
    found: dict[str, list[BonusIssue]] = {}
    for filing in receipts:
        event = events.get(filing.corp_code) if _TITLE in filing.report_nm else None
        if event is not None:
            days = [sessions[min(at, len(sessions) - 1)] for at in (event.announced, event.at + 1, event.shares_at)]
            before = shares(event.at, event.security)
            found.setdefault(filing.corp_code, []).append(
                BonusIssue(filing.rcept_no, filing.received_at, event.ratio, before, *days)
            )
    return found
