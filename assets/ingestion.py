"""Ingesting one source: ask its client for sessions, keep what it answers.

What does not belong here: what an answer means (`lake.clients`), storing it (`lake.bronze`).
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date

from lake import us_symbols
from lake.bronze import Taken
from lake.clients import client
from lake.delivery import ClientContext, Company, Delivery
from lake.lake import Lake
from market import registry
from market.sources import SOURCES

Progress = Callable[[Delivery], None]


def ingest(lake: Lake, source: str, sessions: Sequence[date], progress: Progress | None = None) -> Taken:
    """Everything that the source tells of the sessions, in bronze; what was there already is not added again.

    Sessions that the world does not cover, or that the source does not owe yet, are left out.
    """
    covered = [day for day in sessions if lake.world.covers(source, day)]
    if not covered:
        return Taken()
    asked = client(source)
    context = ClientContext(
        settings=lake.settings,
        world=lake.world,
        requests=lake.bronze.request_log(),
        companies=companies(lake, covered) if SOURCES[source].by_company else (),
        told=_told(lake) if SOURCES[source].by_symbol and lake.world.us.takes_list else (),
    )
    taken = lake.bronze.take(asked.deliveries(covered, context), requests=context.requests, progress=progress)
    lake.bronze.mark(source, covered)
    return taken


def companies(lake: Lake, sessions: Sequence[date]) -> list[Company]:
    """Every Korean security listed on any of the sessions, by bronze, once for each name that it had.

    A headline has the name of its time. A session without a listing takes the one before, or else the first there is.
    """
    rows = lake.delta.read(registry.table("bronze.krx_listing"), columns=["session_date", "ISU_SRT_CD", "ISU_ABBRV"])
    listed: dict[date, dict[str, str]] = {}
    for day, code, name in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        if name is not None:
            listed.setdefault(day, {})[code] = name
    days = sorted(listed)
    spells: dict[str, list[Company]] = {}
    for session in sorted(sessions):
        there = listed[days[max(bisect_right(days, session) - 1, 0)]] if days else {}
        for code, name in there.items():
            told = spells.setdefault(code, [])
            if told and told[-1].name == name:
                told[-1] = told[-1]._replace(last=session)
            else:
                told.append(Company(code, name, session, session))
    return [spell for code in sorted(spells) for spell in spells[code]]


def _told(lake: Lake) -> tuple[us_symbols.Told, ...]:
    """What SEC's lists told of each US symbol that bronze knows."""
    return us_symbols.told(lake.delta.read(registry.table("bronze.sec_tickers"), columns=list(us_symbols.TOLD)))
