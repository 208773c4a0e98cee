"""What a column of each table was made from: its formula, and the rows that went in.

A table without a rule of its own is explained by its origin columns (source, payload digest, row number) or, lacking
those, by the tables that its contract reads. What does not belong here: keys and messages (`lake.explain`), how the rows of a
silver table were put together (`lake.explain_silver`), the rows themselves and their payloads (`lake.explain_rows`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pandas as pd

from lake.chain import Link, plain
from lake.explain_news import News
from lake.explain_past import Past
from lake.explain_rows import LISTED, TRACED, Row, title, values_of
from lake.objects import Store
from lake.sql import ReleaseSql
from market import calendars, registry
from market.datasets.gold.labels import HORIZON
from market.errors import Permanent
from market.features.catalogue import of_table
from market.features.definition import Feature
from market.features.nodes import ExpressionError
from market.features.parse import parse
from market.levels import SPAN
from market.patterns import LOOKBACK
from market.table import Column, Table

_BARS = ("open", "high", "low", "close", "volume")


class Trail(News):
    """Follows the numbers of one release."""

    def __init__(self, sql: ReleaseSql, store: Store | None, past: Past | None) -> None:
        super().__init__(sql, store, past)
        self._rules: dict[str, Callable[[Table, Row, Column], Link]] = {
            "silver.symbols": self._symbol,
            "silver.listings": self._spell,
            "silver.stories": self._story,
            "silver.sentiment": self._read,
            "silver.mentions": self._mention,
            "silver.fundamentals": self._figure,
            "silver.corporate_actions": self._action,
            "silver.adjustments": self._adjustment,
            "silver.news_coverage": lambda table, row, column: self._counted(table, row),
            "gold.prices": self._price,
            "gold.features_daily": self._feature,
            "gold.alpha158": self._feature,
            "gold.sentiment": self._said,
            "gold.patterns": self._found,
            "gold.levels": self._found,
            "gold.labels": self._label,
            "gold.predictions": self._prediction,
            "gold.market_summary": self._summary,
        }

    def link(self, table: Table, row: Row, column: Column) -> Link:
        """The top link of a column of a row; of a value that is null it says so and, where known, why."""
        if table.layer == "bronze":
            return self._delivery(table, row, (column.name,))
        link = self._rules.get(table.name, self._typed)(table, row, column)
        if plain(row[column.name]) is not None:
            return link
        return replace(link, facts={"null": _why_null(column), **link.facts})

    def _price(self, table: Table, row: Row, column: Column) -> Link:
        made_from = self._price_sources(row, (column.name,))
        if column.name in ("factor", "cumulative_factor"):
            made_from += self._factors(row, "=" if column.name == "factor" else "<=")
        return Link(title(table, row), {"meaning": column.doc, **self._about(table, row)}, tuple(made_from))

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
        feature, facts = self._as_written(table, row, column)
        facts |= self._about(table, row)
        if feature is None:
            return Link(title(table, row), facts, self._inputs_of(row, (), 1))
        if feature.is_recursive:
            facts["recursive"] = (
                "carries state from every row of the unbroken series before; the rows below are the newest"
            )
        total, needed = self._n_before(row), feature.lookback + 1
        if plain(row[column.name]) is None:
            facts["null"] = (
                f"{needed} sessions without a break are needed, it has {total}" if total < needed
                else "an input within its window is null, or the formula has no value there"
            )  # fmt: skip
        used = total if feature.is_recursive else min(total, needed)
        return Link(title(table, row), facts, self._inputs_of(row, feature.inputs, used), max(used - LISTED, 0))

    def _said(self, table: Table, row: Row, column: Column) -> Link:
        """A feature of what was said, with the newest headlines that it counts."""
        feature, facts = self._as_written(table, row, column)
        told, links, more = self._headlines(row, feature)
        if feature is not None:
            facts["inputs"] = f"{', '.join(feature.inputs)} of each session's stories"
        links += self._inputs_of(row, ("close", "n_headlines"), 1)  # the session, and whether its news was covered
        return Link(title(table, row), {**facts, **told, **self._about(table, row)}, links, more)

    def _found(self, table: Table, row: Row, column: Column) -> Link:
        """What was found in bars: those that it is made of first, where a price turned and the session's own, then their neighbours."""
        used, made_of = min(self._n_before(row), LOOKBACK + 1), _made_of(row)
        facts = {
            "meaning": column.doc,
            "found in": f"the bars of {used} sessions up to this one",
            **self._about(table, row),
        }
        wanted = ", ".join("?" * len(made_of))
        found = self._rows(
            f"SELECT * FROM gold.prices WHERE security_id = ? AND session_date IN ({wanted}) ORDER BY session_date DESC",
            [row["security_id"], *made_of],
        )
        links = [self._price_link(price, _BARS, is_traced=True) for price in found]
        return Link(title(table, row), facts, tuple(links), max(used - len(links), 0))

    def _as_written(self, table: Table, row: Row, column: Column) -> tuple[Feature | None, dict[str, Any]]:
        """The feature by the expression that made the number, which need not be today's; None where it cannot be read."""
        today = of_table(table.name).get(column.name)
        if today is None:
            return None, {"meaning": column.doc}
        commit = self.commit(table, row)
        text = commit.expressions.get(column.name) if commit is not None else None
        if text is None:
            told = {
                "expression": today.formula,
                "the expression is": "today's; the row's commit is not on record with one",
            }
            return today, told | _described(today)
        if text == today.formula:
            return today, {"expression": text} | _described(today)
        told = {"expression": text, "today": f"{today.formula}; the catalogue has changed since the row was written"}
        try:
            feature = replace(today, expr=parse(text))
        except (ExpressionError, Permanent) as error:
            return None, told | {"inputs": f"not known: this code cannot read the expression ({error})"}
        return feature, told | _read_by(feature)

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
                shown = values_of(price, ("close", "cumulative_factor", "known_at"))
                links.append(Link(title(contract, price), shown, tuple(self._price_sources(price, ("close",)))))
        formula = f"(close / cumulative_factor) {HORIZON} sessions later / the same now - 1"
        return Link(
            title(table, row), {"expression": formula, "meaning": column.doc, **self._about(table, row)}, tuple(links)
        )

    def _prediction(self, table: Table, row: Row, column: Column) -> Link:
        facts = {
            "champion": f"{row['model']} version {row['model_version']}", "run_id": row["run_id"],
            "data_release": row["data_release"], "score": row["score"], "rank": row["rank"], "meaning": column.doc,
            **self._about(table, row),
        }  # fmt: skip
        try:
            links = self._scored(row)
        except Permanent as error:
            links = (Link("the features scored", {"found": f"not there any more: {error}"}),)
        return Link(title(table, row), facts, links)

    def _scored(self, row: Row) -> tuple[Link, ...]:
        """The features that were scored, as the release had them that was scored."""
        name, here = str(row["data_release"]), self.sql.release
        if name == here.release_id:
            return self._features_scored(row)
        if self.past is None:
            return (Link("the features scored", {"found": f"not opened: they are in release {name}"}),)
        scored = self.past.release(name)
        if all(scored.tables.get(t) == here.tables.get(t) for t in ("gold.features_daily", "gold.prices")):
            return self._features_scored(row)
        with self.past.opened(scored) as sql:
            return Trail(sql, self.store, self.past)._features_scored(row)

    def _features_scored(self, row: Row) -> tuple[Link, ...]:
        features = registry.table("gold.features_daily")
        found = self._rows(
            "SELECT * FROM gold.features_daily WHERE security_id = ? AND session_date = ?",
            [row["security_id"], row["session_date"]],
        )
        links = []
        for scored in found:
            values = {c.name: scored[c.name] for c in features.public if c.type == "float64"}
            facts = {
                "values": values, **self._brought("contributions", row, partial(self._up_to, scored)),
                "release": self.sql.release.release_id, **self._about(features, scored),
            }  # fmt: skip
            links.append(Link(title(features, scored), facts, self._inputs_of(scored, ("close",), 1)))
        return tuple(links)

    def _up_to(self, scored: Row, days: int) -> pd.DataFrame:
        """The security's rows of features up to the one that was scored, with those of so many days before."""
        since = scored["session_date"] - timedelta(days=days)
        text = "SELECT * FROM gold.features_daily WHERE security_id = ? AND session_date BETWEEN ? AND ? ORDER BY session_date"
        return pd.DataFrame(self._rows(text, [scored["security_id"], since, scored["session_date"]]))

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
            links.append(Link(title(contract, price), values_of(price, (*shown, "known_at")), tuple(below)))
        facts = {"meaning": column.doc, "securities": n, **self._about(table, row)}
        return Link(title(table, row), facts, tuple(links), n - len(found))

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

    def _inputs_of(self, row: Row, names: Sequence[str], used: int) -> tuple[Link, ...]:
        """The newest input rows of gold.prices, raw with their factor; the very newest down to the payload."""
        found = self._rows(
            "SELECT * FROM gold.prices WHERE security_id = ? AND session_date <= ? ORDER BY session_date DESC LIMIT ?",
            [row["security_id"], row["session_date"], min(used, LISTED)],
        )
        return tuple(self._price_link(price, names, is_traced=i < TRACED) for i, price in enumerate(found))

    def _price_link(self, price: Row, names: Sequence[str], *, is_traced: bool) -> Link:
        """A row of gold.prices, raw with its factor, down to the payload where it is traced."""
        below = self._price_sources(price, names or ("close",)) if is_traced else []
        shown = values_of(price, (*names, "cumulative_factor", "known_at"))
        return Link(title(registry.table("gold.prices"), price), shown, tuple(below))

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


def _made_of(row: Row) -> list[date]:
    """Sessions whose bars say what a pattern or level is: its pivots, and its own."""
    if "level_id" not in row:
        pivots = [row[name] for name in row if name.startswith("pivot_") and row[name] is not None]
        return sorted({row["start_date"], *pivots, row["session_date"]})
    formed = row["formed_date"]
    turned = formed
    for _ in range(SPAN if row["kind"] == "pivot" else 0):  # a turn is confirmed so many sessions later
        turned = calendars.previous_session(row["exchange"], turned)
    return sorted({turned, formed, row["session_date"]})


def _why_null(column: Column) -> str:
    """What the contract says of a null there."""
    said = [part for part in column.doc.split("; ") if "null" in part]
    return "; ".join(said) or "not known: nothing told it"


def _described(feature: Feature) -> dict[str, Any]:
    return {"meaning": feature.doc, "unit": feature.unit, "source": feature.source, **_read_by(feature)}


def _read_by(feature: Feature) -> dict[str, Any]:
    return {
        "inputs": ", ".join(feature.inputs) + " on forward-adjusted prices",
        "lookback": f"{feature.lookback} sessions",
    }
