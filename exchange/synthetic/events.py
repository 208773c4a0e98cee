"""What happens to whom and when in the synthetic world: actions, halts, listings, delistings, renames, transfers, other sectors.

The first securities have a scripted fate counted back from the last session, so that even a small world holds one of each;
the others draw theirs from the seed. What does not belong here: the price that follows (exchange.synthetic.paths).
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from exchange.synthetic.companies import Security

SHARE_FOR_SHARE = ("split", "consolidation", "capital_reduction")
"""Actions that make so many new shares of each old one."""

REDUCTION_HALT = 10
"""Sessions without trading before the reduced shares are listed."""

BASE_BY_AUCTION = ("spin_off",)
"""Actions after which the opening auction sets the base price."""

ACTIONS = (*SHARE_FOR_SHARE, *BASE_BY_AUCTION, "bonus_issue", "rights_issue", "stock_dividend")
"""Actions that move the base price."""


@dataclass(frozen=True)
class Event:
    """One event of one security; ``at`` is the session from which it holds, all times are session positions.

    ``ratio`` is new shares per old share where each becomes so many (0.1 for ten into one; what a spin-off leaves), added shares
    per old share for bonus and rights issues and dividends in shares; ``discount`` how far the price of new shares, or the base after
    a spin-off, lies below the close before; ``amount_krw`` the dividend per share; ``shares_at`` when new shares are listed.
    The filings of an event ``apart`` are the last of their day and never corrected: they shift no draw of other filings.
    """

    kind: str
    security: int
    at: int
    announced: int
    until: int = 0
    ratio: float = 0.0
    discount: float = 0.0
    amount_krw: int = 0
    shares_at: int = 0
    text: str = ""
    apart: bool = False

    @property
    def multiple(self) -> float:
        """Shares after an action for each one before."""
        return self.ratio if self.kind in (*SHARE_FOR_SHARE, *BASE_BY_AUCTION) else 1 + self.ratio


@dataclass
class Plan:
    """All events and, derived from them, who is listed and who is halted: (n_sessions, n_securities) booleans."""

    n_sessions: int
    n_securities: int
    events: list[Event] = field(default_factory=list)
    listed_from: np.ndarray = field(init=False)
    listed_until: np.ndarray = field(init=False)
    is_halted: np.ndarray = field(init=False)
    is_liquidation: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.listed_from = np.zeros(self.n_securities, np.int64)
        self.listed_until = np.full(self.n_securities, self.n_sessions, np.int64)
        self.is_halted = np.zeros((self.n_sessions, self.n_securities), bool)
        self.is_liquidation = np.zeros((self.n_sessions, self.n_securities), bool)

    def on(self, kind: str, t: int) -> list[Event]:
        """Events of a kind that take effect at session ``t``."""
        return [e for e in self.events if e.at == t and e.kind == kind]

    def of(self, *kinds: str) -> list[Event]:
        """Events of some kinds, in time order."""
        return sorted((e for e in self.events if e.kind in kinds), key=lambda e: (e.at, e.security))

    def add(self, event: Event) -> None:
        """Take an event in, with what it does to listing and trading."""
        self.events.append(event)
        s = event.security
        if event.kind == "halt":
            self.is_halted[event.at : event.until, s] = True
        elif event.kind == "listing":
            self.listed_from[s] = event.at
        elif event.kind == "delisting":
            self.listed_until[s] = event.at
        elif event.kind == "liquidation":
            self.is_liquidation[event.at : event.until, s] = True


def make_plan(
    securities: list[Security], sessions: tuple[date, ...], rng: np.random.Generator, apart: Set[int] = frozenset()
) -> Plan:
    """The world's events: the scripted, the drawn of all but the securities ``apart``, and the dividends."""
    plan = Plan(len(sessions), len(securities))
    positions = {security.code: i for i, security in enumerate(securities)}
    end = len(sessions)
    scripted = _script(plan, positions, end)
    for i, security in enumerate(securities):
        draws = rng.random(8)
        if i not in scripted | apart and security.corp_code >= "02000000":
            _draw(plan, i, security, draws, end)
    _dividends(plan, securities, sessions, rng)
    return plan


def _script(plan: Plan, positions: dict[str, int], end: int) -> set[int]:
    """The fates that every world holds, counted back from its end."""
    at = positions.get
    if (s := at("035720")) is not None:
        _split(plan, s, end - 28, 5.0, 3)
    if (s := at("0037T0")) is not None:
        plan.add(Event("listing", s, end - 55, end - 75))
    if (s := at("210340")) is not None:
        _split(plan, s, end - 45, 2.0, 3, apart=True)  # a delisted name whose adjusted prices differ from its raw ones
        _delist_after_liquidation(plan, s, end - 14)
    if (s := at("118930")) is not None:
        _split(plan, s, end - 35, 0.1, 13)
    if (s := at("263180")) is not None:
        plan.add(Event("rename", s, end - 30, end - 52, text="라온에이아이"))
        plan.add(Event("sector", s, end - 18, end - 18, text="semiconductor"))  # by its chips; it makes no filing
    if (s := at("104520")) is not None:
        plan.add(Event("bonus_issue", s, end - 40, end - 56, ratio=1.0, shares_at=end - 24))
    if (s := at("155710")) is not None:
        plan.add(Event("rights_issue", s, end - 45, end - 75, ratio=0.25, discount=0.2, shares_at=end - 12))
    if (s := at("198470")) is not None:
        _spin_off(plan, s, end - 55, 0.7)  # of what is listed as 0037T0
        plan.add(Event("transfer", s, end - 33, end - 60, text="KOSPI"))
    if (s := at("227560")) is not None:
        plan.add(Event("halt", s, end - 58, end - 58, until=end - 38, text="횡령ㆍ배임 혐의 발생"))
        plan.add(Event("administrative", s, end - 57, end - 58, until=end - 22, text="횡령ㆍ배임 혐의 발생"))
        _reduce_capital(plan, s, end - 24, 0.2)
    if (s := at("094830")) is not None:
        _split(plan, s, end - 120, 50.0, 3)
        dividend = Event("stock_dividend", s, end - 62, end - 72, ratio=0.05, shares_at=end - 30, apart=True)
        plan.add(dividend)  # its year ends in March
    codes = ("035720", "0037T0", "210340", "118930", "263180", "104520", "155710", "198470", "227560", "094830")
    return {positions[code] for code in codes if code in positions}


def _draw(plan: Plan, s: int, security: Security, u: np.ndarray, end: int) -> None:
    """At most one fate for an invented company; ``u`` are its eight uniform draws."""
    when = 90 + int(u[1] * (end - 140))
    fate = u[0]
    if fate < 0.07:
        is_dear = security.level_krw > 10_000
        ratio = ((2.0, 5.0, 10.0) if is_dear else (0.1, 0.2, 0.05))[int(u[2] * 3)]
        _split(plan, s, when, ratio, 3 if is_dear else 14)
    elif fate < 0.12:
        ratio = (0.1, 0.5, 1.0, 2.0)[int(u[2] * 4)]
        plan.add(Event("bonus_issue", s, when, when - 16, ratio=ratio, shares_at=when + 15))
    elif fate < 0.17:
        added, discount = 0.1 + round(float(u[2]) * 0.4, 2), 0.15 + round(float(u[3]) * 0.15, 2)
        plan.add(Event("rights_issue", s, when, when - 30, ratio=added, discount=discount, shares_at=when + 33))
    elif fate < 0.22:
        _delist(plan, s, when, u[2])
    elif fate < 0.28:
        plan.add(Event("listing", s, when, when - 20))
    elif fate < 0.32:
        plan.add(Event("rename", s, when, when - 20, text=f"{security.name}홀딩스"))
    elif fate < 0.35 and security.market == "KOSDAQ":
        plan.add(Event("transfer", s, when, when - 40, text="KOSPI"))
    elif fate < 0.45:
        length = 1 + int(u[2] * 4) if u[3] < 0.75 else 15 + int(u[2] * 20)
        plan.add(Event("halt", s, when, when, until=when + length, text="중요내용 공시"))


def _split(plan: Plan, s: int, at: int, ratio: float, halt_sessions: int, *, apart: bool = False) -> None:
    kind = "split" if ratio > 1 else "consolidation"
    plan.add(Event("halt", s, at - halt_sessions, at - halt_sessions, until=at, text=kind, apart=apart))
    plan.add(Event(kind, s, at, at - halt_sessions - 25, ratio=ratio, shares_at=at, apart=apart))


def _reduce_capital(plan: Plan, s: int, at: int, ratio: float) -> None:
    """Shares are cancelled without payment, five into one; the company's losses are set off against its capital."""
    begin = at - REDUCTION_HALT
    plan.add(Event("halt", s, begin, begin, until=at, text="capital_reduction", apart=True))
    plan.add(Event("capital_reduction", s, at, begin - 23, ratio=ratio, shares_at=at, apart=True))


def _spin_off(plan: Plan, s: int, at: int, ratio: float) -> None:
    """Part of the company goes to a new one, and of each share so much; both are listed on the same session, at what their auctions make."""
    plan.add(Event("halt", s, at - 20, at - 20, until=at, text="spin_off", apart=True))
    plan.add(Event("spin_off", s, at, at - 45, ratio=ratio, discount=0.08, shares_at=at, apart=True))


def _delist_after_liquidation(plan: Plan, s: int, at: int) -> None:
    """Halt, seven sessions of liquidation trading without limits, then gone."""
    plan.add(Event("halt", s, at - 26, at - 26, until=at - 7, text="상장폐지 사유 발생"))
    plan.add(Event("liquidation", s, at - 7, at - 9, until=at))
    plan.add(Event("delisting", s, at, at - 9, text="감사의견 거절(감사범위 제한)"))


def _delist(plan: Plan, s: int, at: int, u: float) -> None:
    if u < 0.5:
        _delist_after_liquidation(plan, s, at)
        return
    reason = "피흡수합병" if u < 0.75 else "신청에 의한 상장폐지"
    plan.add(Event("halt", s, at - 8, at - 8, until=at, text=reason))
    plan.add(Event("delisting", s, at, at - 40, text=reason))


def _dividends(plan: Plan, securities: list[Security], sessions: tuple[date, ...], rng: np.random.Generator) -> None:
    """Cash dividends: ex on the session before the last one of the year, for some of every quarter."""
    quarter_ends = [
        t for t in range(1, len(sessions) - 1) if (sessions[t].month - 1) // 3 != (sessions[t + 1].month - 1) // 3
    ]
    quarter_ends.append(len(sessions) - 1)
    for s, security in enumerate(securities):
        pays, is_quarterly, rate = rng.random(3)
        known = security.code in ("005930", "005935", "000660", "005380")
        if pays > 0.6 and not known:
            continue
        amount = {"005930": 361, "005935": 361, "000660": 300}.get(security.code)
        for t in quarter_ends:
            year_end = sessions[t].month == 12
            if not year_end and not (known or is_quarterly < 0.15):
                continue
            each = amount or max(
                int(security.level_krw * (0.002 + 0.006 * rate) * (3 if year_end else 1)) // 10 * 10, 5
            )
            ex = t - 1
            if plan.listed_from[s] < ex - 30 and ex < plan.listed_until[s] - 1 and not plan.is_halted[ex, s]:
                plan.add(Event("cash_dividend", s, ex, max(ex - 10, 0), amount_krw=each))
