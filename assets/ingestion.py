"""Ingesting one source: ask its client for sessions, keep what it answers.

What does not belong here: what an answer means (`lake.clients`), storing it (`lake.bronze`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import date

import pyarrow.compute as pc

from lake import us_symbols, windows
from lake.bronze import Taken
from lake.clients import client
from lake.delivery import ClientContext, Company, Delivery
from lake.lake import Lake
from market import registry
from market.sources import SOURCES

Progress = Callable[[Delivery], None]
_LISTED = ["ISU_SRT_CD", "session_date"]


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

    A headline has the name of its time. A session without a listing takes the one before, or else the first there is; who is
    missing in a listing and back under the same name in a later one is taken for listed meanwhile.
    """
    listing = registry.table("bronze.krx_listing")
    days = sorted(pc.unique(lake.delta.read(listing, columns=["session_date"])["session_date"]).to_pylist())
    if not days:
        return []
    asked = sorted(sessions)
    listed_on = [days[max(bisect_right(days, session) - 1, 0)] for session in asked]
    rows = lake.delta.read(
        listing, columns=[*_LISTED, "ISU_ABBRV", "fetched_at"], where=windows.between(listed_on[0], listed_on[-1])
    )
    named = rows.filter(pc.is_valid(rows["ISU_ABBRV"])).to_pandas().sort_values([*_LISTED, "fetched_at"])
    named = named.drop_duplicates(_LISTED, keep="last")
    is_new = (named[["ISU_SRT_CD", "ISU_ABBRV"]] != named[["ISU_SRT_CD", "ISU_ABBRV"]].shift()).any(axis=1)
    spells = named.groupby(is_new.cumsum())
    found = []
    for code, name, first, last in zip(
        spells["ISU_SRT_CD"].first(), spells["ISU_ABBRV"].first(), spells["session_date"].first(),
        spells["session_date"].last(), strict=True,
    ):  # fmt: skip
        begin, end = bisect_left(listed_on, first), bisect_right(listed_on, last)
        if begin < end:
            found.append(Company(code, name, asked[begin], asked[end - 1]))
    return found


def _told(lake: Lake) -> tuple[us_symbols.Told, ...]:
    """What SEC's lists told of each US symbol that bronze knows."""
    return us_symbols.told(lake.delta.read(registry.table("bronze.sec_tickers"), columns=list(us_symbols.TOLD)))
