"""Dagster's event log in one SQLite file, written with one kept connection.

A run over five hundred sessions tells Dagster of every partition of every asset. Dagster's own SQLite log makes an engine, a
connection and a compiled statement anew for each event (7 ms; 24,000 events in a backfill); this one keeps them (1 ms). On a
server the log is PostgreSQL's; `dagster.yaml` decides.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as db
from dagster import DagsterEventType, EventLogEntry
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from sqlalchemy.engine import Connection, Engine

BATCH = "500"
PLANS = (DagsterEventType.ASSET_MATERIALIZATION_PLANNED, DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)


class KeptSqliteEventLog(ConsolidatedSqliteEventLogStorage):  # type: ignore[misc, unused-ignore]
    """The consolidated SQLite log over one engine; a batch of events is one transaction."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", BATCH)
        self._engine: Engine | None = None
        self._plans: list[EventLogEntry] = []
        self._open = threading.local()
        super().__init__(*args, **kwargs)

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event; a run's plans, one per partition and asset, wait for each other and go in together."""
        if event.dagster_event_type in PLANS and getattr(self._open, "connection", None) is None:
            self._plans.append(event)
            if len(self._plans) >= int(BATCH):
                self._store_plans()
            return
        super().store_event(event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events in one transaction: all of them or none."""
        with self._connect():
            for event in events:
                self.store_event(event)

    def _store_plans(self) -> None:
        plans, self._plans = self._plans, []
        if plans:
            self.store_event_batch(plans)

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        held: Connection | None = getattr(self._open, "connection", None)
        if held is not None:  # within a batch, or a reading inside a writing of this thread
            yield held
            return
        self._store_plans()  # whoever reads or writes next sees them
        with self._kept_engine().begin() as connection:
            self._open.connection = connection
            try:
                yield connection
            finally:
                self._open.connection = None

    def _kept_engine(self) -> Engine:
        if self._engine is None:
            self._engine = db.create_engine(self._conn_string, connect_args={"timeout": 60})
            db.event.listen(self._engine, "connect", _relaxed)
        return self._engine


def _relaxed(connection: object, record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # sqlite3's
    cursor.execute(
        "PRAGMA synchronous=NORMAL"
    )  # safe with the write-ahead log: a power cut loses the last events alone
    cursor.close()
