"""Ingesting one source: ask its client for sessions, keep what it answers.

What does not belong here: what an answer means (`lake.clients`), storing it (`lake.bronze`).
"""

from collections.abc import Callable, Sequence
from datetime import date

import pyarrow.compute as pc

from lake import us_symbols
from lake.bronze import Taken
from lake.clients import client
from lake.delivery import ClientContext, Delivery
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
        companies=_companies(lake) if SOURCES[source].by_company else (),
        told=_told(lake) if SOURCES[source].by_symbol and lake.world.us.takes_list else (),
    )
    taken = lake.bronze.take(asked.deliveries(covered, context), requests=context.requests, progress=progress)
    lake.bronze.mark(source, covered)
    return taken


def _companies(lake: Lake) -> list[tuple[str, str]]:
    """Code and present name of every Korean security that bronze knows."""
    rows = lake.delta.read(registry.table("bronze.krx_listing"), columns=["ISU_SRT_CD", "ISU_ABBRV", "session_date"])
    newest = rows.sort_by([("session_date", "ascending")]).group_by("ISU_SRT_CD", use_threads=False)
    named = newest.aggregate([("ISU_ABBRV", "last")]).sort_by("ISU_SRT_CD")
    kept = named.filter(pc.is_valid(named["ISU_ABBRV_last"]))
    return list(zip(kept["ISU_SRT_CD"].to_pylist(), kept["ISU_ABBRV_last"].to_pylist(), strict=True))


def _told(lake: Lake) -> tuple[us_symbols.Told, ...]:
    """What SEC's lists told of each US symbol that bronze knows."""
    return us_symbols.told(lake.delta.read(registry.table("bronze.sec_tickers"), columns=list(us_symbols.TOLD)))
