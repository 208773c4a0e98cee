"""Delta tables without a JVM: reading them, and every commit to them: rows appended, or sessions replaced. Spark's side is `lake.spark`."""

import uuid
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, SchemaMismatchError, TableNotFoundError
from loguru import logger

from lake import compaction, layout
from lake.passing import translated
from lake.settings import Settings
from market.errors import Permanent, Transient
from market.table import ARROW, Table, Window, empty

# Delta 4.4 refuses time travel past these, vacuumed or not (default 168 h); releases pin versions for years.
TABLE_PROPERTIES = {
    "delta.deletedFileRetentionDuration": "interval 3650 days",
    "delta.logRetentionDuration": "interval 3650 days",
}

_OWN = "marketlakeCommit"
"""By which a commit is known again."""

CONNECT_S, REQUEST_S, ATTEMPTS = 5.0, 10.0, 3
"""Limits of a read from S3, half a minute in all: while one waits no query can be interrupted. Arrow's own (1 s, 3 s) are short for a busy server."""


class DeltaLake:
    """The lake's tables at `<lake>/<layer>/<table>`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._remote = "://" in settings.lake_url
        self._root = settings.lake_url.rstrip("/") if self._remote else str(settings.path(settings.lake_url))

    @property
    def storage_options(self) -> dict[str, str] | None:
        """Options of the object store, None for a folder."""
        if not self._remote:
            return None
        settings = self._settings
        options = {
            "AWS_REGION": settings.s3_region,
            "AWS_ENDPOINT_URL": settings.s3_endpoint_url,
            "AWS_ENDPOINT_URL_S3": settings.s3_endpoint_url,  # of the environment it would win, and commits go elsewhere
            "AWS_ALLOW_HTTP": "true" if settings.s3_endpoint_url.startswith("http://") else "",
            "AWS_ACCESS_KEY_ID": settings.s3_access_key_id.get_secret_value(),
            "AWS_SECRET_ACCESS_KEY": settings.s3_secret_access_key.get_secret_value(),
            "aws_conditional_put": "etag",  # one winner per commit, without a lock table
        }
        return {name: value for name, value in options.items() if value}

    def uri(self, table: Table | str) -> str:
        """Where the table is: `<lake>/<layer>/<table>`."""
        layer, name = _name(table).split(".")
        return f"{self._root}/{layer}/{name}"

    def exists(self, table: Table | str) -> bool:
        """True where the table has been made."""
        with translated(_name(table), OSError, DeltaError):
            return DeltaTable.is_deltatable(self.uri(table), storage_options=self.storage_options)

    def version(self, table: Table | str) -> int | None:
        """The newest version, None where the table has not been made."""
        return self.open(table).version() if self.exists(table) else None

    def open(self, table: Table | str, version: int | None = None) -> DeltaTable:
        """The table at a version, the newest by default; a snapshot that later commits do not change.

        Raises
        ------
        Permanent
            There is no such table or version, or the store refused.
        Transient
            The store was away.
        """
        try:
            with translated(_name(table), OSError, DeltaError):
                return DeltaTable(self.uri(table), version=version, storage_options=self.storage_options)
        except TableNotFoundError as error:
            raise Permanent(
                _name(table), expected=f"a table at {self.uri(table)}", found="none", do="Run the day that makes it"
            ) from error

    def history(self, table: Table | str, since: int | None = None) -> list[dict[str, Any]]:
        """What the commits say of themselves, newest first: all of them, or those behind the version `since`.

        delta-rs numbers a history from the version of the open table, but lists it from the newest commit, whatever version is
        open: only a table at its head has the right numbers, and only if no commit came in between.
        """
        while True:
            opened = self.open(table)
            head = opened.version()
            entries = opened.history(None if since is None else max(head - since, 1))
            if self.version(table) == head:
                return entries

    def dataset(
        self, table: Table | str, version: int | None = None, *, opened: DeltaTable | None = None
    ) -> ds.Dataset:
        """The table's files at a version, the newest by default, for DuckDB and Arrow to read.

        Parameters
        ----------
        opened : the table at the version, where it is open already; else it is opened here, with the errors of `open`.
        """
        opened = opened or self.open(table, version)
        files = pafs.SubTreeFileSystem(self._path(table), self._files)
        with translated(_name(table), OSError, DeltaError):
            plain = opened.to_pyarrow_dataset(filesystem=files)
            if not isinstance(self._files, pafs.S3FileSystem):
                return plain
            # With its size a file on S3 is opened without asking for it first.
            added = pa.table(opened.get_add_actions(flatten=True)).select(["path", "size_bytes"]).to_pydict()
        sizes = dict(zip(added["path"], added["size_bytes"], strict=True))
        fragments = [
            plain.format.make_fragment(part.path, files, part.partition_expression, file_size=sizes.get(part.path))
            for part in plain.get_fragments()
        ]
        return ds.FileSystemDataset(fragments, plain.schema, plain.format, files)

    @cached_property
    def _files(self) -> pafs.FileSystem:
        # Never delta-rs's own, which is Python: its reads wait for the GIL, which DuckDB's thread holds while a scan begins
        # (`Scanner.to_reader`), and that waits for a read. Seldom, but then for ever, past every time limit.
        if not self._remote or self._root.startswith("file://"):
            return pafs.LocalFileSystem()
        settings, endpoint = self._settings, urlsplit(self._settings.s3_endpoint_url)
        if settings.s3_endpoint_url and endpoint.scheme not in ("http", "https"):
            raise Permanent(
                "MARKETLAKE_S3_ENDPOINT_URL", expected="an address with http:// or https://, or none for AWS",
                found=settings.s3_endpoint_url, do="Write the scheme in front of host and port",
            )  # fmt: skip
        return pafs.S3FileSystem(
            access_key=settings.s3_access_key_id.get_secret_value() or None,
            secret_key=settings.s3_secret_access_key.get_secret_value() or None,
            region=settings.s3_region or None,
            endpoint_override=endpoint.netloc or None,
            scheme=endpoint.scheme or None,
            connect_timeout=CONNECT_S,
            request_timeout=REQUEST_S,
            retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        )

    def _path(self, table: Table | str) -> str:
        """The table's folder as a file system names it: without the scheme."""
        return self.uri(table).removeprefix("file://").removeprefix("s3://")

    def read(
        self,
        table: Table,
        *,
        version: int | None = None,
        where: ds.Expression | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Rows at a version; no rows, with the contract's columns, where the table has not been made.

        Parameters
        ----------
        where : filter; name `session_month` in it so that other partitions are not opened.
        columns : those wanted, in that order; the contract's by default. One that the table does not store yet is null.
        """
        names = list(columns) if columns is not None else [column.name for column in table.columns]
        schema = pa.schema([pa.field(name, ARROW[table.column(name).type]) for name in names])
        if version is None and not self.exists(table):
            return empty(schema)
        stored = self.dataset(table, version)
        with translated(table.name, OSError, DeltaError):
            there = set(stored.schema.names)
            rows = stored.to_table(columns=[name for name in names if name in there], filter=where)
        for name in names:
            if name not in there:  # the contract has grown since
                rows = rows.append_column(name, pa.nulls(rows.num_rows, schema.field(name).type))
        return rows.select(names).cast(schema)

    def append(self, table: Table, rows: pa.Table, *, app_id: str, app_version: int) -> int | None:
        """Add rows in one commit that carries a transaction; the new version, or None where there was nothing to do.

        A nullable column that the contract has gained since is added to the table in the same commit.

        Parameters
        ----------
        app_id, app_version : the transaction. A commit that the table has already taken is skipped, and the log says so.

        Raises
        ------
        Permanent
            The table belongs to another engine, or the rows do not fit it.
        Transient
            Another writer was first, or the store was away.
        """
        _check_way(table, "append")
        if not rows.num_rows:
            return None
        try:
            with translated(table.name, OSError, DeltaError):
                self._create(table)
                target = self.open(table)
                if not _has_taken(target, app_id, app_version):
                    compaction.gather(target, table.name)  # may go past what another writer has committed meanwhile
                if _has_taken(target, app_id, app_version):
                    logger.info(
                        "append skipped: already committed", table=table.name, app_id=app_id, version=app_version
                    )
                    return None
                self._commit(target, table, table.conform(rows), Transaction(app_id, app_version))
        except CommitFailedError as error:
            # An answer that was lost: the commit tried again meets itself, and is told of another writer.
            if not _has_taken(self.open(table), app_id, app_version):
                raise Transient(table.name, expected="to commit", found=f"another writer first ({error})") from error
            logger.info("append committed, its answer was lost", table=table.name, app_id=app_id, version=app_version)
        except SchemaMismatchError as error:
            raise Permanent(table.name, expected="the contract's columns", found=str(error)) from error
        return self.version(table)

    def replace(self, table: Table, rows: pa.Table, window: Window, note: str = "") -> int:
        """Replace the window's rows (all rows of a table without sessions) by these in one commit; the version that it made.

        Parameters
        ----------
        note : what the commit says of itself (Delta's `userMetadata`).

        Raises
        ------
        Permanent
            The table's rows are appended, or the rows do not fit it or the window.
        Transient
            Another writer replaced rows of the window first, or the store was away.
        """
        _check_way(table, "replace")
        _check_inside(table, rows, window)
        where, own = f"{table.name} {window.start} to {window.end}", uuid.uuid4().hex
        before = -1
        try:
            with translated(where, OSError, DeltaError):
                self._create(table)
                target = self.open(table)
                compaction.gather(target, table.name)
                before = target.version()
                self._commit_window(target, table, rows, window, {"userMetadata": note, _OWN: own})
            version = target.version()
        except CommitFailedError as error:
            # An answer that was lost: the commit tried again meets itself, and is told of another writer.
            found = self._own_commit(table, own, before)
            if found is None:
                raise Transient(where, expected="to commit", found=f"another writer first ({error})") from error
            version = found
        except SchemaMismatchError as error:
            raise Permanent(where, expected="the contract's columns", found=str(error)) from error
        logger.info("wrote", table=table.name, rows=rows.num_rows, version=version)
        return version

    def _commit_window(
        self, target: DeltaTable, table: Table, rows: pa.Table, window: Window, told: dict[str, str]
    ) -> None:
        options: dict[str, Any] = {
            "commit_properties": CommitProperties(custom_metadata=told),
            "writer_properties": layout.encoding(rows.schema),
        }
        # Never without a predicate: of two that replace a table without files both would be let through.
        options["predicate"] = _within(window) if table.is_partitioned else "true"
        if _grows(target, table):
            options["schema_mode"] = "merge"
        write_deltalake(target, layout.ordered(rows), mode="overwrite", **options)

    def _own_commit(self, table: Table, own: str, since: int) -> int | None:
        """The version behind `since` whose commit is ours; None: there is none."""
        entries = self.history(table, since)
        return next((int(entry["version"]) for entry in entries if entry.get(_OWN) == own), None)

    def _create(self, table: Table) -> None:
        if self.exists(table):
            return
        # Nothing is required at the table itself: the expectations judge rows as they came, nulls included.
        fields = [pa.field(column.name, ARROW[column.type]) for column in table.columns]
        try:
            DeltaTable.create(
                self.uri(table),
                schema=pa.schema(fields),
                mode="ignore",
                partition_by=[table.partition] if table.is_partitioned else None,
                configuration=TABLE_PROPERTIES,
                description=table.doc,
                storage_options=self.storage_options,
            )
        except CommitFailedError:  # another writer made it in between
            if not self.exists(table):
                raise

    def _commit(self, target: DeltaTable, table: Table, rows: pa.Table, transaction: Transaction) -> None:
        options: dict[str, Any] = {
            "commit_properties": CommitProperties(app_transactions=[transaction]),
            "writer_properties": layout.encoding(rows.schema),
        }
        if _grows(target, table):
            options["schema_mode"] = "merge"
        write_deltalake(target, rows, mode="append", **options)


def _check_way(table: Table, way: str) -> None:
    if table.commits != way:
        raise Permanent(table.name, expected=f"commits that {table.commits}", found=f"one to {way}",
                        do="What is delivered or recorded is appended; what is built replaces its sessions")  # fmt: skip


def _check_inside(table: Table, rows: pa.Table, window: Window) -> None:
    if not table.is_partitioned or not rows.num_rows:
        return
    dates = rows["session_date"]
    found, expected = pc.min_max(dates).as_py(), f"sessions from {window.start} to {window.end}, each in its month"
    months = pc.equal(pc.strftime(dates.cast(pa.timestamp("s")), "%Y-%m"), rows["session_month"])
    if dates.null_count or rows["session_month"].null_count or not pc.all(months).as_py():
        raise Permanent(table.name, expected=expected, found="a session that is null, or in another month")
    if found["min"] < window.start or found["max"] > window.end:
        raise Permanent(table.name, expected=expected, found=f"some from {found['min']} to {found['max']}")


def _within(window: Window) -> str:
    first, last = window.months()
    return (
        f"session_month >= '{first}' AND session_month <= '{last}' "
        f"AND session_date >= '{window.start}' AND session_date <= '{window.end}'"
    )


def _has_taken(target: DeltaTable, app_id: str, app_version: int) -> bool:
    """True where that transaction, or a later one of its kind, is in the table."""
    done = target.transaction_version(app_id)
    return done is not None and done >= app_version


def _grows(target: DeltaTable, table: Table) -> bool:
    """True where the contract is the stored columns and nullable ones besides.

    Raises
    ------
    Permanent
        The contract lacks a stored column, has another type, or adds a column that old rows cannot lack: merging would cast or
        null without a word.
    """
    stored = {field.name: field.type for field in pa.schema(target.schema().to_arrow())}
    wanted = {column.name: ARROW[column.type] for column in table.columns}
    new = [column for column in table.columns if column.name not in stored]
    wrong = [f"no {name} in the contract" for name in stored if name not in wanted]
    wrong += [f"{name} stored as {stored[name]}" for name in stored if name in wanted and stored[name] != wanted[name]]
    wrong += [f"new column {column.name} that is not nullable" for column in new if not column.nullable]
    if wrong:
        raise Permanent(
            table.name, expected="the contract's columns, those stored and nullable new ones", found="; ".join(wrong),
            do="Only add nullable columns to a table that exists; for any other change make a new table",
        )  # fmt: skip
    return bool(new)


def _name(table: Table | str) -> str:
    return table if isinstance(table, str) else table.name
