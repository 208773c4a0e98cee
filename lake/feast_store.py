"""Feast's view of a release: a data source that names a gold table, and an offline store that reads it at the release's
version.

The joins are Feast's own (`feast.infra.offline_stores.ibis`); ours is the reader alone. What does not belong here:
which views and services there are (`lake.feast_repo`, `feature_repo`), and the online store (`lake.online`).
"""

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import ibis
import pandas as pd
import pyarrow as pa
from feast.data_source import DataSource
from feast.feature_view import FeatureView
from feast.infra.offline_stores.ibis import (
    get_historical_features_ibis,
    pull_all_from_table_or_query_ibis,
    pull_latest_from_table_or_query_ibis,
)
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob
from feast.infra.registry.base_registry import BaseRegistry
from feast.protos.feast.core.DataSource_pb2 import DataSource as DataSourceProto
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.value_type import ValueType
from ibis.expr import datatypes as dt
from pydantic import SecretStr, StrictStr, field_validator

from lake.delta import DeltaLake
from lake.objects import open_store
from lake.releases import Release, Releases
from lake.settings import Settings, read_settings
from market import calendars, registry
from market.errors import Permanent
from market.table import Column

EVENT_AT = "event_at"
RELEASE_ID = "release_id"
_FEAST_TYPES = {
    "float64": ValueType.DOUBLE,
    "float32": ValueType.FLOAT,
    "int64": ValueType.INT64,
    "int32": ValueType.INT32,
    "bool": ValueType.BOOL,
}
_UNEXPANDED = "${MARKETLAKE_"


class ReleaseSource(DataSource):
    """A gold table as a Feast source: event time is the end of the session, created time is `known_at`."""

    def __init__(self, table: str, description: str = "", tags: dict[str, str] | None = None) -> None:
        self.table = table
        super().__init__(
            name=table.replace(".", "_"), timestamp_field=EVENT_AT, created_timestamp_column="known_at",
            description=description, tags=tags,
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReleaseSource) and bool(super().__eq__(other)) and self.table == other.table  # type: ignore[no-untyped-call]

    def __hash__(self) -> int:
        return hash((self.name, self.table))

    @staticmethod
    def from_proto(data_source: DataSourceProto) -> "ReleaseSource":
        """The source that `to_proto` wrote."""
        options = json.loads(data_source.custom_options.configuration)
        return ReleaseSource(options["table"], data_source.description, dict(data_source.tags))

    def _to_proto_impl(self) -> DataSourceProto:
        return DataSourceProto(
            name=self.name,
            type=DataSourceProto.CUSTOM_SOURCE,
            data_source_class_type=f"{ReleaseSource.__module__}.{ReleaseSource.__qualname__}",
            description=self.description,
            tags=self.tags,
            timestamp_field=self.timestamp_field,
            created_timestamp_column=self.created_timestamp_column,
            custom_options=DataSourceProto.CustomSourceOptions(
                configuration=json.dumps({"table": self.table}).encode()
            ),
        )

    def validate(self, config: RepoConfig) -> None:
        """Nothing to ask the lake: the contract is the schema.

        Raises
        ------
        KeyError
            There is no such contract.
        """
        registry.table(self.table)

    def get_table_column_names_and_types(self, config: RepoConfig) -> Iterable[tuple[str, str]]:
        """Names and contract types of what the reader delivers."""
        columns = [(column.name, column.type) for column in registry.table(self.table).public]
        return [*columns, (EVENT_AT, "timestamp"), (RELEASE_ID, "string")]

    @staticmethod
    def source_datatype_to_feast_value_type() -> Callable[[str], ValueType]:
        """From a contract's type to Feast's."""
        return lambda name: (
            ValueType.UNIX_TIMESTAMP if name == "timestamp" else _FEAST_TYPES.get(name, ValueType.STRING)
        )

    def get_table_query_string(self) -> str:
        """The table's name in SQL."""
        return self.table

    def source_type(self) -> DataSourceProto.SourceType.ValueType:
        """Feast's word for a source of ours."""
        return DataSourceProto.CUSTOM_SOURCE


class ReleaseOfflineStoreConfig(FeastConfigBaseModel):
    """Where the lake is, and which release to read; an empty `release` is the current one.

    A value that Feast could not expand, because nobody exported the variable, is taken from the settings' own sources.
    """

    type: StrictStr = "lake.feast_store.ReleaseOfflineStore"
    lake_url: StrictStr
    s3_endpoint_url: StrictStr = ""
    s3_access_key_id: StrictStr = ""
    s3_secret_access_key: StrictStr = ""
    s3_region: StrictStr = "us-east-1"
    release: StrictStr = ""

    @field_validator("*", mode="before")
    @classmethod
    def _from_settings(cls, value: Any) -> Any:
        return expanded(value)


class ReleaseOfflineStore(OfflineStore):
    """Point-in-time joins over the Delta versions of one release."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = True,
    ) -> RetrievalJob:
        """The newest row of each entity within the view's ttl that was known by the row's instant.

        `filter_by_created_timestamp` is on unless it is named: a revision must not reach an instant before it was
        known.
        """
        if not isinstance(entity_df, pd.DataFrame):
            raise Permanent("history", expected="entities as a data frame", found=type(entity_df).__name__)
        return get_historical_features_ibis(
            config, feature_views, feature_refs, entity_df, registry, project,
            data_source_reader=_reader(config), data_source_writer=_refuse_writing,
            full_feature_names=full_feature_names,
            filter_by_created_timestamp=filter_by_created_timestamp,
        )  # fmt: skip

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> RetrievalJob:
        """The newest row of each entity whose session ended within the dates."""
        return pull_latest_from_table_or_query_ibis(
            config, data_source, join_key_columns, feature_name_columns, timestamp_field, created_timestamp_column,
            start_date, end_date, data_source_reader=_reader(config), data_source_writer=_refuse_writing,
        )  # fmt: skip

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """Every row whose session ended within the dates."""
        return pull_all_from_table_or_query_ibis(
            config, data_source, join_key_columns, feature_name_columns, timestamp_field,
            data_source_reader=_reader(config), data_source_writer=_refuse_writing,
            created_timestamp_column=created_timestamp_column, start_date=start_date, end_date=end_date,
        )  # fmt: skip


def expanded(value: Any) -> Any:
    """The value; the setting's own where it is a `${MARKETLAKE_…}` that no environment variable replaced."""
    if not isinstance(value, str) or not value.startswith(_UNEXPANDED):
        return value
    setting = getattr(read_settings(), value.removeprefix(_UNEXPANDED).removesuffix("}").lower())
    return setting.get_secret_value() if hasattr(setting, "get_secret_value") else str(setting)


def rooted(config: RepoConfig, path: str) -> str:
    """A setting's path, absolute: relative ones start at the project's root, which holds the feature repository."""
    if "://" in path or Path(path).is_absolute() or config.repo_path is None:
        return path
    return str((Path(config.repo_path).resolve().parent / path).resolve())


def read_at(delta: DeltaLake, release: Release, name: str) -> ibis.Table:
    """A gold table's public columns at the release's version, with `event_at`, `release_id` and the session as text.

    Raises
    ------
    Permanent
        The release does not hold the table.
    """
    if name not in release.tables:
        held = ", ".join(sorted(release.tables))
        raise Permanent(f"release {release.release_id}", expected=f"a version of {name}", found=f"only {held}")
    table = delta.open(name, release.tables[name])
    stored = ibis.memtable(delta.dataset(name, opened=table))
    columns = [_column(stored, column) for column in registry.table(name).public]
    rows = stored.select(*columns)
    closes = ibis.memtable(_closes({partition["session_month"] for partition in table.partitions()}))
    joined = rows.inner_join(closes, ["exchange", "session_date"])
    return joined.mutate(
        session_date=joined["session_date"].cast("string"), **{RELEASE_ID: ibis.literal(release.release_id)}
    )


def _column(stored: ibis.Table, column: Column) -> ibis.Value:
    # an older release may not have a column that was added since: nothing was known of it
    if column.name in stored.columns:
        return stored[column.name]
    return ibis.null(getattr(dt, column.type) if column.is_real else dt.string).name(column.name)


def _closes(months: set[str]) -> pa.Table:
    """The end of every session of those months ('YYYY-MM'), both exchanges."""
    first = date.fromisoformat(f"{min(months, default='2000-01')}-01")
    last = date.fromisoformat(f"{max(months, default='2000-01')}-01") + timedelta(days=31)
    known = [(e, day) for e in calendars.EXCHANGES for day in calendars.sessions(e, first, min(last, calendars.LAST))]
    return pa.table({
        "exchange": pa.array([e for e, _ in known], pa.string()),
        "session_date": pa.array([day for _, day in known], pa.date32()),
        EVENT_AT: pa.array([calendars.close_at(e, day) for e, day in known], pa.timestamp("us", tz="UTC")),
    })  # fmt: skip


def _reader(config: RepoConfig) -> Callable[[DataSource, str], ibis.Table]:
    offline = cast(ReleaseOfflineStoreConfig, config.offline_store)
    settings = _settings(config, offline)

    def read(source: DataSource, repo_path: str) -> ibis.Table:
        return read_at(DeltaLake(settings), _release(settings, offline.release), cast(ReleaseSource, source).table)

    return read


def _settings(config: RepoConfig, offline: ReleaseOfflineStoreConfig) -> Settings:
    """The lake's address alone, as the configuration says; the environment is not asked again."""
    return Settings.model_construct(
        lake_url=rooted(config, offline.lake_url),
        s3_endpoint_url=offline.s3_endpoint_url,
        s3_access_key_id=SecretStr(offline.s3_access_key_id),
        s3_secret_access_key=SecretStr(offline.s3_secret_access_key),
        s3_region=offline.s3_region,
    )


def _release(settings: Settings, release_id: str) -> Release:
    releases = Releases(
        open_store(
            settings.lake_url,
            endpoint_url=settings.s3_endpoint_url,
            access_key_id=settings.s3_access_key_id.get_secret_value(),
            secret_access_key=settings.s3_secret_access_key.get_secret_value(),
            region=settings.s3_region,
        )
    )
    found = releases.get(release_id) if release_id else releases.current()
    if found is None:
        raise Permanent("features", expected="a published release", found="none", do="Run `marketlake day` first")
    return found


def _refuse_writing(table: Any, source: DataSource, repo_path: str, *_: Any) -> None:
    raise Permanent(source.name, expected="reading", found="a write through Feast", do="Gold is written by its build")
