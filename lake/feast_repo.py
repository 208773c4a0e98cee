"""From contracts and settings to Feast's objects: the entity, a view per gold table with features, and a store to ask.

The registry of a store is a folder of its own that vanishes with it: everything in it follows from the code, so there
is nothing to keep, and nothing to be stale. `feast apply` in `feature_repo/` writes one for Feast's own tools. What
does not belong here: the named views and services (`feature_repo`).
"""

import tempfile
import weakref
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, RepoConfig, ValueType
from feast.types import Bool, Float32, Float64, Int32, Int64, PrimitiveFeastType, String

from lake.feast_store import RELEASE_ID, ReleaseSource
from lake.online_stores import SETTING, SQLITE
from lake.online_views import KEY, view_name
from lake.online_views import ORIGIN as ORIGIN
from lake.online_views import feature_names as feature_names
from lake.online_views import feature_tables as feature_tables
from lake.redis_client import is_redis
from lake.settings import Settings
from market import registry
from market.errors import Permanent
from market.table import Column

PROJECT = "marketlake"
TTL = timedelta(
    days=7
)  # a longer one makes point-in-time joins six times slower, and a week-old feature is stale anyway

_TYPES: dict[str, PrimitiveFeastType] = {
    "float64": Float64, "float32": Float32, "int64": Int64, "int32": Int32, "bool": Bool, "string": String,
}  # fmt: skip
_NOT_FEATURES = ("session_month", "known_at", *KEY)


@cache
def security() -> Entity:
    """Whom features are about."""
    return Entity(
        name="security", join_keys=["security_id"], value_type=ValueType.STRING,
        description="A listed security by our stable id, such as XKRX:005930.",
    )  # fmt: skip


@cache
def view_of(name: str) -> FeatureView:
    """The view of a gold table, named like it: fields, types, descriptions and units are its contract's.

    Raises
    ------
    KeyError
        There is no such contract.
    """
    table = registry.table(name)
    fields = [_field(column) for column in table.public if column.name not in _NOT_FEATURES]
    fields += [
        Field(name="session_date", dtype=String, description="session of the row, ISO date"),
        Field(name=RELEASE_ID, dtype=String, description="release the row was read from"),
    ]
    return FeatureView(
        name=view_name(table),
        entities=[security()],
        ttl=TTL,
        schema=[Field(name="security_id", dtype=String), *fields],
        source=ReleaseSource(table.name, table.doc),
        description=table.doc,
        tags={"table": table.name, "known_at": table.known_at},
        online=True,
    )


def views() -> tuple[FeatureView, ...]:
    """The views of all tables that have features."""
    return tuple(view_of(table.name) for table in feature_tables())


def repo_config(settings: Settings, registry_file: Path, release_id: str = "") -> RepoConfig:
    """Feast's configuration from ours, what `feature_store.yaml` says with every variable filled in.

    Parameters
    ----------
    release_id : the release to read; empty: the current one at every read.
    """
    lake_url = settings.lake_url if "://" in settings.lake_url else str(settings.path(settings.lake_url))
    return RepoConfig(
        project=PROJECT,
        provider="local",
        registry=str(registry_file),
        offline_store={
            "type": "lake.feast_store.ReleaseOfflineStore",
            "lake_url": lake_url,
            "s3_endpoint_url": settings.s3_endpoint_url,
            "s3_access_key_id": settings.s3_access_key_id.get_secret_value(),
            "s3_secret_access_key": settings.s3_secret_access_key.get_secret_value(),
            "s3_region": settings.s3_region,
            "release": release_id,
        },
        online_store=online_config(settings),
        entity_key_serialization_version=3,
    )


def online_config(settings: Settings) -> dict[str, Any]:
    """Feast's online store for the URL of the setting: ours, over the rows that serving reads.

    Raises
    ------
    Permanent
        The URL names no store that we know.
    """
    url = settings.online_url
    if url.startswith(SQLITE):
        url = f"{SQLITE}{settings.path(url.removeprefix(SQLITE))}"
    elif not is_redis(url):
        raise Permanent(SETTING, expected="sqlite:///file or redis://host:port", found=url.split("://")[0])
    return {"type": "lake.feast_online.LakeOnlineStore", "url": url}


def feature_store(settings: Settings, release_id: str = "", services: Sequence[FeatureService] = ()) -> FeatureStore:
    """A Feast store that knows all views and those services, over the release; nothing else is written."""
    folder = tempfile.TemporaryDirectory(prefix="marketlake-feast-")
    store = FeatureStore(config=repo_config(settings, Path(folder.name) / "registry.db", release_id))
    weakref.finalize(store, folder.cleanup)
    store.registry.apply_entity(security(), PROJECT, commit=False)
    for view in views():
        if view.batch_source is not None:
            store.registry.apply_data_source(view.batch_source, PROJECT, commit=False)
        store.registry.apply_feature_view(view, PROJECT, commit=False)
    for service in services:
        store.registry.apply_feature_service(service, PROJECT, commit=False)
    store.registry.commit()  # type: ignore[no-untyped-call]
    return store


def _field(column: Column) -> Field:
    tags = {"unit": column.unit} if column.unit else {}
    return Field(name=column.name, dtype=_TYPES[column.type], description=column.doc, tags=tags)
