"""What a dataset is: its contract, and the schemas that derive from it.

One file per table under `market/datasets/<layer>/` holds one `TABLE`. Everything that knows columns (Arrow, Delta, Spark, the
Great Expectations suite, Feast fields, SQL views, Dagster metadata, the data dictionary) derives them from here.
What does not belong here: any table in particular, and anything that reads or writes one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import pyarrow as pa

Layer = Literal["bronze", "silver", "gold", "ops"]
LAYERS: tuple[Layer, ...] = ("bronze", "silver", "gold", "ops")

ARROW: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "float32": pa.float32(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "list<float64>": pa.list_(pa.float64()),
}
SPARK: Mapping[str, str] = {
    "string": "string",
    "int32": "int",
    "int64": "bigint",
    "float64": "double",
    "float32": "float",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "list<float64>": "array<double>",
}


@dataclass(frozen=True)
class Between:
    """The value lies within [low, high]; None leaves a side open."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class OneOf:
    """The value is one of these."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Matches:
    """The text matches this regular expression from its start."""

    pattern: str


@dataclass(frozen=True)
class IsSession:
    """The date is a session of the exchange named in another column."""

    exchange_column: str = "exchange"


Rule = Between | OneOf | Matches | IsSession


@dataclass(frozen=True)
class Column:
    """One column: its type, its unit, what it may hold, and what it means.

    Parameters
    ----------
    unit : required for every float; "1" for a pure number.
    volatile : differs between two runs that did the same work (fetched_at, run ids); left out of digests.
    internal : stored for machines (recursive state); left out of views, Feast fields and the data dictionary's overview.
    """

    name: str
    type: str
    doc: str
    unit: str = ""
    nullable: bool = False
    rules: tuple[Rule, ...] = ()
    volatile: bool = False
    internal: bool = False

    def __post_init__(self) -> None:
        if self.type not in ARROW:
            raise ValueError(f"column {self.name}: expected a type among {sorted(ARROW)}, was {self.type!r}")
        if self.is_real and not self.unit:
            raise ValueError(f"column {self.name}: a float needs a unit ('1' for a pure number), was none")

    @property
    def is_real(self) -> bool:
        """Whether it holds real numbers, in single or double precision."""
        return self.type in ("float32", "float64")

    @property
    def arrow(self) -> pa.Field:
        """The Arrow field, nullability included."""
        return pa.field(self.name, ARROW[self.type], self.nullable)


@dataclass(frozen=True)
class RowRule:
    """A relation between columns of one row: `left` op `right`, true also where either side is null."""

    left: str
    op: Literal["<=", ">=", "<", "=="]
    right: str
    doc: str


@dataclass(frozen=True)
class Read:
    """One table that a build reads, and how its rows reach the kernel.

    Parameters
    ----------
    role : `main` rows are spread over kernel calls, one main table a call; `join` columns are joined to the main rows on `on`
        (left join); `side` tables are small and reach every call; `state` is the table's own row before the window.
    spread : column of a main table whose rows a kernel call sees together: a session's cross-section, a security's series;
        empty: one call sees all.
    columns : those that a join adds; of a main or side table those that reach the kernel, all by default.
    known_as : name under which the `known_at` of a join reaches the kernel, beside the main row's own.
    history : sessions before the first one built that the kernel needs; None: everything before.
    versions : every bitemporal version of a silver table rather than what is true now.
    """

    table: str
    role: Literal["main", "join", "side", "state"] = "main"
    spread: str = ""
    on: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    known_as: str = ""
    history: int | None = 0
    versions: bool = False

    def taken(self, joins: Sequence["Read"] = ()) -> tuple[str, ...]:
        """What is read of a main or side table: the columns declared, and those by which rows are spread and joined; empty: all."""
        besides = (*filter(None, [self.spread]), *(key for one in joins for key in one.on))
        return tuple(dict.fromkeys((*self.columns, *besides))) if self.columns else ()

    @property
    def joined(self) -> Mapping[str, str]:
        """The columns that a join adds to the main rows: name there to name in the joined table."""
        return {name: name for name in self.columns} | ({self.known_as: "known_at"} if self.known_as else {})


@dataclass(frozen=True)
class Window:
    """The sessions that one build makes: first and last date, both included, and the instant of the work."""

    start: date
    end: date
    now: datetime

    def months(self) -> tuple[str, str]:
        """First and last partition month, as 'YYYY-MM'."""
        return f"{self.start:%Y-%m}", f"{self.end:%Y-%m}"


Frames = Mapping[str, pa.Table]
Build = Callable[[Frames, Window], pa.Table]
Resumes = Callable[[pa.Table, Mapping[str, int]], set[str]]


@dataclass(frozen=True)
class Table:
    """The contract of one dataset.

    Parameters
    ----------
    module : `__name__` of the file that holds it; the table's name is its path: `silver.prices`.
    known_at : in words, when a row could first have been known. Compulsory.
    restates : sessions before the window that a build writes again (a label becomes known sessions later).
    commits : how rows come into it: what is delivered or recorded is appended, what is built replaces its sessions.
    carries : a changed session changes the later ones, so a build goes on to the last.
    follows : a changed session changes the later ones as far as its main read looks back: a build goes on to those whose rows read what has changed.
    resumes : of a table that stores state: the series that can go on from these stored rows, given the number of context rows
        that each has in the main read.
    build : pure function from the tables read to this table's rows; None where a client, a model or an operation makes them.
    source : for bronze, the client that delivers it.
    row_rules : relations between columns of one row.
    may_be_empty : no rows are a possible answer, such as filings of one session.
    quarantine_limit : share of the judged rows above which a release is blocked.
    """

    module: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    known_at: str
    commits: Literal["append", "replace"]
    reads: tuple[Read, ...] = ()
    restates: int = 0
    carries: bool = False
    follows: bool = False
    resumes: Resumes | None = None
    build: Build | None = None
    source: str = ""
    row_rules: tuple[RowRule, ...] = ()
    partition: str = "session_month"
    quarantine_limit: float = 0.05
    may_be_empty: bool = False

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"{self.name}: expected distinct columns, was {doubled} twice")
        missing = [name for name in (*self.key, "known_at") if name not in names]
        if missing:
            raise ValueError(f"{self.name}: expected key columns and known_at among the columns, missing {missing}")
        if not self.known_at:
            raise ValueError(f"{self.name}: expected the rule of known_at in words, was nothing")

    @property
    def layer(self) -> str:
        """bronze, silver, gold or ops."""
        return self.module.split(".")[-2]

    @property
    def name(self) -> str:
        """Layer and file name: `silver.prices`."""
        return ".".join(self.module.split(".")[-2:])

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, in contract order."""
        return pa.schema([column.arrow for column in self.columns])

    @property
    def spark_ddl(self) -> str:
        """The Spark schema as DDL."""
        return ", ".join(f"`{c.name}` {SPARK[c.type]}" for c in self.columns)

    @property
    def public(self) -> tuple[Column, ...]:
        """The columns that people see."""
        return tuple(column for column in self.columns if not column.internal)

    @property
    def digested(self) -> tuple[str, ...]:
        """Names of the columns that a digest covers."""
        return tuple(column.name for column in self.columns if not column.volatile)

    @property
    def is_bitemporal(self) -> bool:
        """True where revisions are rows of their own, closed by `known_until`."""
        return any(column.name == "known_until" for column in self.columns)

    @property
    def is_partitioned(self) -> bool:
        """True where rows belong to sessions and files to months."""
        return bool(self.partition)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError naming the table's columns otherwise."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}; it has {', '.join(c.name for c in self.columns)}")

    def conform(self, rows: pa.Table) -> pa.Table:
        """The rows with exactly the contract's columns, types and order; missing nullable columns become null.

        Raises
        ------
        KeyError
            A column that may not be null is missing.
        """
        arrays = []
        for column in self.columns:
            if column.name in rows.column_names:
                arrays.append(rows.column(column.name).cast(ARROW[column.type]))
            elif column.nullable:
                arrays.append(pa.nulls(rows.num_rows, ARROW[column.type]))
            else:
                raise KeyError(f"{self.name}: expected column {column.name}, was {rows.column_names}")
        return pa.table(arrays, schema=pa.schema([pa.field(c.name, ARROW[c.type]) for c in self.columns]))


def months_of(dates: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Partition months ('YYYY-MM') of session dates."""
    return pa.array([f"{d:%Y-%m}" if d is not None else None for d in dates.to_pylist()], pa.string())


def empty(schema: pa.Schema) -> pa.Table:
    """No rows, with that schema."""
    return schema.empty_table()


def concat(schema: pa.Schema, parts: Sequence[pa.Table]) -> pa.Table:
    """All parts one after another, or no rows with that schema."""
    kept = [part for part in parts if part.num_rows]
    return pa.concat_tables(kept) if kept else empty(schema)
