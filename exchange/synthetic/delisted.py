"""The exchange's list of delistings, drawn from the world's events: reasons, liquidations, and the transfers that it shows among them.

What does not belong here: what happens to whom (`exchange.synthetic.events`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from exchange.model import Delisting, Listing
from exchange.synthetic.companies import Security
from exchange.synthetic.events import Event, Plan

COMMON = "보통주"
_BOARDS = {"KOSPI": "유가증권시장", "KOSDAQ": "코스닥시장"}


def delistings(
    securities: list[Security],
    sessions: tuple[date, ...],
    plan: Plan,
    listings: Mapping[tuple[str, str], Listing],
    n_served: int,
) -> list[Delisting]:
    """Rows of the first ``n_served`` securities in order of their day; a preferred share is left out, as the real list leaves out some."""
    rows = [*_deaths(securities, sessions, plan, listings), *_transfers(securities, sessions, plan, listings)]
    served = {security.code for security in securities[:n_served] if security.kind == COMMON}
    return sorted((row for row in rows if row.code in served), key=lambda row: (row.day, row.code))


def _deaths(
    securities: list[Security], sessions: tuple[date, ...], plan: Plan, listings: Mapping[tuple[str, str], Listing]
) -> Iterator[Delisting]:
    for event in plan.of("delisting"):
        security = securities[event.security]
        end = next((e for e in plan.of("liquidation") if e.security == event.security and e.until == event.at), None)
        liquidation = (sessions[end.at], sessions[end.until - 1]) if end else None
        yield _row(security, event, security.market, sessions, listings, liquidation)


def _transfers(
    securities: list[Security], sessions: tuple[date, ...], plan: Plan, listings: Mapping[tuple[str, str], Listing]
) -> Iterator[Delisting]:
    """A move to a higher board leaves the lower one: the list shows it like any other, and twice, as the real one has been seen to."""
    for event in plan.of("transfer"):
        security = securities[event.security]
        told = _row(security, event, security.market, sessions, listings, None)
        yield told._replace(reason=f"{_BOARDS[event.text]} 이전상장", to=(security.code, security.name))
        yield told._replace(reason="", to=(security.code, security.name))


def _row(
    security: Security, event: Event, market: str, sessions: tuple[date, ...], listings: Mapping[tuple[str, str], Listing],
    liquidation: tuple[date, date] | None,
) -> Delisting:  # fmt: skip
    listing = listings[security.code, market]
    return Delisting(
        security.code, security.name, market, security.kind, listing.list_date, sessions[event.at], event.text, liquidation,
        listing.par_value, security.shares,
    )  # fmt: skip
