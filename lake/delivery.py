"""What a client hands over: one payload as it came with the rows found in it; and what a client is given to work with.

What does not belong here: anything one source does differently (`lake.clients`), and storing (`lake.landing`, `lake.bronze`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NamedTuple

import httpx
import pyarrow as pa

from lake.clock import Clock
from lake.host import Answer, Host
from lake.http import Fetcher
from lake.pace import RequestLog
from lake.settings import Settings
from lake.us_symbols import Told
from lake.world import World
from market import registry
from market.errors import Permanent, Transient
from market.sources import SOURCES
from market.table import ARROW, Table

_UNKNOWN = b"unknown"
_MOST_UNKNOWN = 50


class SchemaDrift(Permanent):
    """A source sends other columns or types than the contract expects."""


@dataclass(frozen=True)
class Delivery:
    """One payload and its rows.

    Parameters
    ----------
    table : the bronze table of the rows.
    session_date : the session asked for; of a range, its last.
    suffix : a word for people in the payload's file name.
    rows : the source's own columns; `session_date` and `row_no` where they differ from row to row.
    problem : why this payload must stop the day. It is raised after the payload is kept.
    ends_unit : the rows of every session begun so far are complete with this one, so they may be committed.
    """

    table: str
    session_date: date
    payload: bytes
    suffix: str
    request: str
    fetched_at: datetime
    rows: pa.Table
    problem: Permanent | Transient | None = None
    ends_unit: bool = False

    @property
    def source(self) -> str:
        """The source that delivered it."""
        return registry.table(self.table).source

    @property
    def unknown(self) -> tuple[str, ...]:
        """Columns that came and that the contract does not know."""
        told = (self.rows.schema.metadata or {}).get(_UNKNOWN, b"")
        return tuple(told.decode().split("\n")) if told else ()


class Company(NamedTuple):
    """A security's short code and its name from one session to another."""

    code: str
    name: str
    first: date = date.min
    last: date = date.max


@dataclass(frozen=True)
class ClientContext:
    """What a client works with.

    Parameters
    ----------
    companies : needed by news searches.
    told : what SEC's lists in bronze told of each symbol, needed where the settings take its list.
    transport : a test's.
    """

    settings: Settings
    world: World
    requests: RequestLog = field(default_factory=RequestLog)
    companies: Sequence[Company] = ()
    told: Sequence[Told] = ()
    transport: httpx.BaseTransport | None = None

    def clock(self, source: str) -> Clock:
        """What time it is at the source."""
        return self.world.clock(source)

    def fetcher(self, host: Host) -> Fetcher:
        """Asks that host within the limits of the settings, or else its own; the exchange has none."""
        if host.source in self.world.simulated:
            host = replace(host, pace_per_s=None, quota_per_day=None)
        return Fetcher(host, self.settings, self.clock(host.source), self.requests, transport=self.transport)

    def base_url(self, source: str, live: str) -> str:
        """Where the source is: the exchange where its setting is empty, the real host for `live`, else as set."""
        value = str(getattr(self.settings, SOURCES[source].setting("base_url")))
        if not value:
            return f"{self.settings.exchange_url.rstrip('/')}/{SOURCES[source].prefix}"
        return live if value == "live" else value.rstrip("/")

    def key(self, name: str, key_from: str) -> str:
        """The value of a key setting.

        Raises
        ------
        Permanent
            It is empty, or holds characters that no key has.
        """
        value = str(getattr(self.settings, name).get_secret_value()).strip()
        if not value or not value.isascii() or not value.isprintable():
            variable, found = f"MARKETLAKE_{name.upper()}", "other characters" if value else "empty"
            raise Permanent(variable, expected="a key of plain ASCII", found=found, do=f"Set it; {key_from}")
        return value


def deliver(answer: Answer, table: str, session: date, suffix: str, rows: pa.Table, **more: Any) -> Delivery:
    """An answer as a delivery."""
    return Delivery(table, session, answer.payload, suffix, answer.request, answer.fetched_at, rows, **more)


def own_columns(table: Table) -> pa.Schema:
    """The source's own columns of a bronze contract, without those that identify the delivery."""
    between = [column.name for column in table.columns]
    names = between[between.index("session_month") + 1 : between.index("payload_digest")]
    return pa.schema([pa.field(name, ARROW[table.column(name).type]) for name in names])


def text_rows(records: object, schema: pa.Schema, where: str) -> pa.Table:
    """Records of a JSON list as text columns; a column that is not among them is noted, and no error.

    Raises
    ------
    SchemaDrift
        It is no list of objects; a column is gone or renamed; a value is not text.
    """
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise SchemaDrift(where, expected="a list of rows", found=type(records).__name__)
    names, new = schema.names, set[str]()
    for record in records:
        new |= record.keys() - set(names)
        if not record.keys() >= set(names):
            missing = sorted(set(names) - record.keys())
            raise SchemaDrift(
                where, expected=f"columns {', '.join(names)}",
                found=f"none of {', '.join(missing)}; unknown: {', '.join(sorted(new)) or 'none'}",
                do="The source changed its format: compare the kept payload with the contract",
            )  # fmt: skip
    rows = pa.table([_text([record[name] for record in records], name, where) for name in names], schema=schema)
    return noting(rows, new)


def noting(rows: pa.Table, unknown: Collection[str]) -> pa.Table:
    """The same rows, with the columns that came and that the contract does not know noted beside them; see `Delivery.unknown`."""
    told = "\n".join(name.replace("\n", " ") for name in sorted(unknown)[:_MOST_UNKNOWN])
    return rows.replace_schema_metadata({_UNKNOWN: told.encode()}) if told else rows


def said(body: Any) -> str:
    """What a body is, for messages: an object's keys, or the kind of anything else."""
    if not isinstance(body, dict):
        return type(body).__name__
    return ", ".join(body) or "an object without keys"


def not_there(source: str, session: date, now: datetime, what: str) -> Permanent | Transient:
    """The error of an empty answer on a covered session: blocked where it is past due, else not yet there."""
    rule = SOURCES[source]
    due_at = rule.due_at(session)
    where = f"{source} {session}"
    if now < due_at:
        do = f"Run it again after {due_at.isoformat()}"
        return Transient(where, expected=f"rows from {due_at.isoformat()} on", found=f"not yet: {what}", do=do)
    return Permanent(
        where, expected=f"rows, due since {due_at.isoformat()} ({rule.why})", found=f"blocked: {what}",
        do=f"{session} is a session of {rule.exchange}: look at the source, or correct market.calendars",
    )  # fmt: skip


def _text(values: list[Any], name: str, where: str) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        found = next(value for value in values if value is not None and not isinstance(value, str))
        raise SchemaDrift(
            where, expected=f"text in {name}", found=f"{type(found).__name__} {found!r}",
            do="The source changed a type: compare the kept payload with the contract",
        ) from error  # fmt: skip
