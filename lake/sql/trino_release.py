"""One release as SQL through Trino: the same questions and answers as `ReleaseSql` gives through DuckDB."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lake.releases import Release
from lake.settings import Settings
from lake.sql import trino, trino_text, trino_views
from lake.sql.cursors import Cursors, TimedOut, refuse_writes
from lake.sql.release import TIME_LIMIT_S, ReleaseSql
from lake.sql.trino_client import UNKNOWN_TABLE, Address, Connection, Refused
from market.errors import Permanent


class TrinoSql(ReleaseSql):
    """One release as SQL: `<layer>.<table>` and `raw.<layer>_<table>`, in the dialect of DuckDB or in Trino's own.

    Opening makes the release's schemas where they are missing; nothing is read before a query asks.

    Parameters
    ----------
    time_limit_s : a query is cancelled after it, at the server too.
    is_own_dialect : queries are in Trino's dialect, and are sent but for the names of the tables as they are.

    Raises
    ------
    Permanent
        The release names a table version that is not there, or the catalog shows another lake.
    Transient
        Trino is away.
    """

    def __init__(  # DuckDB's side is not opened
        self,
        settings: Settings,
        release: Release,
        *,
        time_limit_s: float = TIME_LIMIT_S,
        is_own_dialect: bool = False,
    ) -> None:
        self._begin(release)
        self._settings = settings
        self._is_own_dialect = is_own_dialect
        self._ops = trino.ensure(settings, release)
        self._raw = trino_views.raws(release, self._ops)
        address = Address.of(settings.sql_url)
        self._catalog = address.catalog
        self._pool: Cursors[Connection] = Cursors(lambda: Connection(address, time_limit_s), time_limit_s)

    def query(self, sql: str, params: Sequence[Any] = ()) -> pa.Table:
        """The rows of one reading statement; safe to call from any thread.

        Parameters
        ----------
        sql : one reading statement, with `?` for each of the params.

        Raises
        ------
        Permanent
            Not one reading statement, an unknown table (the message names those there are), or SQL that Trino refuses.
        TimedOut
            It ran longer than the limit.
        Cancelled
            The one who asked has gone.
        Transient
            Trino is away.
        """
        text = trino_text.filled(self._turned(sql), params)
        try:
            return self._asked(text)
        except Refused as error:
            if error.name not in UNKNOWN_TABLE:
                raise
            expected = f"tables among {', '.join(self.tables())}"
            raise Permanent("query", expected=expected, found=error.found, do="See `marketlake tables`") from error

    def warm(self, rows: int) -> None:
        """Nothing: Trino reads the lake."""

    def tables(self) -> list[str]:
        """Names of the tables with a version in the release, the `ops` tables, and the views made from them."""
        return sorted({*self.release.tables, *self._ops, trino_views.ADJUSTED, "ops.releases"})

    def close(self) -> None:
        """Let go of the connections; a query afterwards fails."""
        self._pool.close()

    def _asked(self, text: str) -> pa.Table:
        try:
            return self._run(text)
        except Refused as error:
            if error.name not in UNKNOWN_TABLE or f"{self.release.release_id}_" not in error.found:
                raise
        # A sync has dropped the schemas of a release that is not kept, or is about to: views go first.
        trino.ensure(self._settings, self.release)
        return self._run(text)

    def _run(self, text: str) -> pa.Table:
        with self._pool.one() as connection:
            try:
                return connection.run(text)
            except TimedOut as error:
                raise TimedOut(
                    "query", expected=f"an answer within {self._pool.limit_s:g} s", found=error.found, do=error.do
                ) from error

    def _turned(self, sql: str) -> str:
        if self._is_own_dialect:
            return trino_text.of_trino(sql, self.release.release_id, self._raw, self._catalog)
        refuse_writes(sql)
        return trino_text.ours(sql, self.release.release_id, self._raw, self._catalog)
