"""What headlines are behind a number: a story's, a mention's, a count's, and what a model of headlines said.

What does not belong here: other silver tables (`lake.explain_silver`), and prices (`lake.explain_links`).
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from lake.chain import Link
from lake.explain_rows import LISTED, Row, title, values_of
from lake.explain_silver import Silver
from lake.windows import sessions_back
from market import mentions, registry
from market.features.definition import Feature
from market.table import Column, Table


class News(Silver):
    """Follows the numbers that were made from headlines."""

    def _story(self, table: Table, row: Row, column: Column) -> Link:
        """The headline as it was first told, and the first one of its story."""
        news = registry.table("silver.news")
        links = []
        for url in dict.fromkeys((row["url"], row["first_url"])):
            query = (
                "SELECT * FROM silver.news WHERE security_id = ? AND session_date = ? AND url = ? "
                "ORDER BY known_at, payload_digest, row_no LIMIT 1"
            )
            found = self._rows(query, [row["security_id"], row["session_date"], url])
            links += [self._silver(news, one, ("title", "press", "published_at")) for one in found]
        facts = {**values_of(row, ("link", "likeness")), "meaning": column.doc, **self._about(table, row)}
        return Link(title(table, row), facts, tuple(links))

    def _mention(self, table: Table, row: Row, column: Column) -> Link:
        """The headline that first named the security, and what told the name that stands there."""
        news, names = registry.table("silver.news"), registry.table("silver.symbols")
        query = (
            "SELECT * FROM silver.news WHERE session_date = ? AND url = ? AND payload_digest = ? AND row_no = ? LIMIT 1"
        )
        found = self._rows(query, [row[name] for name in ("session_date", "url", "payload_digest", "row_no")])
        links = [self._silver(news, one, ("title", "summary", "published_at")) for one in found]
        for one in self._believed(names.name, row["published_at"], "security_id = ?", [row["security_id"]], "known_at"):
            called = next((name for name in mentions.NAMES if row["name"] in mentions.forms(one[name] or "")), "name")
            links.append(self._symbol(names, one, names.column(called)))
        facts = {**values_of(row, ("mention", "name")), "meaning": column.doc, **self._about(table, row)}
        return Link(title(table, row), facts, tuple(links))

    def _counted(self, table: Table, row: Row) -> Link:
        """A count of stories: what each search covered, down to its payload, and the stories' first headlines, as they were believed."""
        key, here = [row["security_id"], row["session_date"]], "security_id = ? AND session_date = ?"
        searches, news = registry.table("silver.news_searches"), registry.table("silver.news")
        told = self._believed(searches.name, row["known_at"], here, key, "source DESC")
        links = [self._silver(searches, one, ("is_covered", "n_items")) for one in told]
        first = self._believed(
            news.name, row["known_at"], f"{here} AND url IN (SELECT first_url FROM silver.stories WHERE {here})",
            [*key, *key], "published_at, url",
        )  # fmt: skip
        links += [self._silver(news, one, ("title", "published_at")) for one in first[:LISTED]]
        facts = {**values_of(row, ("is_covered", "n_headlines", "sources")), **self._about(table, row)}
        return Link(title(table, row), facts, tuple(links), max(len(first) - LISTED, 0))

    def _coverage(self, key: Sequence[Any]) -> list[Link]:
        contract = registry.table("silver.news_coverage")
        query = "SELECT * FROM silver.news_coverage WHERE security_id = ? AND session_date = ? AND known_until IS NULL"
        found = [self._counted(contract, row) for row in self._rows(query, key)]
        return found or [Link(contract.name, {"found": "no row: the collection did not cover this session"})]

    def _read(self, table: Table, row: Row, column: Column, *, by_word: bool = True) -> Link:
        """The version of a headline that the model read, and which model; of a number asked for itself, what each word brought."""
        news = registry.table("silver.news")
        key = [row[name] for name in news.key]
        found = self._rows("SELECT * FROM silver.news WHERE security_id = ? AND url = ? AND known_at = ? LIMIT 1", key)
        links = [self._silver(news, one, ("title", "press", "published_at")) for one in found]
        words = self._brought("words", row, lambda _: pd.DataFrame({"text": [row["title"]]})) if by_word else {}
        if words:
            words["words are"] = "what the level would lose without each of them; they need not add up to it"
        said = {"read by": f"{row['model']} version {row['model_version']}", "run_id": row["run_id"]}
        shown = values_of(row, ("title", "negative", "neutral", "positive", "level"))
        return Link(
            title(table, row),
            {**said, **shown, **words, "meaning": column.doc, **self._about(table, row)},
            tuple(links),
        )

    def _headlines(self, row: Row, feature: Feature | None) -> tuple[dict[str, Any], tuple[Link, ...], int]:
        """Of a feature of what was said: how many headlines its window holds, the newest of them, and how many more there are."""
        first = sessions_back(row["session_date"], 0 if feature is None else feature.lookback)
        found = self._rows(
            "SELECT * FROM silver.sentiment WHERE security_id = ? AND session_date BETWEEN ? AND ? ORDER BY session_date DESC, known_at DESC",
            [row["security_id"], first, row["session_date"]],
        )
        table = registry.table("silver.sentiment")
        links = tuple(self._read(table, one, table.column("level"), by_word=False) for one in found[:LISTED])
        return {"headlines read": len(found), "since": first}, links, len(found) - len(links)
