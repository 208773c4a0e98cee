"""Bronze: payloads kept, their rows appended once. The same answer twice adds nothing; a changed answer adds a version.

What does not belong here: what a source's answer means (`lake.clients`), and typing its values (silver).
"""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from loguru import logger

from lake.delivery import Delivery
from lake.delta import DeltaLake
from lake.host import refused_in
from lake.landing import Payload, land
from lake.objects import Store
from lake.pace import Requested, RequestLog, quota_day
from market import registry
from market.errors import MarketlakeError
from market.table import ARROW, Table, empty

REQUESTS, INGESTED = "ops.requests", "ops.ingested"
_BATCH_SESSIONS = 120
_BATCH_ROWS = 250_000
_LANDING_THREADS = 4
_ASKED = ("session_date", "request")
_IDENTITY = (*_ASKED, "payload_digest")
_FOLLOWED = pa.schema(
    [
        (name, ARROW[kind])
        for name, kind in zip((*_IDENTITY, "fetched_at"), ("date", "string", "string", "timestamp"), strict=True)
    ]
)

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
        try:
            for delivery in deliveries:
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
            if requests is not None:
                self._store_requests(requests.drain())

    def have(self, sources: Sequence[str], sessions: Iterable[date]) -> set[date]:
        """Of these sessions, those that were taken whole from each of the sources."""
        wanted = sorted(set(sessions))
        found = set(wanted)
        rows = self._delta.read(
            registry.table(INGESTED), where=_of_sessions(wanted), columns=["source", "session_date"]
        )
        for source in sources:
            ours = rows.filter(pc.equal(rows["source"], source))
            found &= set(pc.unique(ours.column("session_date")).to_pylist())
        return found

    def mark(self, source: str, sessions: Iterable[date]) -> None:
        """Note that everything the source has for these sessions is in bronze; once each."""
        fresh = sorted(set(sessions) - self.have([source], sessions))
        if not fresh:
            return
        now, table = datetime.now(UTC), registry.table(INGESTED)
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
            by_table[delivery.table].append(_with_identity(delivery, digest, path))
        payloads = {digest: len(d.payload) for d, (digest, _) in zip(deliveries, landed, strict=True)}
        taken = Taken(requests=len({d.request for d in deliveries}), payload_bytes=sum(payloads.values()))
        for name, parts in by_table.items():
            taken += self._append(registry.table(name), pa.concat_tables(parts))
        return taken

    def _append(self, table: Table, rows: pa.Table) -> Taken:
        fresh, followed = self._not_there_yet(table, rows) if rows.num_rows else (rows, empty(_FOLLOWED))
        repeated = rows.num_rows - fresh.num_rows
        if not fresh.num_rows:
            return Taken(repeated_rows=repeated)
        app_id = f"{table.name}:{_content_id(fresh, followed)}"
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
        present = self._delta.read(table, where=_of_sessions(sessions), columns=_FOLLOWED.names)
        if not present.num_rows:
            return rows, present
        newest = _newest(present)
        known = newest.select(list(_IDENTITY))
        numbered = rows.select(list(_IDENTITY)).append_column("at", pa.array(range(rows.num_rows), pa.int64()))
        fresh = numbered.join(known, keys=list(_IDENTITY), join_type="left anti")
        followed = newest.join(fresh.select(list(_ASKED)), keys=list(_ASKED), join_type="left semi")
        return rows.take(fresh.sort_by("at").column("at")), followed

    def _store_requests(self, ended: Sequence[Requested]) -> None:
        if not ended:
            return
        table = registry.table(REQUESTS)
        self._delta.append(table, _request_rows(ended), app_id=f"{REQUESTS}:{uuid.uuid4().hex}", app_version=1)


def _of_sessions(sessions: Sequence[date]) -> ds.Expression:
    # Typed arrays: an empty list would be of type null, which matches no column.
    months = pa.array(sorted({f"{day:%Y-%m}" for day in sessions}), pa.string())
    days = pa.array(sorted(set(sessions)), pa.date32())
    return ds.field("session_month").isin(months) & ds.field("session_date").isin(days)


def _with_identity(delivery: Delivery, digest: str, path: str) -> pa.Table:
    """The contract's rows: the source's columns and those that say which payload they came in."""
    n, rows = delivery.rows.num_rows, delivery.rows
    contract = registry.table(delivery.table)
    if "session_date" not in rows.column_names:
        rows = rows.append_column("session_date", pa.array([delivery.session_date] * n, pa.date32()))
    if "row_no" not in rows.column_names:
        rows = rows.append_column("row_no", pa.array(range(n), pa.int32()))
    constants = {
        "payload_digest": pa.scalar(digest, pa.string()),
        "request": pa.scalar(delivery.request, pa.string()),
        "landing_path": pa.scalar(path, pa.string()),
        "fetched_at": pa.scalar(delivery.fetched_at, pa.timestamp("us", tz="UTC")),
        "known_at": pa.scalar(delivery.fetched_at, pa.timestamp("us", tz="UTC")),
    }
    for name, value in constants.items():
        rows = rows.append_column(name, pa.repeat(value, n))
    return contract.conform(rows.append_column("session_month", pc.strftime(rows.column("session_date"), "%Y-%m")))


def _newest(present: pa.Table) -> pa.Table:
    """The payload that each request of each session brought last; of two at one instant, as silver orders them."""
    ordered = present.group_by(_FOLLOWED.names).aggregate([])
    ordered = ordered.sort_by([("fetched_at", "ascending"), ("payload_digest", "ascending")])
    last = ordered.group_by(list(_ASKED), use_threads=False).aggregate(
        [("payload_digest", "last"), ("fetched_at", "last")]
    )
    return last.select([*_ASKED, "payload_digest_last", "fetched_at_last"]).rename_columns(_FOLLOWED.names)


def _content_id(fresh: pa.Table, followed: pa.Table) -> str:
    """The same for the same payloads and sessions after the same ones, whenever they came."""
    lines: list[str] = []
    for rows, columns in ((fresh, _IDENTITY), (followed, _FOLLOWED.names)):
        distinct = rows.select(list(columns)).group_by(list(columns)).aggregate([])
        lines += sorted("|".join(map(str, row.values())) for row in distinct.to_pylist())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def _request_rows(ended: Sequence[Requested]) -> pa.Table:
    table = registry.table(REQUESTS)
    records = [
        {
            "request_id": uuid.uuid4().hex,
            "source": r.source,
            "session_date": r.session_date,
            "session_month": f"{r.session_date:%Y-%m}",
            "request": r.request,
            "status": r.status,
            "outcome": r.outcome,
            "attempts": r.attempts,
            "size_bytes": r.size_bytes,
            "quota_date": quota_day(r.ended_at),
            "fetched_at": r.ended_at,
            "known_at": r.ended_at,
        }
        for r in ended
    ]
    return pa.Table.from_pylist(records, schema=table.schema)
