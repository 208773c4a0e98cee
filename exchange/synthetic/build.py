"""Builds a synthetic world from its seed: the one place where the parts meet.

What does not belong here: any number that a part decides.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

import numpy as np

from exchange.clock import SEOUL, epoch
from exchange.model import News, World
from exchange.synthetic import (
    accounts,
    decisions,
    delisted,
    edgar,
    filings,
    funds,
    krx,
    news,
    patterns,
    sectors,
    truth,
    us,
    web,
)
from exchange.synthetic.companies import securities
from exchange.synthetic.events import make_plan
from exchange.synthetic.paths import simulate
from market import calendars

LAST_DAY = date(2024, 6, 28)
N_SYMBOLS, N_US_SYMBOLS, N_SESSIONS = 200, 30, 500
_END = time(
    13
)  # in Seoul, when every source owes the last session: EDGAR accepts its filings until noon there in winter
_STREAMS = ("plan", "paths", "us", "filings", "news", "edgar", "web", "accounts", "funds", "patterns")


@lru_cache(maxsize=4)
def build(seed: int, symbols: int = N_SYMBOLS, us_symbols: int = N_US_SYMBOLS, sessions: int = N_SESSIONS) -> World:
    """The world of a seed: ``symbols`` Korean and ``us_symbols`` US securities over the last ``sessions`` XKRX sessions.

    The full default market is always simulated and then cut, so a small world shows the very numbers of the large one. Of a larger one, the
    first securities beyond the default ones have a chart pattern each.
    """
    rngs = {name: np.random.default_rng([seed, i]) for i, name in enumerate(_STREAMS)}
    all_days = tuple(calendars.sessions("XKRX", date(2010, 1, 4), LAST_DAY))[-max(sessions, N_SESSIONS) :]
    first = len(all_days) - sessions
    market = securities(max(symbols, N_SYMBOLS))
    shapes = patterns.planted(len(market), N_SYMBOLS, len(all_days), rngs["patterns"])
    plan = make_plan(market, all_days, rngs["plan"], apart={shape.security for shape in shapes})
    panel = simulate(market, all_days, plan, rngs["paths"], shapes)
    daily = krx.daily_rows(market, all_days, plan, panel, (first, symbols))
    us_all = tuple(calendars.sessions("XNYS", all_days[0], LAST_DAY))
    us_days = tuple(day for day in us_all if day >= all_days[first])
    charts = us.charts(us_all, len(us_days), us_symbols, rngs["us"])
    registrants = edgar.registrants(us.known(), us_symbols, all_days[0], LAST_DAY, rngs["edgar"])
    begin = epoch(datetime.combine(all_days[first], time(0), SEOUL))
    served = {security.code for security in market[:symbols]}
    companies = filings.companies(market[:symbols])
    received = filings.filings(market, all_days, plan, rngs["filings"])
    receipts = [f for f in received if f.received_at >= begin]

    def shares(t: int, s: int) -> int:
        return int(panel.columns["listed_shares"][t, s])

    told = accounts.accounts(market, all_days, plan, shares, received, rngs["accounts"])
    bonus, reduced = (
        decisions.decisions(kind, market, all_days, plan, shares, received)
        for kind in ("bonus_issue", "capital_reduction")
    )
    items = news.headlines(market, all_days, plan, panel.signal, rngs["news"]).items
    shown, found = (
        News([item for item in part if item.published_at >= begin and item.code in served])
        for part in (items, web.pages(items, rngs["web"]).items)
    )
    indices = funds.index_bars(all_days, panel, first)
    listings = krx.listings(market, all_days, plan)
    krx_truth = truth.describe(market, all_days, plan, panel, (first, symbols))
    industries = sectors.industries(market[:symbols], all_days, plan)
    krx_truth["krx"]["patterns"] = patterns.describe(shapes, market, all_days, (first, symbols))
    krx_truth["krx"]["sectors"] = sectors.truth(industries, all_days[first])
    return World(
        name=f"synthetic:{seed}",
        price_basis="raw",
        end=datetime.combine(LAST_DAY + timedelta(days=1), _END, SEOUL),
        daily=daily,
        listings=listings,
        charts=charts,
        korean_splits=krx.splits(market, all_days, plan, first),
        us_sessions=us_days,
        companies=companies,
        filings=[f for f in receipts if f.corp_code in companies],
        statements={key: said for key, said in told.statements.items() if key[0] in companies},
        capital={key: said for key, said in told.capital.items() if key[0] in companies},
        bonus_issues={corp: said for corp, said in bonus.items() if corp in companies},
        capital_reductions={corp: said for corp, said in reduced.items() if corp in companies},
        news=shown,
        web=found,
        indices=indices,
        funds=funds.fund_bars(indices, rngs["funds"]),
        registrants=registrants,
        delistings=delisted.delistings(market, all_days, plan, listings, symbols),
        industries=industries,
        truth={
            "world": f"synthetic:{seed}",
            **krx_truth,
            "us": us.truth(charts),
            "sec": edgar.truth(registrants),
            "dart": {code: told.truth[code] for code in served if code in told.truth},
            "news": news.describe(shown, found),
        },
    )
