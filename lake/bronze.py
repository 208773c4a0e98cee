"""Bronze: payloads kept, their rows appended once. The same answer twice adds nothing; a changed answer adds a version.

What does not belong here: what a source's answer means (`lake.clients`), and typing its values (silver).
"""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from loguru import logger

from lake.bronze_rows import (
    ASKED,
    DRIFT,
    FOLLOWED,
    IDENTITY,
    REQUESTS,
    content_id,
    drift_of,
    newest,
    of_sessions,
    request_rows,
    with_identity,
)
from lake.clock import system_clock
from lake.delivery import Delivery
from lake.delta import DeltaLake
from lake.host import refused_in
from lake.landing import Payload, land
from lake.objects import Store
from lake.pace import Requested, RequestLog
from market import registry
from market.digest import digest as digest_of
from market.errors import MarketlakeError
from market.table import Table, empty

INGESTED = "ops.ingested"
_BATCH_SESSIONS = 120
_BATCH_ROWS = 250_000
_LANDING_THREADS = 4
Progress = Callable[[Delivery], None]


@dataclass(frozen=True)
class Taken:
    """What one taking did.

    Parameters
    ----------
    new_rows, repeated_rows : rows appended, and rows whose payload was there already.
    requests : payloads that came; payload_bytes: their size.
    sessions : sessions that have new rows.
    """

    new_rows: int = 0
    repeated_rows: int = 0
    requests: int = 0
    payload_bytes: int = 0
    sessions: frozenset[date] = frozenset()

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.new_rows + other.new_rows,
            self.repeated_rows + other.repeated_rows,
            self.requests + other.requests,
            self.payload_bytes + other.payload_bytes,
            self.sessions | other.sessions,
        )


@dataclass
class _Batch:
    """Deliveries on their way to one commit per table; `whole` of them end at a session's end."""

    deliveries: list[Delivery] = field(default_factory=list)
    whole: int = 0

    def add(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if delivery.ends_unit:
            self.whole = len(self.deliveries)

    @property
    def is_full(self) -> bool:
        rows = sum(delivery.rows.num_rows for delivery in self.deliveries)
        sessions = {delivery.session_date for delivery in self.deliveries}
        return self.whole == len(self.deliveries) and (len(sessions) >= _BATCH_SESSIONS or rows >= _BATCH_ROWS)

    def take_whole(self) -> list[Delivery]:
        whole, self.deliveries, self.whole = self.deliveries[: self.whole], self.deliveries[self.whole :], 0
        return whole


class Bronze:
    """Takes deliveries into the landing zone and the bronze tables."""

    def __init__(self, delta: DeltaLake, store: Store) -> None:
        self._delta, self._store = delta, store

    def take(
        self, deliveries: Iterable[Delivery], *, requests: RequestLog | None = None, progress: Progress | None = None
    ) -> Taken:
        """Keep every payload and append the rows that are not there yet.

        A session's rows are committed together or, where it breaks off within the session, not at all; a session that the client
        ended is marked as ingested then, the others by whoever knows that all was asked (`mark`).

        Parameters
        ----------
        requests : stored to `ops.requests` at the end, also where it breaks off.
        progress : called for each delivery.

        Raises
        ------
        Permanent, Transient
            From the client; a delivery's problem, after its payload is kept and the sessions before it are committed.
        """
        batch, taken = _Batch(), Taken()
        drift: list[dict[str, Any]] = []
        try:
            for delivery in deliveries:
                drift += drift_of(delivery)
                if delivery.problem is not None:
                    raise self._kept(delivery, delivery.problem)
                batch.add(delivery)
                if progress:
                    progress(delivery)
                if batch.is_full:
                    taken += self._commit_whole(batch)
            taken += self._commit_whole(batch)
            return taken + self._commit(batch.deliveries)
        except MarketlakeError as error:
            self._commit_whole(batch)
            self._land_all(batch.deliveries)
            if (refused := refused_in(error)) is not None:
                self._kept(refused, error)
            raise
        finally:
            if isinstance(deliveries, Generator):
                deliveries.close()  # now, and not whenever the error that holds it is forgotten
            self._store_drift(drift)
            if requests is not None:
                self._store_requests(requests.drain())

    def have(self, sources: Sequence[str], sessions: Iterable[date]) -> set[date]:
        """Of these sessions, those that were taken whole from each of the sources."""
        wanted = sorted(set(sessions))
        found = set(wanted)
        rows = self._delta.read(registry.table(INGESTED), where=of_sessions(wanted), columns=["source", "session_date"])
        for source in sources:
            ours = rows.filter(pc.equal(rows["source"], source))
            found &= set(pc.unique(ours.column("session_date")).to_pylist())
        return found

    def mark(self, source: str, sessions: Iterable[date]) -> None:
        """Note that everything the source has for these sessions is in bronze; once each."""
        fresh = sorted(set(sessions) - self.have([source], sessions))
        if not fresh:
            return
        now, table = system_clock(), registry.table(INGESTED)
        records = [
            {"session_date": day, "session_month": f"{day:%Y-%m}", "source": source, "known_at": now} for day in fresh
        ]
        app_id = f"{INGESTED}:{source}:{hashlib.sha256(repr(fresh).encode()).hexdigest()[:16]}"
        self._delta.append(table, pa.Table.from_pylist(records, schema=table.schema), app_id=app_id, app_version=1)

    def request_log(self) -> RequestLog:
        """A log that starts from the calls already stored today."""
        return RequestLog(self.calls_made)

    def calls_made(self, source: str, day: date) -> int:
        """Calls of the source stored for that quota day."""
        mine = (ds.field("source") == source) & (ds.field("quota_date") == day)
        rows = self._delta.read(registry.table(REQUESTS), where=mine, columns=["attempts"])
        return int(pc.sum(rows.column("attempts")).as_py() or 0)

    def asked_last(self, month: str, sources: Iterable[str]) -> datetime | None:
        """When, by its source's clock, the newest request for a session of that month (`2024-05`) or later ended; None: none was made."""
        theirs = (ds.field("session_month") >= month) & ds.field("source").isin(sorted(sources))
        rows = self._delta.read(registry.table(REQUESTS), where=theirs, columns=["known_at"])
        return pc.max(rows.column("known_at")).as_py()  # type: ignore[no-any-return]  # pyarrow has no types

    def _kept(self, delivery: Payload, problem: MarketlakeError) -> MarketlakeError:
        _, path = land(self._store, delivery)
        problem.do = f"{problem.do}. The payload is kept at {path}" if problem.do else f"The payload is kept at {path}"
        return problem

    def _land_all(self, deliveries: Sequence[Delivery]) -> list[tuple[str, str]]:
        with ThreadPoolExecutor(_LANDING_THREADS) as pool:
            return list(pool.map(lambda delivery: land(self._store, delivery), deliveries))

    def _commit_whole(self, batch: _Batch) -> Taken:
        """Commit what ends at a session's end, and mark these sessions."""
        deliveries = batch.take_whole()
        taken = self._commit(deliveries)
        for source in sorted({delivery.source for delivery in deliveries}):
            self.mark(source, {delivery.session_date for delivery in deliveries if delivery.source == source})
        return taken

    def _commit(self, deliveries: Sequence[Delivery]) -> Taken:
        if not deliveries:
            return Taken()
        landed = self._land_all(deliveries)
        by_table: dict[str, list[pa.Table]] = defaultdict(list)
        for delivery, (digest, path) in zip(deliveries, landed, strict=True):
            by_table[delivery.table].append(with_identity(delivery, digest, path))
        payloads = {digest: len(d.payload) for d, (digest, _) in zip(deliveries, landed, strict=True)}
        taken = Taken(requests=len({d.request for d in deliveries}), payload_bytes=sum(payloads.values()))
        for name, parts in by_table.items():
            taken += self._append(registry.table(name), pa.concat_tables(parts))
        return taken

    def _append(self, table: Table, rows: pa.Table) -> Taken:
        fresh, followed = self._not_there_yet(table, rows) if rows.num_rows else (rows, empty(FOLLOWED))
        repeated = rows.num_rows - fresh.num_rows
        if not fresh.num_rows:
            return Taken(repeated_rows=repeated)
        app_id = f"{table.name}:{content_id(fresh, followed)}"
        version = self._delta.append(table, fresh, app_id=app_id, app_version=1)
        if version is None:
            return Taken(repeated_rows=rows.num_rows)
        sessions = frozenset(pc.unique(fresh.column("session_date")).to_pylist())
        logger.info("bronze appended", table=table.name, rows=fresh.num_rows, sessions=len(sessions), version=version)
        return Taken(fresh.num_rows, repeated, sessions=sessions)

    def _not_there_yet(self, table: Table, rows: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Rows whose payload is not the newest of their request and session, and the newest ones that they follow.

        A payload seen before counts as new when another came in between: the source went back to what it said first.
        """
        sessions = pc.unique(rows.column("session_date")).to_pylist()
        present = self._delta.read(table, where=of_sessions(sessions), columns=FOLLOWED.names)
        if not present.num_rows:
            return rows, present
        latest = newest(present)
        known = latest.select(list(IDENTITY))
        numbered = rows.select(list(IDENTITY)).append_column("at", pa.array(range(rows.num_rows), pa.int64()))
        fresh = numbered.join(known, keys=list(IDENTITY), join_type="left anti")
        followed = latest.join(fresh.select(list(ASKED)), keys=list(ASKED), join_type="left semi")
        return rows.take(fresh.sort_by("at").column("at")), followed

    def _store_drift(self, drift: Sequence[dict[str, Any]]) -> None:
        """Note what is new; each thing once a session, by the first request that showed it."""
        if not drift:
            return
        table = registry.table(DRIFT)
        months = pa.array(sorted({row["session_month"] for row in drift}), pa.string())
        there = self._delta.read(table, where=ds.field("session_month").isin(months), columns=table.key)
        known = {tuple(row.values()) for row in there.to_pylist()}
        fresh = {key: row for row in reversed(drift) if (key := tuple(row[name] for name in table.key)) not in known}
        if fresh:
            rows = pa.Table.from_pylist(list(fresh.values()), schema=table.schema)
            content = digest_of(rows, table.key, table.digested)
            self._delta.append(table, rows, app_id=f"{DRIFT}:{content}", app_version=1)

    def _store_requests(self, ended: Sequence[Requested]) -> None:
        if not ended:
            return
        table = registry.table(REQUESTS)
        self._delta.append(table, request_rows(ended), app_id=f"{REQUESTS}:{uuid.uuid4().hex}", app_version=1)
