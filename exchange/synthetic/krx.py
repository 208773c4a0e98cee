"""From simulated matrices to the long daily rows and issue-master entries that a world holds."""

from datetime import date, timedelta

import numpy as np

from exchange.isin import korean_isin
from exchange.model import MARKETS, Daily, Listing
from exchange.synthetic.companies import Security
from exchange.synthetic.events import SHARE_FOR_SHARE, Plan
from exchange.synthetic.paths import Panel

_SECTIONS = ("중견기업부", "우량기업부", "벤처기업부", "기술성장기업부")


def daily_rows(
    securities: list[Security], sessions: tuple[date, ...], plan: Plan, panel: Panel, cut: tuple[int, int]
) -> Daily:
    """Rows of session ``cut[0]`` on and the first ``cut[1]`` securities, sorted by session and listing order."""
    first, n_served = cut
    is_listed = panel.is_listed[first:, :n_served]
    t, s = np.nonzero(is_listed)
    names, name_at = _names(securities, plan, len(sessions))
    offsets = np.concatenate([[0], np.cumsum(is_listed.sum(axis=1))]).astype(np.int64)
    return Daily(
        sessions=sessions[first:],
        offsets=offsets,
        codes=tuple(security.code for security in securities[:n_served]),
        names=names,
        code=s.astype(np.int64),
        name=name_at[t + first, s],
        market=panel.market[t + first, s],
        numbers={name: column[t + first, s] for name, column in panel.columns.items()},
    )


def listings(securities: list[Security], sessions: tuple[date, ...], plan: Plan) -> dict[tuple[str, str], Listing]:
    """Issue-master entries by code and market; a transfer gives a second one with its own listing date."""
    found: dict[tuple[str, str], Listing] = {}
    listed = {e.security: sessions[e.at] for e in plan.of("listing")}
    for s, security in enumerate(securities):
        # Listing dates before the world are made up from the code, so that they do not depend on the seed.
        years_ago = timedelta(days=700 + (sum(map(ord, security.code)) * 97) % 9_000)
        since = listed.get(s, date(2022, 1, 3) - years_ago)
        found[security.code, security.market] = _listing(security, security.market, since)
    for event in plan.of("transfer"):
        security = securities[event.security]
        found[security.code, event.text] = _listing(security, event.text, sessions[event.at])
    for event in plan.of("administrative"):
        key = securities[event.security].code, securities[event.security].market
        spell = sessions[event.at], sessions[event.until - 1]
        found[key] = found[key]._replace(administrative=(*found[key].administrative, spell))
    return found


def splits(
    securities: list[Security], sessions: tuple[date, ...], plan: Plan, first: int
) -> dict[str, tuple[tuple[date, int, int], ...]]:
    """Splits, consolidations and reductions of capital of session ``first`` on by code: ex-day, new and old shares."""
    found: dict[str, tuple[tuple[date, int, int], ...]] = {}
    for event in plan.of(*SHARE_FOR_SHARE):
        if first <= event.at < len(sessions):
            new, old = (round(event.ratio), 1) if event.ratio >= 1 else (1, round(1 / event.ratio))
            code = securities[event.security].code
            found[code] = (*found.get(code, ()), (sessions[event.at], new, old))
    return found


def _listing(security: Security, market: str, since: date) -> Listing:
    section = (
        "" if market == "KOSPI" else "일반기업부" if market == "KONEX" else _SECTIONS[sum(map(ord, security.code)) % 4]
    )
    full_name = f"{security.name}{security.kind}" if market == "KOSPI" else f"(주){security.name}"
    par = "100" if security.code in ("005930", "005935") else "무액면" if security.code == "900110" else "500"
    return Listing(korean_isin(security.code), full_name, security.english, since, section, security.kind, par)


def _names(securities: list[Security], plan: Plan, n_sessions: int) -> tuple[tuple[str, ...], np.ndarray]:
    """All names ever used and, for each session and security, which one held."""
    names = [security.name for security in securities]
    name_at = np.tile(np.arange(len(securities)), (n_sessions, 1))
    for event in plan.of("rename"):
        names.append(event.text)
        name_at[event.at :, event.security] = len(names) - 1
    return tuple(names), name_at


def market_of(panel: Panel, t: int, s: int) -> str:
    """The market that a security is on at session position ``t``."""
    return MARKETS[int(panel.market[t, s])]
