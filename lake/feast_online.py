"""Feast's SQLite store at our URL, with a refill that readers see whole or not at all.

What does not belong here: what is filled and read (`lake.online`).
"""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from feast.feature_view import FeatureView
from feast.infra.online_stores.sqlite import SqliteOnlineStore, SqliteOnlineStoreConfig
from feast.repo_config import RepoConfig
from pydantic import StrictStr, field_validator

from lake.feast_store import expanded, rooted


class LakeSqliteOnlineStoreConfig(SqliteOnlineStoreConfig):
    """SQLite at `sqlite:///file`; a relative file starts at the project's root."""

    type: StrictStr = "lake.feast_online.LakeSqliteOnlineStore"  # type: ignore[assignment]
    url: StrictStr

    @field_validator("*", mode="before")
    @classmethod
    def _from_settings(cls, value: Any) -> Any:
        return expanded(value)


class LakeSqliteOnlineStore(SqliteOnlineStore):
    """One row per security and feature; `forget` and the write after it are one transaction."""

    @staticmethod
    def _get_db_path(config: RepoConfig) -> str:
        return rooted(config, sqlite_file(config.online_store.url))

    def _get_conn(self, config: RepoConfig) -> sqlite3.Connection:
        Path(self._get_db_path(config)).parent.mkdir(parents=True, exist_ok=True)
        connection: sqlite3.Connection = super()._get_conn(config)
        return connection

    def forget(self, config: RepoConfig, view: FeatureView) -> None:
        """Delete the view's rows; other connections keep seeing them until the next write commits."""
        connection = self._get_conn(config)
        connection.execute(f'DELETE FROM "{config.project}_{view.name}"')

    def commit(self, config: RepoConfig) -> None:
        """Commit a `forget` that no write follows."""
        self._get_conn(config).commit()


def sqlite_file(url: str) -> str:
    """The file of `sqlite:///relative` or `sqlite:////absolute`."""
    return urlsplit(url).path.removeprefix("/")
