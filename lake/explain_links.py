"""How a row of each table leads to the rows it was made from, down to the payload.

A table without a rule of its own is explained by its origin columns (source, payload digest, row number) or, lacking
those, by the tables that its contract reads. What does not belong here: keys and messages (`lake.explain`).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lake.chain import Link
from lake.objects import Missing, Store
from lake.sql import ReleaseSql
from market import calendars, registry
from market.datasets.gold.labels import HORIZON
from market.features.catalogue import catalogue
from market.table import Column, Table

LISTED = 5
"""Input rows that are listed; the rest is counted."""

TRACED = 2
"""Of the listed, the newest so many are followed to their payload."""

_DELIVERY = ("request", "payload_digest", "landing_path", "row_no", "fetched_at", "known_at")
Row = Mapping[str, Any]


class Trail:
    """Follows rows of one release; with a store it verifies the payloads that it reaches."""

    def __init__(self, sql: ReleaseSql, store: Store | None) -> None:
        self._sql, self._store = sql, store
        self._verified: dict[str, bool] = {}
        self._rules: dict[str, Callable[[Table, Row, Column], Link]] = {
            "silver.adjustments": self._adjustment,
            "gold.prices": self._price,
            "gold.features_daily": self._feature,
            "gold.labels": self._label,
            "gold.predictions": self._prediction,
            "gold.market_summary": self._summary,
        }

    def link(self, table: Table, row: Row, column: Column) -> Link:
        """The top link of a column of a row."""
        if table.layer == "bronze":
            return self._delivery(table, row, (column.name,))
        return self._rules.get(table.name, self._typed)(table, row, column)

    def _typed(self, table: Table, row: Row, column: Column) -> Link:
        facts = {**self._about(table, row), "meaning": column.doc}
        if "payload_digest" in row:
            return Link(_title(table, row), facts, self._deliveries(table, row))
        facts["made from"] = ", ".join(read.table for read in table.reads) or "the exchange's calendar"
        return Link(_title(table, row), facts)

    def _silver(self, table: Table, row: Row, shown: Sequence[str]) -> Link:
        """A silver row with some of its values, and its delivery."""
        facts = {**_values(row, shown), "source": row["source"], **self._about(table, row)}
        return Link(_title(table, row), facts, self._deliveries(table, row))

    def _deliveries(self, table: Table, row: Row) -> tuple[Link, ...]:
        for read in table.reads:
            contract = registry.table(read.table)
            if contract.layer != "bronze" or contract.source != row["source"]:
                continue
            found = self._rows(
                f"SELECT * FROM {contract.name} WHERE payload_digest = ? AND row_no = ? LIMIT 1",
                [row["payload_digest"], row["row_no"]],
            )
            if found:
                own = [c.name for c in contract.columns if c.name not in (*_DELIVERY, "session_date", "session_month")]
                return (self._delivery(contract, found[0], own),)
        return (
            Link(
                "bronze", {"payload_digest": row["payload_digest"], "found": "no row of that payload in this release"}
            ),
        )

    def _delivery(self, table: Table, row: Row, shown: Sequence[str]) -> Link:
        facts = {**_values(row, _DELIVERY), "delivered": {name: row[name] for name in shown if row[name] is not None}}
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

    def _adjustment(self, table: Table, row: Row, column: Column) -> Link:
        names = ("factor", "cause", "evidence", "confidence")
        prices = registry.table("silver.prices")
        found = self._rows(
            "SELECT * FROM silver.prices WHERE security_id = ? AND session_date <= ? AND known_until IS NULL "
            "ORDER BY session_date DESC LIMIT 2",
            [row["security_id"], row["session_date"]],
        )
        shown = ("close", "base_price", "open", "listed_shares")
        made_from = [self._silver(prices, price, shown) for price in found]
        made_from += self._splits(row)
        return Link(_title(table, row), {**_values(row, names), **self._about(table, row)}, tuple(made_from))

    def _splits(self, row: Row) -> list[Link]:
        actions = registry.table("silver.corporate_actions")
        found = self._rows(
            "SELECT * FROM silver.corporate_actions WHERE security_id = ? AND session_date = ? AND known_until IS NULL",
            [row["security_id"], row["session_date"]],
        )
        return [self._silver(actions, action, ("action", "price_factor", "amount")) for action in found]

    def _price(self, table: Table, row: Row, column: Column) -> Link:
        made_from = self._price_sources(row, (column.name,))
        if column.name in ("factor", "cumulative_factor"):
            made_from += self._factors(row, "=" if column.name == "factor" else "<=")
        return Link(_title(table, row), {"meaning": column.doc, **self._about(table, row)}, tuple(made_from))

    def _price_sources(self, row: Row, names: Sequence[str]) -> list[Link]:
        """The silver rows behind some columns of a gold price, down to their payloads."""
        key = [row["security_id"], row["session_date"]]
        prices = registry.table("silver.prices")
        own = tuple(c.name for c in prices.public if c.name in names) or ("close", "base_price")
        links = []
        if tuple(names) != ("n_headlines",):
            query = (
                "SELECT * FROM silver.prices "
                "WHERE security_id = ? AND session_date = ? AND payload_digest = ? AND row_no = ?"
            )
            found = self._rows(query, [*key, row["payload_digest"], row["row_no"]])
            links += [self._silver(prices, price, own) for price in found[-1:]]
        if "n_headlines" in names:
            links += self._coverage(key)
        return links

    def _coverage(self, key: Sequence[Any]) -> list[Link]:
        contract = registry.table("silver.news_coverage")
        query = "SELECT * FROM silver.news_coverage WHERE security_id = ? AND session_date = ? AND known_until IS NULL"
        found = [self._silver(contract, row, ("is_covered", "n_headlines")) for row in self._rows(query, key)]
        return found or [Link(contract.name, {"found": "no row: the collection did not cover this session"})]

    def _factors(self, row: Row, comparison: str) -> list[Link]:
        ledger = registry.table("silver.adjustments")
        found = self._rows(
            "SELECT * FROM silver.adjustments "
            f"WHERE security_id = ? AND session_date {comparison} ? AND known_until IS NULL "
            "ORDER BY session_date DESC",
            [row["security_id"], row["session_date"]],
        )
        return [self._adjustment(ledger, factor, ledger.column("factor")) for factor in found]

    def _feature(self, table: Table, row: Row, column: Column) -> Link:
        feature = catalogue().get(column.name)
        if feature is None:
            return Link(
                _title(table, row), {"meaning": column.doc, **self._about(table, row)}, self._inputs_of(row, (), 0)
            )
        facts = {
            "expression": feature.formula, "meaning": feature.doc, "unit": feature.unit, "source": feature.source,
            "inputs": ", ".join(feature.inputs) + " on forward-adjusted prices",
            "lookback": f"{feature.lookback} sessions",
            **self._about(table, row),
        }  # fmt: skip
        if feature.is_recursive:
            facts["recursive"] = "carries state from every row of the series before; the rows below are the newest"
        total = self._n_before(row)
        used = total if feature.is_recursive else min(total, feature.lookback + 1)
        return Link(_title(table, row), facts, self._inputs_of(row, feature.inputs, used), max(used - LISTED, 0))

    def _n_before(self, row: Row) -> int:
        counted = self._rows(
            "SELECT count(*) AS n FROM gold.prices WHERE security_id = ? AND session_date <= ?",
            [row["security_id"], row["session_date"]],
        )
        return int(counted[0]["n"])

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
            shown = _values(price, (*names, "cumulative_factor", "known_at"))
            links.append(Link(_title(contract, price), shown, tuple(below)))
        return tuple(links)

    def _label(self, table: Table, row: Row, column: Column) -> Link:
        contract = registry.table("gold.prices")
        later = row["session_date"]
        for _ in range(HORIZON):
            later = calendars.next_session(row["exchange"], later)
        links = []
        for day in (row["session_date"], later):
            for price in self._rows(
                "SELECT * FROM gold.prices WHERE security_id = ? AND session_date = ?", [row["security_id"], day]
            ):
                shown = _values(price, ("close", "cumulative_factor", "known_at"))
                links.append(Link(_title(contract, price), shown, tuple(self._price_sources(price, ("close",)))))
        formula = f"(close / cumulative_factor) {HORIZON} sessions later / the same now - 1"
        return Link(
            _title(table, row), {"expression": formula, "meaning": column.doc, **self._about(table, row)}, tuple(links)
        )

    def _prediction(self, table: Table, row: Row, column: Column) -> Link:
        features = registry.table("gold.features_daily")
        facts = {
            "champion": f"{row['model']} version {row['model_version']}", "run_id": row["run_id"],
            "data_release": row["data_release"], "score": row["score"], "rank": row["rank"], "meaning": column.doc,
            **self._about(table, row),
        }  # fmt: skip
        found = self._rows(
            "SELECT * FROM gold.features_daily WHERE security_id = ? AND session_date = ?",
            [row["security_id"], row["session_date"]],
        )
        links = []
        for scored in found:
            values = {c.name: scored[c.name] for c in features.public if c.type == "float64"}
            below = self._inputs_of(scored, ("close",), 1)
            links.append(Link(_title(features, scored), {"values": values, **self._about(features, scored)}, below))
        return Link(_title(table, row), facts, tuple(links))

    def _summary(self, table: Table, row: Row, column: Column) -> Link:
        contract = registry.table("gold.prices")
        of_board = "FROM gold.prices WHERE exchange = ? AND market = ? AND session_date = ?"
        key = [row["exchange"], row["market"], row["session_date"]]
        n = int(self._rows(f"SELECT count(*) AS n {of_board}", key)[0]["n"])
        found = self._rows(
            f"SELECT * {of_board} ORDER BY coalesce(market_cap, value, 0) DESC, security_id LIMIT {LISTED}", key
        )
        links = []
        for i, price in enumerate(found):
            shown = ("close", "value", "market_cap", "is_halted")
            below = self._price_sources(price, shown) if i < TRACED else []
            links.append(Link(_title(contract, price), _values(price, (*shown, "known_at")), tuple(below)))
        facts = {"meaning": column.doc, "securities": n, **self._about(table, row)}
        return Link(_title(table, row), facts, tuple(links), n - len(found))

    def _about(self, table: Table, row: Row) -> dict[str, Any]:
        facts = {"known_at": row["known_at"], "Delta version": self._sql.release.tables.get(table.name)}
        if row.get("known_until") is not None:
            facts["known_until"] = row["known_until"]
        return facts

    def _rows(self, query: str, params: Sequence[Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._sql.query(query, params).to_pylist()
        return rows


def _title(table: Table, row: Row) -> str:
    key = (row[name] for name in table.key if name != "known_at")
    return f"{table.name} {' '.join(str(part) for part in key)}"


def _values(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in dict.fromkeys(names) if name in row}
