"""Feast's SDK on our online store: the rows that serving reads, in SQLite or Redis, through Feast's own interface.

`store.get_online_features` and `store.write_to_online_store` work on it; the fill and serving go past Feast to the same
rows. What does not belong here: the layout (`lake.online_rows`), what is filled and read (`lake.online`).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from feast.entity import Entity
from feast.feature_view import FeatureView
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.type_map import feast_value_type_to_python_type, python_values_to_proto_values
from feast.types import Float64
from pydantic import StrictStr, field_validator

from lake.feast_store import expanded, rooted
from lake.online_rows import NO_DAY, Rows, pack, unpack
from lake.online_stores import SQLITE, OnlineRows, SqliteOnlineRows, open_online
from market.errors import Permanent

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = tuple[EntityKey, dict[str, Value], datetime, datetime | None]


class LakeOnlineStoreConfig(FeastConfigBaseModel):
    """`sqlite:///file`, relative to the project's root, or `redis://[:password@]host:port/db`."""

    type: StrictStr = "lake.feast_online.LakeOnlineStore"
    url: StrictStr

    @field_validator("*", mode="before")
    @classmethod
    def _from_settings(cls, value: Any) -> Any:
        return expanded(value)


class LakeOnlineStore(OnlineStore):
    """Reads and writes packed rows; features are in double precision, and NaN is Feast's null."""

    _versioned_read_supported = False  # asked for otherwise, by importing every store that Feast knows
    _rows: OnlineRows | None = None

    def rows(self, config: RepoConfig) -> OnlineRows:
        """The store itself."""
        if self._rows is None:
            url = config.online_store.url
            file = rooted(config, url.removeprefix(SQLITE)) if url.startswith(SQLITE) else ""
            self._rows = open_online(f"{SQLITE}{file}" if file else url, Path.cwd(), answer_s=5.0)
        return self._rows

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[Row], progress: Callable[[int], Any] | None
    ) -> None:
        """Put rows beside those that are there, instead of those of the same securities.

        Raises
        ------
        Permanent
            The view was filled with other features than it has now.
        """
        self.rows(config).write(table.name, pack(_columns(table, data)))
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[tuple[datetime | None, dict[str, Value] | None]]:
        """Event time and values of each entity; None and None where there is none."""
        ids = [key.entity_values[0].string_val for key in entity_keys]
        ((head, blobs),) = self.rows(config).read([table.name], ids)
        found = unpack(head, blobs, ids)
        asked = [f for f in table.features if requested_features is None or f.name in requested_features]
        by_name = {field.name: _protos(field, found) for field in asked}
        return [
            (EPOCH + timedelta(microseconds=int(at)), {name: values[i] for name, values in by_name.items()})
            if at != NO_DAY
            else (None, None)
            for i, at in enumerate(found.event_at)
        ]

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Make the file where there is one to be, and remove views that are gone."""
        rows = self.rows(config)
        if isinstance(rows, SqliteOnlineRows):
            rows.open()
        for table in tables_to_delete:
            rows.forget(table.name)

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Remove the views."""
        for table in tables:
            self.rows(config).forget(table.name)


def _columns(table: FeatureView, data: list[Row]) -> Rows:
    """What Feast wants written, by column."""
    floats = [field.name for field in table.features if field.dtype == Float64]
    others = [field.name for field in table.features if field.dtype != Float64]
    made = [[_plain(values.get(name)) for name in floats] for _, values, _, _ in data]
    return Rows(
        [key.entity_values[0].string_val for key, *_ in data],
        tuple(floats),
        np.array([[np.nan if value is None else value for value in row] for row in made], np.float64).reshape(
            len(data), len(floats)
        ),
        np.array([_session(values) for _, values, _, _ in data], np.int64),
        np.array([_micros(at) for *_, at, _ in data], np.int64),
        np.array([_micros(known or at) for *_, at, known in data], np.int64),
        {name: [_plain(values.get(name)) for _, values, _, _ in data] for name in others},
    )


def _protos(field: Any, found: Rows) -> list[Value]:
    if field.dtype == Float64:
        if field.name not in found.names:
            return [Value()] * len(found)
        column = found.values[:, found.names.index(field.name)].tolist()
        return [Value() if value != value else Value(double_val=value) for value in column]
    if field.name not in found.others:
        return [Value()] * len(found)
    made: list[Value] = python_values_to_proto_values(list(found.others[field.name]), field.dtype.to_value_type())
    return made


def _plain(value: Value | None) -> Any:
    return feast_value_type_to_python_type(value) if value is not None else None


def _session(values: dict[str, Value]) -> int:
    day = _plain(values.get("session_date"))
    if not isinstance(day, str):
        raise Permanent("online store", expected="a session_date as ISO text in every row", found=repr(day))
    return (date.fromisoformat(day) - EPOCH.date()).days


def _micros(at: datetime) -> int:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)
