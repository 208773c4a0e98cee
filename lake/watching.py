"""Finding out what is to be known about each source (`lake.watch`), from what the lake holds and the settings say."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake.bronze import INGESTED
from lake.bronze_rows import DRIFT, REQUESTS
from lake.clients import client, keys, names
from lake.delivery import ClientContext
from lake.delta import DeltaLake
from lake.pace import quota_day
from lake.watch import Drift, Watch, Watched
from lake.world import World, is_off
from market import calendars, registry
from market.datasets.ops.drift import FORMAT
from market.errors import Permanent
from market.sources import SOURCES

NEWS = "silver.news"


def watched(world: World, delta: DeltaLake, now: datetime) -> Watch:
    """Every source that has a client, from what the lake holds."""
    rows = {name: delta.read(registry.table(name)) for name in (DRIFT, INGESTED)}
    today = quota_day(now)
    asked = requests_of(delta, today)
    found = []
    for source in names():
        taken = _of(rows[INGESTED], source)["session_date"].to_pylist()
        found.append(_watched(world, delta, source, taken, _of(rows[DRIFT], source), _of(asked, source), today))
    return Watch(now.isoformat(), tuple(found))


def requests_of(delta: DeltaLake, day: date) -> pa.Table:
    """All requests that count for that day in Seoul."""
    columns = ["source", "attempts", "known_at", "outcome", "status", "request"]
    return delta.read(registry.table(REQUESTS), where=ds.field("quota_date") == day, columns=columns)


def n_calls(requests: pa.Table, source: str) -> int:
    """Calls that they took of the source, repeats included."""
    return int(pc.sum(_of(requests, source)["attempts"]).as_py() or 0)


def quota_of(world: World, source: str) -> int | None:
    """Calls a day that count against the source: the setting's, else the real host's; None: no limit, or no key to ask with."""
    setting: int | None = getattr(world.settings, SOURCES[source].setting("quota_per_day"))
    if setting is not None or source in world.simulated:
        return setting
    host = getattr(client(source), "host", None)
    try:
        limit: int | None = host(ClientContext(world.settings, world)).quota_per_day if host else None
    except Permanent:
        return None
    return limit


def drifts(rows: pa.Table, taken: Sequence[date], exchange: str) -> tuple[Drift, ...]:
    """What came otherwise than expected, each thing once, what is open first, then the newest.

    Parameters
    ----------
    rows : of ops.drift, of one source.
    taken : sessions that were taken whole.
    """
    seen: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows.to_pylist():
        seen.setdefault((row["table"], row["kind"], row["found"]), []).append(row)
    newest = max([*taken, *rows["session_date"].to_pylist()], default=date.min)
    found = []
    for (table, kind, what), told in seen.items():
        first, last = (f(row["session_date"] for row in told) for f in (min, max))
        is_open = last not in taken if kind == FORMAT else last >= newest
        n = len(calendars.sessions(exchange, first, newest))
        found.append(Drift(table, kind, told[-1]["expected"], what, f"{first}", f"{last}", n, is_open))
    return tuple(sorted(found, key=lambda one: (one.is_open, one.last_seen, one.table, one.found), reverse=True))


def _watched(
    world: World, delta: DeltaLake, source: str, taken: Sequence[date], drift: pa.Table, asked: pa.Table, today: date
) -> Watched:
    settings = world.settings
    rule, (needed, _) = SOURCES[source], keys()[source]
    missing = tuple(name for name in needed if not getattr(settings, name).get_secret_value())
    ends: date | None = getattr(settings, rule.setting("key_ends"), None)  # some sources have no key
    is_simulated = source in world.simulated
    return Watched(
        source, "off" if is_off(settings, source) else "simulated" if is_simulated else "live",
        drifts(drift, taken, rule.exchange), f"{max(taken)}" if taken else "", f"{today}",
        n_calls(asked, source), quota_of(world, source), _refusal(asked), bool(needed), missing,
        f"{ends or ''}", seen_after_s(delta, source, max(taken)) if taken and rule.by_company else None,
    )  # fmt: skip


def seen_after_s(delta: DeltaLake, source: str, last: date) -> float | None:
    """Median seconds from publication to first seen, of the headlines of the month's newest session; None where there are none.

    A changed headline is no part of it: it is dated by its fetch.

    Parameters
    ----------
    last : session whose month is read.
    """
    mine = (ds.field("session_month") == f"{last:%Y-%m}") & (ds.field("source") == source)
    names = ["session_date", "published_at", "first_seen_at", "known_at"]
    rows = delta.read(registry.table(NEWS), where=mine, columns=names)
    newest = rows.filter(pc.equal(rows["session_date"], pc.max(rows["session_date"])))
    first = newest.filter(pc.equal(newest["known_at"], newest["published_at"]))
    lags = pc.subtract(first["first_seen_at"], first["published_at"]).cast("int64").drop_null()
    return float(np.median(lags.to_numpy())) / 1e6 if len(lags) else None


def _refusal(asked: pa.Table) -> str:
    """The newest request where it ended for good."""
    newest = max(asked.to_pylist(), key=lambda row: row["known_at"], default=None)
    if newest is None or newest["outcome"] != "permanent":
        return ""
    return f"HTTP {newest['status']} to {newest['request'].partition('?')[0]}"


def _of(rows: pa.Table, source: str) -> pa.Table:
    return rows.filter(pc.equal(rows["source"], source))
