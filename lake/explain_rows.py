"""How rows of a release lead to their silver rows, deliveries and payloads, and to the commits that wrote them.

What does not belong here: what a column of a particular table was made from (`lake.explain_silver`, `lake.explain_links`).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from lake.chain import Link
from lake.explain_commits import Commit
from lake.explain_past import Past
from lake.objects import Missing, Store
from lake.sql import ReleaseSql
from market import registry
from market.errors import Permanent
from market.table import Table

LISTED = 5
"""Input rows that are listed; the rest is counted."""

TRACED = 2
"""Of the listed, the newest so many are followed to their payload."""

_DELIVERY = ("request", "payload_digest", "landing_path", "row_no", "fetched_at", "known_at")
Row = Mapping[str, Any]


class Rows:
    """Rows of one release and what is behind them; with a `store` the payloads are verified, with a `past` the commits told."""

    def __init__(self, sql: ReleaseSql, store: Store | None, past: Past | None) -> None:
        self.sql, self.store, self.past = sql, store, past
        self._verified: dict[str, bool] = {}

    def _brought(self, name: str, row: Row, rows: Callable[[int], pd.DataFrame]) -> dict[str, object]:
        """Under that name what each part of what was scored brought to the row's score, where the lake is at hand."""
        if self.past is None:
            return {}
        try:
            told = self.past.contributions(row["model"], int(row["model_version"]), rows)
            return {} if told is None else {name: told}
        except Permanent as error:
            return {name: f"not told: {error}"}

    def _silver(self, table: Table, row: Row, shown: Sequence[str]) -> Link:
        """A silver row with some of its values, and its delivery."""
        facts = {**values_of(row, shown), "source": row["source"], **self._about(table, row)}
        return Link(title(table, row), facts, self._deliveries(table, row))

    def _deliveries(self, table: Table, row: Row) -> tuple[Link, ...]:
        """The delivery that brought a silver row; where the same answer came several times, the one that made it known."""
        for read in table.reads:
            contract = registry.table(read.table)
            if contract.layer == "bronze" and contract.source == row["source"]:
                found = self._delivered(contract, row)
                if found is not None:
                    return (self._delivery(contract, found),)
        said = {"payload_digest": row["payload_digest"], "found": "no row of that payload in this release"}
        return (Link("bronze", said),)

    def _delivered(self, bronze: Table, row: Row) -> Row | None:
        """The bronze row that a row came in; None where the table does not have it."""
        query = f"SELECT * FROM {bronze.name} WHERE payload_digest = ? AND row_no = ? ORDER BY fetched_at"
        return by_then(self._rows(query, [row["payload_digest"], row["row_no"]]), row["known_at"])

    def _delivery(self, table: Table, row: Row, shown: Sequence[str] = ()) -> Link:
        """A bronze row with its payload, and what came in it: the columns shown, all of the source's own without any."""
        own = [c.name for c in table.columns if c.name not in (*_DELIVERY, "session_date", "session_month")]
        delivered = {name: row[name] for name in shown or own if row[name] is not None}
        facts = {**values_of(row, _DELIVERY), "delivered": delivered}
        if self.store is not None:
            facts["verified"] = self._verify(self.store, row["landing_path"], row["payload_digest"])
        return Link(f"{table.name} row {row['row_no']} of a payload for {row['session_date']}", facts)

    def _verify(self, store: Store, path: str, digest: str) -> bool:
        """Whether the payload in the landing zone is there and has the digest that the row says."""
        if path not in self._verified:
            try:
                self._verified[path] = hashlib.sha256(store.get(path)).hexdigest() == digest
            except Missing:
                self._verified[path] = False
        return self._verified[path]

    def _about(self, table: Table, row: Row) -> dict[str, Any]:
        facts: dict[str, Any] = {"known_at": row["known_at"]}
        if row.get("known_until") is not None:
            facts["known_until"] = row["known_until"]
        facts["Delta version"] = self.sql.release.tables.get(table.name)
        commit = self.commit(table, row)
        if commit is not None:
            facts["written by"] = str(commit)
        return facts

    def commit(self, table: Table, row: Row) -> Commit | None:
        """The commit that wrote the row; None where there is no past to ask, or the table grows by appending."""
        version = self.sql.release.tables.get(table.name)
        if self.past is None or version is None or table.commits != "replace":
            return None
        return self.past.commit(table, version, row.get("session_date"))

    def _believed(
        self, table: str, at: datetime, where: str, params: Sequence[Any], order: str
    ) -> list[dict[str, Any]]:
        """Rows of a bitemporal table as they were believed at the instant, in that order."""
        query = (
            f"SELECT * FROM {table} WHERE known_at <= ? AND (known_until IS NULL OR known_until > ?) AND {where} "
            f"ORDER BY {order}"
        )
        return self._rows(query, [at, at, *params])

    def _rows(self, query: str, params: Sequence[Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.sql.query(query, params).to_pylist()
        return rows


def by_then(rows: Sequence[Row], at: datetime) -> Row | None:
    """Of bronze rows, oldest fetch first, the last one fetched by the instant, or else the first; None without rows.

    A first version is known from the session's end, before any fetch; a later one from its own fetch.
    """
    fetched = [row for row in rows if row["fetched_at"] <= at]
    return fetched[-1] if fetched else rows[0] if rows else None


def title(table: Table, row: Row) -> str:
    key = (row[name] for name in table.key if name != "known_at")
    return f"{table.name} {' '.join(str(part) for part in key)}"


def values_of(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in dict.fromkeys(names) if name in row}
