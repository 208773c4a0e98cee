"""How rows of a release lead to their silver rows, deliveries and payloads, and to the commits that wrote them.

What does not belong here: what a column of a particular table was made from (`lake.explain_links`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from lake.chain import Link
from lake.explain_commits import Commit
from lake.explain_past import Past
from lake.objects import Missing, Store
from lake.sql import ReleaseSql
from market import registry
from market.table import Table

LISTED = 5
"""Input rows that are listed; the rest is counted."""

TRACED = 2
"""Of the listed, the newest so many are followed to their payload."""

_DELIVERY = ("request", "payload_digest", "landing_path", "row_no", "fetched_at", "known_at")
Row = Mapping[str, Any]


class Rows:
    """Rows of one release and what is behind them; with a store the payloads are verified, with a past the commits told."""

    def __init__(self, sql: ReleaseSql, store: Store | None, past: Past | None) -> None:
        self._sql, self._store, self._past = sql, store, past
        self._verified: dict[str, bool] = {}

    def _silver(self, table: Table, row: Row, shown: Sequence[str]) -> Link:
        """A silver row with some of its values, and its delivery."""
        facts = {**values_of(row, shown), "source": row["source"], **self._about(table, row)}
        return Link(title(table, row), facts, self._deliveries(table, row))

    def _deliveries(self, table: Table, row: Row) -> tuple[Link, ...]:
        """The delivery that brought a silver row; where the same answer came several times, the one that made it known."""
        for read in table.reads:
            contract = registry.table(read.table)
            if contract.layer != "bronze" or contract.source != row["source"]:
                continue
            found = self._rows(
                f"SELECT * FROM {contract.name} WHERE payload_digest = ? AND row_no = ? ORDER BY fetched_at",
                [row["payload_digest"], row["row_no"]],
            )
            if not found:
                continue
            # A first version is known from the session's end, before any fetch; a later one from its own fetch.
            by_then = [one for one in found if one["fetched_at"] <= row["known_at"]]
            own = [c.name for c in contract.columns if c.name not in (*_DELIVERY, "session_date", "session_month")]
            return (self._delivery(contract, by_then[-1] if by_then else found[0], own),)
        said = {"payload_digest": row["payload_digest"], "found": "no row of that payload in this release"}
        return (Link("bronze", said),)

    def _delivery(self, table: Table, row: Row, shown: Sequence[str]) -> Link:
        facts = {**values_of(row, _DELIVERY), "delivered": {name: row[name] for name in shown if row[name] is not None}}
        if self._store is not None:
            facts["verified"] = self._verify(self._store, row["landing_path"], row["payload_digest"])
        return Link(f"{table.name} row {row['row_no']} of a payload for {row['session_date']}", facts)

    def _verify(self, store: Store, path: str, digest: str) -> bool:
        """Whether the payload in the landing zone is there and has the digest that the row says."""
        if path not in self._verified:
            try:
                self._verified[path] = hashlib.sha256(store.get(path)).hexdigest() == digest
            except Missing:
                self._verified[path] = False
        return self._verified[path]

    def _price_sources(self, row: Row, names: Sequence[str]) -> list[Link]:
        """The silver rows behind some columns of a gold price, down to their payloads."""
        key = [row["security_id"], row["session_date"]]
        prices = registry.table("silver.prices")
        own = tuple(c.name for c in prices.public if c.name in names) or ("close", "base_price")
        links = []
        if tuple(names) != ("n_headlines",):
            query = (
                "SELECT * FROM silver.prices "
                "WHERE security_id = ? AND session_date = ? AND payload_digest = ? AND row_no = ? "
                "ORDER BY known_at DESC LIMIT 1"
            )
            found = self._rows(query, [*key, row["payload_digest"], row["row_no"]])
            links += [self._silver(prices, price, own) for price in found]
        if "n_headlines" in names:
            links += self._coverage(key)
        return links

    def _coverage(self, key: Sequence[Any]) -> list[Link]:
        contract = registry.table("silver.news_coverage")
        query = "SELECT * FROM silver.news_coverage WHERE security_id = ? AND session_date = ? AND known_until IS NULL"
        found = [self._counted(contract, row) for row in self._rows(query, key)]
        return found or [Link(contract.name, {"found": "no row: the collection did not cover this session"})]

    def _counted(self, table: Table, row: Row) -> Link:
        """A count of stories: what each search covered, down to its payload, and the stories' first headlines."""
        key = [row["security_id"], row["session_date"]]
        here = "WHERE security_id = ? AND session_date = ?"
        searches, news = registry.table("silver.news_searches"), registry.table("silver.news")
        told = self._rows(
            f"SELECT * FROM silver.news_searches {here} AND known_until IS NULL ORDER BY source DESC", key
        )
        links = [self._silver(searches, one, ("is_covered", "n_items")) for one in told]
        first = self._rows(
            f"SELECT * FROM silver.news {here} AND known_until IS NULL AND url IN ("
            f"SELECT first_url FROM silver.stories {here}) ORDER BY published_at, url",
            [*key, *key],
        )
        links += [self._silver(news, one, ("title", "published_at")) for one in first[:LISTED]]
        facts = {**values_of(row, ("is_covered", "n_headlines", "sources")), **self._about(table, row)}
        return Link(title(table, row), facts, tuple(links), max(len(first) - LISTED, 0))

    def _inputs_of(self, row: Row, names: Sequence[str], used: int) -> tuple[Link, ...]:
        """The newest input rows of gold.prices, raw with their factor; the very newest down to the payload."""
        contract = registry.table("gold.prices")
        found = self._rows(
            "SELECT * FROM gold.prices WHERE security_id = ? AND session_date <= ? ORDER BY session_date DESC LIMIT ?",
            [row["security_id"], row["session_date"], min(used, LISTED)],
        )
        links = []
        for i, price in enumerate(found):
            below = self._price_sources(price, names or ("close",)) if i < TRACED else []
            shown = values_of(price, (*names, "cumulative_factor", "known_at"))
            links.append(Link(title(contract, price), shown, tuple(below)))
        return tuple(links)

    def _n_before(self, row: Row) -> int:
        """Rows of gold.prices in the unbroken run of sessions up to this one; a series that misses a session starts anew."""
        counted = self._rows(
            "SELECT count(*) AS n FROM ("
            " SELECT session_date, session_no - row_number() OVER (ORDER BY session_date) AS run"
            " FROM gold.prices LEFT JOIN silver.sessions USING (exchange, session_date)"
            " WHERE security_id = ? AND session_date <= ?"
            ") GROUP BY run ORDER BY max(session_date) DESC LIMIT 1",
            [row["security_id"], row["session_date"]],
        )
        return int(counted[0]["n"]) if counted else 0

    def _about(self, table: Table, row: Row) -> dict[str, Any]:
        facts: dict[str, Any] = {"known_at": row["known_at"]}
        if row.get("known_until") is not None:
            facts["known_until"] = row["known_until"]
        facts["Delta version"] = self._sql.release.tables.get(table.name)
        commit = self.commit(table, row)
        if commit is not None:
            facts["written by"] = str(commit)
        return facts

    def commit(self, table: Table, row: Row) -> Commit | None:
        """The commit that wrote the row; None where there is no past to ask, or Spark does not write the table."""
        version = self._sql.release.tables.get(table.name)
        if self._past is None or version is None or table.writer != "spark":
            return None
        return self._past.commit(table, version, row.get("session_date"))

    def _rows(self, query: str, params: Sequence[Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._sql.query(query, params).to_pylist()
        return rows


def title(table: Table, row: Row) -> str:
    key = (row[name] for name in table.key if name != "known_at")
    return f"{table.name} {' '.join(str(part) for part in key)}"


def values_of(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in dict.fromkeys(names) if name in row}
