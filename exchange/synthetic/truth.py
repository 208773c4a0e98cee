"""The known truth of a synthetic world as plain JSON, for tests; no client may read it."""

from __future__ import annotations

from datetime import date
from typing import Any

from exchange.synthetic import signal
from exchange.synthetic.companies import Security
from exchange.synthetic.events import ACTIONS, Event, Plan
from exchange.synthetic.paths import Panel


def describe(
    securities: list[Security], sessions: tuple[date, ...], plan: Plan, panel: Panel, cut: tuple[int, int]
) -> dict[str, Any]:
    """Events of session ``cut[0]`` on and the first ``cut[1]`` securities by kind, and the planted signal."""
    teller = _Teller(securities, sessions, panel)
    kinds = {
        "splits": ("split", "consolidation"),
        "capital_reductions": ("capital_reduction",),
        "bonus_issues": ("bonus_issue",),
        "rights_issues": ("rights_issue",),
        "stock_dividends": ("stock_dividend",),
        "spin_offs": ("spin_off",),
        "dividends": ("cash_dividend",),
        "halts": ("halt",),
        "liquidations": ("liquidation",),
        "administrative": ("administrative",),
        "listings": ("listing",),
        "delistings": ("delisting",),
        "renames": ("rename",),
        "transfers": ("transfer",),
    }
    krx = {name: [teller.tell(e) for e in plan.of(*of) if _is_served(e, cut)] for name, of in kinds.items()}
    return {
        "sessions": [sessions[cut[0]].isoformat(), sessions[-1].isoformat()],
        "krx": krx,
        "signal": signal.describe(),
    }


def _is_served(event: Event, cut: tuple[int, int]) -> bool:
    return max(event.at, event.until - 1) >= cut[0] and event.security < cut[1]


class _Teller:
    """Turns positions into codes, dates and observed prices."""

    def __init__(self, securities: list[Security], sessions: tuple[date, ...], panel: Panel) -> None:
        self.securities, self.sessions, self.panel = securities, sessions, panel

    def tell(self, event: Event) -> dict[str, Any]:
        """One event as a flat object; fields that do not concern its kind are left out."""
        security = self.securities[event.security]
        told: dict[str, Any] = {"code": security.code, "kind": event.kind, "date": self._day(event.at)}
        told["announced"] = self._day(event.announced)
        if event.until:
            told["last_date"] = self._day(event.until - 1)
        if event.kind in ACTIONS:
            told |= {"ratio": event.ratio, "shares_listed": self._day(event.shares_at), **self._prices(event)}
        if event.kind == "rights_issue":
            told["discount"] = event.discount
        if event.kind == "cash_dividend":
            told["amount_krw"] = event.amount_krw
        if event.kind == "rename":
            told |= {"old_name": security.name, "new_name": event.text}
        if event.kind == "transfer":
            told |= {"from": security.market, "to": event.text}
        if event.kind in ("halt", "delisting", "administrative"):
            told["reason"] = event.text
        return told

    def _prices(self, event: Event) -> dict[str, Any]:
        columns, t, s = self.panel.columns, event.at, event.security
        previous = int(columns["close"][t - 1, s])
        base = int(columns["close"][t, s] - columns["change"][t, s])
        return {"previous_close": previous, "base_price": base, "factor": base / previous}

    def _day(self, position: int) -> str:
        return self.sessions[min(max(position, 0), len(self.sessions) - 1)].isoformat()
