"""Dagster's event log in PostgreSQL, with a backfill's plans written together over kept connections.

A run over five hundred sessions plans each partition of each asset: 12,000 events before the first step. Dagster's own log takes two
new connections and a commit or two for each (25 ms); here five hundred go in with one statement. What does not belong here:
SQLite's log (`jobs.event_log`).
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from threading import RLock
from typing import Any

import sqlalchemy as db
from dagster import DagsterEventType, EventLogEntry
from dagster._serdes import ConfigurableClassData
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.utils import pg_url_from_config
from sqlalchemy.engine import Connection

BATCH = 500
KEPT = 2  # connections


class BatchedPostgresEventLog(PostgresEventLogStorage):
    """PostgreSQL's log; plans wait for each other until five hundred have come, or somebody of this process reads or writes."""

    def __init__(self, postgres_url: str, **given: Any) -> None:
        self._plans: list[EventLogEntry] = []
        self._plans_lock = RLock()  # the same thread comes here again, for what storing a plan reads
        super().__init__(postgres_url, **given)
        self._engine = db.create_engine(
            postgres_url,
            isolation_level="AUTOCOMMIT",
            pool_size=KEPT,
            max_overflow=8,
            pool_pre_ping=True,
            pool_recycle=300,
        )

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "BatchedPostgresEventLog":
        """What `dagster.yaml` asks for."""
        return cls(pg_url_from_config(config_value), inst_data=inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event; a plan may wait."""
        if event.dagster_event_type is not DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
            super().store_event(event)
            return
        with self._plans_lock:
            self._plans.append(event)
            if len(self._plans) >= BATCH:
                self._store_plans()

    def _connect(self) -> AbstractContextManager[Connection]:
        self._store_plans()  # whoever reads or writes next sees them
        return super()._connect()

    def _store_plans(self) -> None:
        """Store those that wait; other threads wait until it is done. Where it fails all of them wait on."""
        with self._plans_lock:
            plans, self._plans = self._plans, []
            try:
                if plans:
                    self._insert(plans)
            except BaseException:
                self._plans = plans + self._plans
                raise

    def _insert(self, plans: list[EventLogEntry]) -> None:
        statement = self.prepare_insert_event_batch(plans)
        with super()._connect() as connection, _in_one(connection):
            rows = connection.execute(statement.returning(db.text("id"))).fetchall()
            # The table of assets knows the last event of each; any other would be replaced at once.
            last = {plan.dagster_event.asset_key: (plan, int(row[0])) for plan, row in zip(plans, rows, strict=True)
                    if plan.dagster_event is not None}  # fmt: skip
            for plan, event_id in last.values():
                self._store_asset_event(connection, plan, event_id)


def _in_one(connection: Connection) -> AbstractContextManager[Any]:
    """A transaction, on a connection that else commits each statement."""
    return connection.execution_options(isolation_level="READ COMMITTED").begin()
