"""The online store: the latest features of the release, filled after publication and read by key.

Every row carries the release and the session it comes from. A fill replaces all rows, so that after a rollback nothing
newer than the release is left. Feast takes seconds to import, so it is imported when first used and never by importing
this module.
"""

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from loguru import logger

from lake.delta import DeltaLake
from lake.releases import Release, Releases
from lake.settings import Settings
from market import calendars
from market.errors import Permanent, Transient
from market.table import Table

if TYPE_CHECKING:
    from feast import FeatureStore, FeatureView

FILLS = 5  # at most so many, where the pointer moves while the store is filled
FRESH_DAYS = 7  # a security without a row that recent (delisted, not delivered) has no online features


def fill(settings: Settings, release: Release) -> int:
    """Put the latest features of the release into the online store, instead of everything that is there.

    Returns
    -------
    How many securities have online features now. In SQLite readers see the old rows or the new ones, never a mixture.

    Raises
    ------
    Permanent
        The release does not hold a table that has features.
    """
    from lake import feast_repo

    store = feast_repo.feature_store(settings, release.release_id)
    delta = DeltaLake(settings)
    filled = 0
    for table, view in zip(feast_repo.feature_tables(), feast_repo.views(), strict=True):
        rows = _latest(delta, table, release)
        _replace(store, view, rows)
        filled = max(filled, rows.num_rows)
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


class OnlineFeatures:
    """Reads online features through Feast. Construction imports and warms Feast up, which takes seconds; a read,
    milliseconds.

    One instance serves many threads; reads take turns, since Feast's SQLite connection is one.
    """

    def __init__(self, settings: Settings) -> None:
        from lake import feast_repo

        self._store = feast_repo.feature_store(settings)
        views = feast_repo.views()
        by_view = zip(views, feast_repo.feature_tables(), strict=True)
        self._fields = [(view.name, name) for view, table in by_view for name in feast_repo.feature_names(table)]
        self._asked = [f"{view}:{name}" for view, name in self._fields]
        self._asked += [f"{views[0].name}:{name}" for name in feast_repo.ORIGIN]
        self._lock = threading.Lock()
        for view in views:
            _make_room(self._store, view)
        self.get(["XKRX:000000"])  # the first read takes up to 324 ms, the others one

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the answer's columns."""
        return tuple(name for _, name in self._fields)

    def get(self, security_ids: Sequence[str]) -> pa.Table:
        """One row per id, in the order asked: security_id, every feature, release_id, session_date.

        A security that has no online features has nulls in all columns but the first; a feature that is not known is
        null.

        Raises
        ------
        Transient
            The online store does not answer.
        """
        ids = list(security_ids)
        answer = self._ask(ids) if ids else {}
        columns: dict[str, pa.Array] = {"security_id": pa.array(ids, pa.string())}
        for name in self.names:
            columns[name] = pa.array(answer.get(name, []), pa.float64(), from_pandas=True)
        columns["release_id"] = pa.array(answer.get("release_id", []), pa.string())
        days = [date.fromisoformat(day) if day else None for day in answer.get("session_date", [])]
        columns["session_date"] = pa.array(days, pa.date32())
        return pa.table(columns)

    def _ask(self, ids: list[str]) -> Mapping[str, list[Any]]:
        rows = [{"security_id": security} for security in ids]
        try:
            with self._lock:
                return self._store.get_online_features(self._asked, rows).to_dict()
        except sqlite3.OperationalError as error:
            raise Transient("online features", expected="an answer of the online store", found=str(error)) from error


def _latest(delta: DeltaLake, table: Table, release: Release) -> pa.Table:
    """The newest row of every security within a week of its exchange's newest session."""
    recent = _last_months(delta, table, release)
    per_exchange = recent.group_by("exchange").aggregate([("session_date", "max")])
    newest = dict(zip(per_exchange["exchange"].to_pylist(), per_exchange["session_date_max"].to_pylist(), strict=True))
    oldest = {exchange: day - timedelta(days=FRESH_DAYS) for exchange, day in newest.items()}
    ordered = recent.sort_by([("security_id", "ascending"), ("session_date", "ascending")])
    numbered = ordered.append_column("at", pa.array(range(ordered.num_rows), pa.int64()))
    last = ordered.take(numbered.group_by("security_id").aggregate([("at", "max")])["at_max"])
    limits = pa.array([oldest[exchange] for exchange in last["exchange"].to_pylist()], pa.date32())
    return _with_origin(last.filter(pc.greater_equal(last["session_date"], limits)), release)


def _last_months(delta: DeltaLake, table: Table, release: Release) -> pa.Table:
    """The table's public columns in its newest two months; a column that the release does not have yet is null."""
    if table.name not in release.tables:
        held = ", ".join(sorted(release.tables))
        raise Permanent(f"release {release.release_id}", expected=f"a version of {table.name}", found=f"only {held}")
    stored = delta.open(table, release.tables[table.name])
    months = sorted({partition["session_month"] for partition in stored.partitions()})[-2:]
    dataset = stored.to_pyarrow_dataset()
    names = [column.name for column in table.public if column.name in dataset.schema.names]
    rows = dataset.to_table(columns=names, filter=ds.field("session_month").isin(months))
    for column in table.public:
        if column.name not in names:
            rows = rows.append_column(column.name, pa.nulls(rows.num_rows, column.arrow.type))
    return rows


def _with_origin(rows: pa.Table, release: Release) -> pa.Table:
    keys = list(zip(rows["exchange"].to_pylist(), rows["session_date"].to_pylist(), strict=True))
    closes = {key: calendars.close_at(*key) for key in set(keys)}
    event_at = [closes[key] for key in keys]
    text = rows["session_date"].cast(pa.string())
    rows = rows.set_column(rows.column_names.index("session_date"), "session_date", text)
    rows = rows.append_column("event_at", pa.array(event_at, pa.timestamp("us", tz="UTC")))
    return rows.append_column("release_id", pa.array([release.release_id] * rows.num_rows, pa.string()))


def _make_room(store: "FeatureStore", view: "FeatureView") -> None:
    """Feast's own way to have the view's table exist."""
    store.provider.online_store.update(store.config, [], [view], [], [], partial=True)


def _replace(store: "FeatureStore", view: "FeatureView", rows: pa.Table) -> None:
    from lake.feast_online import LakeSqliteOnlineStore

    online = store.provider.online_store
    _make_room(store, view)
    if isinstance(online, LakeSqliteOnlineStore):
        online.forget(store.config, view)
    else:  # Feast's Redis store skips older event times, so a rollback must delete first
        online.update(store.config, [view], [view], [], [], partial=True)
    if rows.num_rows:
        store.write_to_online_store(view.name, rows.to_pandas(timestamp_as_object=False))
    elif isinstance(online, LakeSqliteOnlineStore):
        online.commit(store.config)
