"""The online store: the latest features of the release, filled after publication and read by key.

Every row carries the release and the session it comes from. A fill replaces all rows, so that after a rollback nothing
newer than the release is left. Reading needs no Feast: Feast's SDK reads the same rows through `lake.feast_online`. What
does not belong here: how a row is laid out (`lake.online_rows`), where it is kept (`lake.online_stores`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from loguru import logger

from lake.delta import DeltaLake
from lake.online_rows import NO_DAY, Floats, Rows, columns, pack, unpack
from lake.online_stores import OnlineRows, open_online
from lake.online_views import DAILY, ORIGIN, RELEASE_ID, feature_names, feature_tables, view_name
from lake.releases import Release, Releases
from lake.settings import ROOT, Settings
from market import calendars, registry
from market.errors import Permanent, Transient
from market.table import Table

FILLS = 5  # at most so many, where the pointer moves while the store is filled
FILL_ANSWER_S = 10.0
FRESH_DAYS = 7  # a security without a row that recent (delisted, not delivered) has no online features
_NO_FIELD = ("security_id", "session_month", "known_at")


def fill(settings: Settings, release: Release) -> int:
    """Put the latest features of the release into the online store, instead of everything that is there.

    Returns
    -------
    How many securities have online features now. Readers see the old rows or the new ones, never a mixture.

    Raises
    ------
    Permanent
        The release holds none of the tables that have features; one that it lacks is left out.
    Transient
        The online store does not answer; it holds what it held.
    """
    delta, kept = DeltaLake(settings), [table for table in feature_tables() if table.name in release.tables]
    if not kept:
        wanted, held = (", ".join(sorted(names)) for names in ((t.name for t in feature_tables()), release.tables))
        raise Permanent(f"release {release.release_id}", expected=f"a version of {wanted}", found=f"only {held}")
    made = {view_name(table): _rows(table, latest(delta, table, release)) for table in kept}
    store = _open(settings, FILL_ANSWER_S)
    try:
        store.replace({view: pack(rows) for view, rows in made.items()})
    finally:
        store.close()
    filled = max((len(rows) for rows in made.values()), default=0)
    logger.info("online store filled", release=release.release_id, securities=filled)
    return filled


def fill_current(settings: Settings, releases: Releases) -> tuple[Release, int]:
    """Fill the online store from the release that is current when the fill has ended; that release, and as `fill`.

    Of two processes that fill at once the one that ends last looks at the pointer after its own write, so that the store is
    left at the release that people see.

    Raises
    ------
    Permanent
        No release has been published.
    Transient
        The pointer moved during each of the fills.
    """
    for _ in range(FILLS):
        release = releases.current()
        if release is None:
            raise Permanent("online store", expected="a published release", found="none", do="Run `marketlake day`")
        filled = fill(settings, release)
        now = releases.current()
        if now is not None and now.release_id == release.release_id:
            return release, filled
        logger.warning("the release moved during the fill", filled=release.release_id)
    raise Transient(
        "online store", expected=f"one release to stay current during one of {FILLS} fills", found="none did"
    )


@dataclass(frozen=True)
class Vectors:
    """Online features by column.

    Parameters
    ----------
    names : (k,) features.
    values : (n, k) in double precision, NaN where not known.
    sessions : (n,) datetime64[D], NaT where the store has no row.
    known_at : (n,) datetime64[us], UTC.
    release_ids : (n,) None where the store has no row.
    """

    security_ids: tuple[str, ...]
    names: tuple[str, ...]
    values: Floats
    sessions: "np.ndarray[tuple[int], np.dtype[np.datetime64]]"
    known_at: "np.ndarray[tuple[int], np.dtype[np.datetime64]]"
    release_ids: tuple[str | None, ...]


class OnlineFeatures:
    """Reads online features by key: one question to the store, whatever the number of securities.

    One instance serves many threads. Construction connects to nothing.

    Parameters
    ----------
    table : gold table whose features are read.

    Raises
    ------
    Permanent
        The setting names no store that we know.
    """

    def __init__(self, settings: Settings, table: str = DAILY) -> None:
        self._store = _open(settings)
        self._view, self._names = view_name(registry.table(table)), feature_names(registry.table(table))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the answer's columns."""
        return self._names

    def read(self, security_ids: Sequence[str]) -> Vectors:
        """The vectors of the securities, in the order asked.

        Raises
        ------
        Transient
            The online store does not answer.
        """
        return vectors(self._store, self._view, self._names, security_ids)

    def get(self, security_ids: Sequence[str]) -> pa.Table:
        """One row per id, in the order asked: security_id, every feature, release_id, session_date.

        A security that has no online features has nulls in all columns but the first; a feature that is not known is
        null.

        Raises
        ------
        Transient
            The online store does not answer.
        """
        found = self.read(security_ids)
        made: dict[str, pa.Array] = {"security_id": pa.array(found.security_ids, pa.string())}
        for i, name in enumerate(found.names):
            made[name] = pa.array(found.values[:, i], pa.float64(), from_pandas=True)
        made["release_id"] = pa.array(found.release_ids, pa.string())
        made["session_date"] = pa.array(found.sessions, pa.date32())
        return pa.table(made)

    def close(self) -> None:
        """Let go of connections; a read afterwards opens them again."""
        self._store.close()


def vectors(store: OnlineRows, view: str, names: tuple[str, ...], security_ids: Sequence[str]) -> Vectors:
    """The named features of the view.

    Raises
    ------
    Transient
        The online store does not answer.
    """
    ids = tuple(security_ids)
    [(head, blobs)] = store.read((view,), ids)
    rows = unpack(head, blobs, ids)
    releases = tuple(rows.others.get(RELEASE_ID, [None] * len(ids)))
    days, instants = rows.sessions.astype("datetime64[D]"), rows.known_at.astype("datetime64[us]")
    return Vectors(ids, names, columns(rows, names), days, instants, releases)


def _open(settings: Settings, answer_s: float | None = None) -> OnlineRows:
    return open_online(settings.online_url, ROOT, **({} if answer_s is None else {"answer_s": answer_s}))


def _rows(table: Table, latest: pa.Table) -> Rows:
    """What the store keeps of the rows: the features, and the other fields of Feast's view."""
    names = feature_names(table)
    values = [latest[name].to_numpy().astype(np.float64) for name in names]
    days = latest["session_date"].cast(pa.int32()).to_numpy().astype(np.int64)
    texts = latest.set_column(
        latest.column_names.index("session_date"), "session_date", latest["session_date"].cast(pa.string())
    )
    fields = [c.name for c in table.public if c.name not in (*_NO_FIELD, *ORIGIN, *names)] + list(ORIGIN)
    return Rows(
        latest["security_id"].to_pylist(), names, np.column_stack(values), days, _micros(latest["event_at"]),
        _micros(latest["known_at"]), {name: texts[name].to_pylist() for name in fields},
    )  # fmt: skip


def _micros(instants: pa.ChunkedArray) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    filled = pc.fill_null(instants.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()), NO_DAY)
    return np.asarray(filled.to_numpy(), np.int64)


def latest(delta: DeltaLake, table: Table, release: Release) -> pa.Table:
    """The newest row of every security within a week of its exchange's newest session, with `event_at` and `release_id`."""
    recent = last_months(delta, table, release)
    per_exchange = recent.group_by("exchange").aggregate([("session_date", "max")])
    newest = dict(zip(per_exchange["exchange"].to_pylist(), per_exchange["session_date_max"].to_pylist(), strict=True))
    oldest = {exchange: day - timedelta(days=FRESH_DAYS) for exchange, day in newest.items()}
    ordered = recent.sort_by([("security_id", "ascending"), ("session_date", "ascending")])
    numbered = ordered.append_column("at", pa.array(range(ordered.num_rows), pa.int64()))
    last = ordered.take(numbered.group_by("security_id").aggregate([("at", "max")])["at_max"])
    limits = pa.array([oldest[exchange] for exchange in last["exchange"].to_pylist()], pa.date32())
    return _with_origin(last.filter(pc.greater_equal(last["session_date"], limits)), release)


def last_months(delta: DeltaLake, table: Table, release: Release, columns: Sequence[str] | None = None) -> pa.Table:
    """The table's columns, the public ones by default, in its newest two months; one that the release does not have yet is null."""
    version = release.tables[table.name]
    months = sorted({partition["session_month"] for partition in delta.open(table, version).partitions()})[-2:]
    names = list(columns or (column.name for column in table.public))
    return delta.read(table, version=version, where=ds.field("session_month").isin(months), columns=names)


def _with_origin(rows: pa.Table, release: Release) -> pa.Table:
    """The rows with the close of their session and the release they were read from."""
    keys = list(zip(rows["exchange"].to_pylist(), rows["session_date"].to_pylist(), strict=True))
    closes = {key: calendars.close_at(*key) for key in set(keys)}
    event_at = [closes[key] for key in keys]
    rows = rows.append_column("event_at", pa.array(event_at, pa.timestamp("us", tz="UTC")))
    return rows.append_column(RELEASE_ID, pa.array([release.release_id] * rows.num_rows, pa.string()))
