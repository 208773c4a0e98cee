"""What the queries share: which columns people see, and how one security's rows are paged. No subject of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from lake.sql import ReleaseSql
from market import registry
from market.table import Column
from serving.deps import Span
from serving.paging import Page, Parser

MACHINE = frozenset({"session_month", "payload_digest", "row_no", "known_until", "run_id"})


@dataclass(frozen=True)
class Series:
    """One security's rows of one table, in pages.

    Parameters
    ----------
    table : the view that is read, or a query in brackets.
    columns : those answered, in order.
    key : columns that order the rows and name one; the first is compared alone too, so that files can be skipped.
    parsers : from a cursor's text to each part of the key.
    is_newest_first : the order of the key.
    """

    route: str
    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    parsers: tuple[Parser, ...]
    is_newest_first: bool = False
    span_column: str = "session_date"

    def page(
        self,
        sql: ReleaseSql,
        security: str,
        span: Span,
        page: Page,
        where: str = "true",
        params: Sequence[Any] = (),
        within: Sequence[Any] = (),
    ) -> tuple[pa.Table, str | None]:
        """One page and the cursor of the next.

        Parameters
        ----------
        where, params : a further condition, with `?`.
        within : values of a table that is a query.
        """
        names = [column.name for column in self.columns]
        wanted = quoted([*names, *(name for name in self.key if name not in names)])
        conditions, values = ["security_id = ?", f"({where})"], [*within, security, *params]
        if span.start:
            conditions.append(f"{self.span_column} >= ?")
            values.append(span.start)
        if span.end:
            conditions.append(f"{self.span_column} <= ?")
            values.append(span.end)
        after = page.after(self.route, *self.parsers)
        if after is not None:
            conditions += [f"{self.key[0]} {'<=' if self.is_newest_first else '>='} ?", self._beyond()]
            values += [after[0], *after]
        direction = "DESC" if self.is_newest_first else "ASC"
        order = ", ".join(f'"{name}" {direction}' for name in self.key)
        text = f"SELECT {wanted} FROM {self.table} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
        rows, following = page.cut(sql.query(text, [*values, page.limit + 1]), self.route, self.key)
        return rows.select(names), following

    def _beyond(self) -> str:
        sign = "<" if self.is_newest_first else ">"
        return f"({quoted(self.key)}) {sign} ({', '.join('?' * len(self.key))})"


def columns(table: str, *, without: Sequence[str] = ()) -> tuple[Column, ...]:
    """The columns of the table that people see, in the contract's order."""
    return tuple(c for c in registry.table(table).public if c.name not in MACHINE and c.name not in without)


def quoted(names: Sequence[str]) -> str:
    """Names of a contract as SQL identifiers."""
    return ", ".join(f'"{name}"' for name in names)


def true_at(sql: ReleaseSql, as_of: datetime | None) -> tuple[str, list[Any]]:
    """The condition, with its values, of what was believed at the instant; at the release's own without one.

    A release may store what counts only later, such as a filing of the day, which counts from the next session's open.
    """
    instant = instant_of(sql, as_of)
    return "known_at <= ? AND (known_until IS NULL OR known_until > ?)", [instant, instant]


def known_by(sql: ReleaseSql, as_of: datetime | None) -> tuple[str, list[Any]]:
    """The condition, with its values, of rows of gold that were known at the instant; of all rows without one.

    Gold keeps the present belief alone: what was changed since is left out, what was taken back is gone (`meta.hindsight`).
    """
    return ("true", []) if as_of is None else ("known_at <= ?", [instant_of(sql, as_of)])


def instant_of(sql: ReleaseSql, as_of: datetime | None) -> datetime:
    """The instant asked for, and never later than the release's own."""
    return min(as_of or sql.release.as_of, sql.release.as_of)
