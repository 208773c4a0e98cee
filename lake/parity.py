"""The parity certificate: stored features against a build from every series' first row, and the online store against the release.

Batch, the resumed day and the online store run one definition; that their bits are equal is compared here, day by day. What does not
belong here: what becomes of a difference (`assets`).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake import online
from lake.delta import DeltaLake
from lake.online_views import feature_names, feature_tables
from lake.releases import Release
from lake.settings import Settings
from market import registry
from market.errors import Permanent
from market.table import Table, Window, empty

SAMPLE = 16
"""Securities of an exchange that a day compares; others with each session."""
TOGETHER = 200
"""Securities built from their first rows at once: a few hundred MB of a long history."""
SHOWN = 3

CERTIFICATES = "ops.parity"
EXPECTED = "equal bits from a build of whole histories"


@dataclass(frozen=True)
class Certificate:
    """What was compared of one session, and what differed.

    Parameters
    ----------
    session : newest session compared.
    different : how many values, and `found`, the first of them in words.
    """

    table: str
    version: int
    kind: Literal["batch", "online"]
    session: date
    is_sample: bool
    n_securities: int
    n_values: int
    n_different: int
    found: str
    release_id: str | None = None

    @property
    def passed(self) -> bool:
        """Whether all bits are equal."""
        return self.n_different == 0


def of_batch(
    delta: DeltaLake,
    table: Table,
    stored: pa.Table,
    now: datetime,
    release: Release | None = None,
    *,
    every: bool = False,
) -> Certificate:
    """Stored rows of each exchange's newest session against a build from the first rows.

    Parameters
    ----------
    stored : rows of the table; those of other sessions are left out.
    release : whose table versions the build reads; the newest by default.
    every : all securities rather than a sample.
    """  # fmt: skip
    versions: Mapping[str, int] = release.tables if release is not None else {}
    newest = dict(
        _pairs(stored.group_by("exchange").aggregate([("session_date", "max")]), "exchange", "session_date_max")
    )
    chosen: list[tuple[date, list[str]]] = []
    for exchange, day in sorted(newest.items()):
        here = stored.filter(pc.and_(pc.equal(stored["exchange"], exchange), pc.equal(stored["session_date"], day)))
        ids = here["security_id"].to_pylist()
        chosen.append((day, sorted(ids) if every else sampled(ids, day)))
    found = [
        _compared(_again(delta, table, day, some, now, versions), _rows_of(stored, day, some), table.digested)
        for day, ids in chosen
        for some in _parts(ids)
    ]
    version = versions.get(table.name)
    known = delta.open(table).version() if version is None else version
    return _certificate(table, known, "batch", max(newest.values(), default=now.date()), not every, found, release)


def of_online(settings: Settings, delta: DeltaLake, table: Table, release: Release) -> Certificate:
    """What the online store holds of the table against the release's newest rows, every security.

    Raises
    ------
    Transient
        The online store does not answer.
    """
    newest = online.latest(delta, table, release).sort_by("security_id")
    reader = online.OnlineFeatures(settings, table.name)
    try:
        held = reader.get(newest["security_id"].to_pylist())
    finally:
        reader.close()
    columns = ("session_date", "release_id", *feature_names(table))
    days = newest["session_date"].to_pylist()
    found = [_compared(held, newest, ("security_id", *columns))]
    return _certificate(table, release.tables[table.name], "online", max(days, default=date.min), False, found, release)


def of_release(
    settings: Settings, delta: DeltaLake, release: Release, now: datetime, *, every: bool
) -> list[Certificate]:
    """Every table with features of the release, both ways."""
    made = []
    for table in feature_tables():
        if table.name in release.tables:
            stored = online.last_months(delta, table, release, columns=[c.name for c in table.columns])
            made += [
                of_batch(delta, table, stored, now, release, every=every),
                of_online(settings, delta, table, release),
            ]
    return made


def sampled(ids: Sequence[str], session: date, n: int = SAMPLE) -> list[str]:
    """n of the securities, by a hash of security and session, sorted."""
    ranks = {one: hashlib.sha256(f"{session} {one}".encode()).digest() for one in ids}
    return sorted(sorted(ranks, key=ranks.__getitem__)[:n])


def to_rows(certificates: Sequence[Certificate], now: datetime) -> pa.Table:
    """Rows of ops.parity."""
    table = registry.table(CERTIFICATES)
    said = [
        {**vars(one), "session_date": one.session, "session_month": f"{one.session:%Y-%m}", "known_at": now}
        for one in certificates
    ]
    return table.conform(pa.Table.from_pylist(said)) if said else empty(table.schema)


def _again(
    delta: DeltaLake, table: Table, day: date, ids: Sequence[str], now: datetime, versions: Mapping[str, int]
) -> pa.Table:
    """Rows of the session, built from the first rows of the securities."""
    if table.build is None:
        raise Permanent(table.name, expected="a build function", found="none")
    upto = (ds.field("session_month") <= f"{day:%Y-%m}") & (ds.field("session_date") <= day)
    frames = {}
    of_these = upto & ds.field("security_id").isin(list(ids))
    joins = [read for read in table.reads if read.role == "join"]
    for read in table.reads:
        contract = registry.table(read.table)
        where = {"main": of_these, "join": of_these, "side": None}
        columns = read.taken(joins) or None if read.role != "join" else None
        frames[read.table] = (
            empty(contract.schema)
            if read.role == "state" or not delta.exists(read.table)
            else delta.read(contract, version=versions.get(read.table), where=where[read.role], columns=columns)
        )
    return table.build(joined(table, frames), Window(day, day, now))


def joined(table: Table, frames: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The frames of one call of a build: what is joined is columns of the main table's rows."""
    found = dict(frames)
    main = next((read.table for read in table.reads if read.role == "main"), "")
    for read in (one for one in table.reads if one.role == "join"):
        right = found.pop(read.table)
        columns = {name: right[source] for name, source in {**{key: key for key in read.on}, **read.joined}.items()}
        found[main] = found[main].join(pa.table(columns), list(read.on), join_type="left outer")
    return found


def _rows_of(stored: pa.Table, day: date, ids: Sequence[str]) -> pa.Table:
    chosen = pc.is_in(stored["security_id"], pa.array(list(ids), pa.string()))
    return stored.filter(pc.and_(pc.equal(stored["session_date"], day), chosen))


Differences = tuple[int, int, list[str]]
"""Securities compared, values compared, and each difference in words."""


def _compared(made: pa.Table, stored: pa.Table, columns: Sequence[str]) -> Differences:
    """Both have one row a security."""
    made, stored = made.sort_by("security_id"), stored.sort_by("security_id")
    ours, theirs = (rows["security_id"].to_pylist() for rows in (made, stored))
    if ours != theirs:
        odd = sorted(set(ours) ^ set(theirs))
        return len(theirs), len(columns) * len(theirs), [f"{one}: has a row in one of both alone" for one in odd]
    found = []
    for name in columns:
        was, again = stored[name], made[name].cast(stored.schema.field(name).type)
        for at in np.flatnonzero(~_equal(was, again)):
            found.append(f"{theirs[at]} {name}: {was[int(at)].as_py()!r}, again {again[int(at)].as_py()!r}")
    return len(theirs), len(columns) * len(theirs), found


def _equal(a: pa.ChunkedArray, b: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Row by row, whether the bits are equal; null and NaN are both "not known"."""
    if pa.types.is_floating(a.type):
        x, y = (np.ascontiguousarray(one.to_numpy()) for one in (a, b))
        bits = np.int32 if x.itemsize == 4 else np.int64
        return np.asarray((x.view(bits) == y.view(bits)) | (np.isnan(x) & np.isnan(y)))
    pairs = zip(a.to_pylist(), b.to_pylist(), strict=True)
    if pa.types.is_list(a.type):
        return np.array([np.array_equal(np.array(x), np.array(y), equal_nan=True) for x, y in pairs], dtype=bool)
    return np.array([x == y for x, y in pairs], dtype=bool)


def _certificate(
    table: Table, version: int, kind: Literal["batch", "online"], day: date, is_sample: bool,
    found: Sequence[Differences], release: Release | None,
) -> Certificate:  # fmt: skip
    words = [line for _, _, lines in found for line in lines]
    told = "; ".join(words[:SHOWN]) + (f"; and {len(words) - SHOWN} more" if len(words) > SHOWN else "")
    securities, values = sum(one[0] for one in found), sum(one[1] for one in found)
    found_words = told or f"{values} values of {securities} securities"
    named = release.release_id if release is not None else None
    return Certificate(table.name, version, kind, day, is_sample, securities, values, len(words), found_words, named)


def _pairs(rows: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[name].to_pylist() for name in names), strict=True)


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[at : at + TOGETHER] for at in range(0, len(ids), TOGETHER))
