"""What a column of a silver table was made from, where one delivery does not tell the row: other rows, and all their payloads.

What does not belong here: silver rows that a single delivery tells (`lake.explain_rows`), and gold (`lake.explain_links`).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from lake.chain import Link
from lake.explain_rows import LISTED, Row, Rows, by_then, title, values_of
from market import identity, lookup, registry
from market.datasets.bronze.krx_services import OPEN
from market.datasets.silver import corporate_actions, fundamentals, symbols
from market.datasets.silver._feeds import series_column
from market.datasets.silver.listings import LIQUIDATION, SERVICE, SHOWN_BY
from market.table import Column, Frames, Table

BARS = "silver.prices"
RECEIPT = "DART "


class Silver(Rows):
    """Follows the numbers of silver tables whose rows were put together."""

    def _typed(self, table: Table, row: Row, column: Column) -> Link:
        """A row that one delivery tells; of a table that none does, what its contract reads."""
        facts = {**self._about(table, row), "meaning": column.doc}
        if "payload_digest" in row and "row_no" in row:
            return Link(title(table, row), facts, self._deliveries(table, row))
        facts["made from"] = ", ".join(read.table for read in table.reads) or (
            "what the pipeline recorded as it worked" if table.layer == "ops" else "the exchange's calendar"
        )
        return Link(title(table, row), facts)

    def _symbol(self, table: Table, row: Row, column: Column) -> Link:
        """What told the company's number or name; else the row of silver.securities that first showed the rest."""
        facts = {**self._about(table, row), "meaning": column.doc}
        if column.name in lookup.KINDS:
            return Link(title(table, row), facts, self._teller(row, column.name))
        links = self._listed(row["security_id"], row)
        if column.name == "common_id" and row["common_id"] is not None:
            links += self._listed(row["common_id"], row)
        if column.name in ("valid_from", "known_at"):  # the version may have begun with a number or a name
            links += tuple(link for kind in lookup.KINDS for link in self._teller(row, kind))
        return Link(title(table, row), facts, links)

    def _listed(self, security: str, row: Row) -> tuple[Link, ...]:
        contract = registry.table("silver.securities")
        query = "SELECT * FROM silver.securities WHERE security_id = ? AND known_at <= ? ORDER BY known_at DESC LIMIT 1"
        shown = ("symbol", "name", "name_en", "market", "isin", "share_class")
        return tuple(self._silver(contract, one, shown) for one in self._rows(query, [security, row["known_at"]]))

    def _teller(self, row: Row, kind: str) -> tuple[Link, ...]:
        """The filing or list whose number or name the row has, by the tables' own functions: of two at once the greater counts."""
        if row[kind] is None:
            return ()
        whose = [row["security_id"]]
        if kind in lookup.COMPANY and row["common_id"] is not None:
            whose.append(row["common_id"])
        frames = self._frames(row["exchange"], whose)
        told = [
            (one["known_at"], one["value"], name, one)
            for name, tells in symbols.TELLERS.items()
            for one in _said(tells, self._concerning(name, whose), frames)
            if one["kind"] == kind and one["security_id"] in whose and one["known_at"] <= row["known_at"]
        ]
        if not told:
            return ()
        *_, name, newest = max(told, key=lambda one: one[:2])
        contract = registry.table(name)
        if contract.layer == "silver":
            query = f"SELECT * FROM {name} WHERE payload_digest = ? AND row_no = ? AND security_id = ? ORDER BY known_at LIMIT 1"
            found = self._rows(query, [newest["payload_digest"], newest["row_no"], newest["security_id"]])
            return tuple(self._silver(contract, one, ("corp_code", "corp_name", "report_name")) for one in found)
        delivered = self._delivered(contract, newest)
        return (self._delivery(contract, delivered),) if delivered is not None else ()

    def _concerning(self, name: str, securities: Sequence[str]) -> pa.Table:
        """Rows of a table that tells numbers and names, of those securities alone."""
        is_silver = registry.table(name).layer == "silver"
        column = "security_id" if is_silver else f"trim({series_column(name)})"
        wanted = securities if is_silver else [identity.symbol_of(one) for one in securities]
        return self.sql.query(f"SELECT * FROM {name} WHERE {column} IN ({', '.join('?' * len(wanted))})", wanted)

    def _frames(self, exchange: str, securities: Sequence[str]) -> Frames:
        """The tables beside a bronze table that its way to silver reads: the sessions, and the holders of those securities' codes."""
        codes = [identity.symbol_of(one) for one in securities]
        holders = f"SELECT * FROM silver.securities WHERE exchange = ? AND symbol IN ({', '.join('?' * len(codes))})"
        return {
            "silver.sessions": self.sql.query("SELECT * FROM silver.sessions WHERE exchange = ?", [exchange]),
            "silver.securities": self.sql.query(holders, [exchange, *codes]),
        }

    def _spell(self, table: Table, row: Row, column: Column) -> Link:
        """The rows of its first and last session, and after its end what the next answer told, or that it told nothing."""
        shows = SHOWN_BY[row["status"]]
        first, last = row["first_session"], row["last_session"]
        days = [day for day in dict.fromkeys((first, last)) if day is not None]
        found = [link for day in days for link in self._shown(shows, row, "session_date = ?", day, "session_date")]
        if row["status"] == LIQUIDATION:
            found = [*self._shown(shows, row, "session_date < ?", first, "session_date DESC"), *found]
        if last is not None:
            found += self._after(shows, row, last)
        facts = {**values_of(row, ("status", "evidence")), "meaning": column.doc, **self._about(table, row)}
        return Link(title(table, row), facts, tuple(found))

    def _shown(self, shows: str, row: Row, where: str, day: date, order: str) -> list[Link]:
        """The security in the first session that the condition and the order name, as it was believed with the row."""
        found = self._observed(shows, row, where, day, order)
        if found is None:
            return []
        contract = registry.table(shows)
        if shows == BARS:
            return [self._silver(contract, found, ("is_halted", "open", "high", "low", "close", "volume"))]
        return [self._delivery(contract, found)]

    def _observed(self, shows: str, row: Row, where: str, day: date, order: str) -> Row | None:
        if shows == BARS:
            key = [row["security_id"], day]
            found = self._believed(BARS, row["known_at"], f"security_id = ? AND {where}", key, f"{order} LIMIT 1")
            return found[0] if found else None
        query = f"SELECT * FROM {shows} WHERE {series_column(shows)} = ? AND {where} ORDER BY {order}, fetched_at LIMIT {LISTED}"
        delivered = self._rows(query, [identity.symbol_of(row["security_id"]), day])
        of_day = [one for one in delivered if one["session_date"] == delivered[0]["session_date"]]
        return by_then(of_day, row["known_at"])

    def _after(self, shows: str, row: Row, last: date) -> list[Link]:
        """The security in the first answer after the last session, or the answers of all boards where it is in none."""
        answers = self._rows(
            "SELECT * FROM bronze.krx_services WHERE session_date > ? AND service LIKE ? AND market IS NOT NULL "
            f"AND state = ? AND n_rows <> '0' ORDER BY session_date, service, fetched_at LIMIT {LISTED}",
            [last, f"%{SERVICE[shows]}", OPEN],
        )
        there = self._observed(shows, row, "session_date > ?", last, "session_date")
        if there is not None and (not answers or there["session_date"] <= answers[0]["session_date"]):
            return self._shown(shows, row, "session_date > ?", last, "session_date")
        contract = registry.table("bronze.krx_services")
        boards = {one["service"]: one for one in answers if one["session_date"] == answers[0]["session_date"]}
        return [self._delivery(contract, one) for one in boards.values()]

    def _figure(self, table: Table, row: Row, column: Column) -> Link:
        """The filing that told it; of a derived one every part, found as the table's own function finds them."""
        link = self._typed(table, row, column)
        found = self._parts(table, row) if row["is_derived"] else ()
        if not found:
            return link
        facts = {**link.facts, "calculated": "the first figure less the others"}
        return Link(link.what, facts, found)

    def _parts(self, table: Table, row: Row) -> tuple[Link, ...]:
        for name, told in fundamentals.FEEDS.items():
            bronze = registry.table(name)
            last = self._delivered(bronze, row) if bronze.source == row["source"] else None
            if last is None:
                continue
            series = series_column(name)
            company = self.sql.query(f"SELECT * FROM {name} WHERE {series} = ?", [last[series]])
            made = told(company, self._frames(row["exchange"], [row["security_id"]])).to_pylist()
            same = [one for one in made if all(one[part] == row[part] for part in table.key)]
            origins = [text.split(":") for one in same[:1] for text in (one.get("parts") or "").split()]
            parts = [
                self._delivered(bronze, {**row, "payload_digest": digest, "row_no": int(row_no)})
                for digest, row_no in origins
            ]
            return tuple(self._delivery(bronze, part) for part in parts if part is not None)
        return ()

    def _action(self, table: Table, row: Row, column: Column) -> Link:
        """The list, report or chart that told it; of a decision's ratio the decision's figures."""
        link = self._typed(table, row, column)
        ratio = self._ratio(row) if column.name == "price_factor" else ()
        return Link(link.what, link.facts, ratio or link.links)

    def _ratio(self, row: Row) -> tuple[Link, ...]:
        """The figures of a Korean decision that tell its price factor."""
        links: list[Link] = []
        if row["price_factor"] is not None and row["evidence"].startswith(RECEIPT):
            for name in corporate_actions.RATIOS:
                query = f"SELECT * FROM {name} WHERE rcept_no = ? ORDER BY fetched_at, payload_digest, row_no"
                told = by_then(self._rows(query, [row["evidence"].removeprefix(RECEIPT)]), row["known_at"])
                links += [self._delivery(registry.table(name), told)] if told else []
        return tuple(links)

    def _adjustment(self, table: Table, row: Row, column: Column) -> Link:
        """The bars of the ex-date and the session before, and what disclosed the factor, all as they were believed with the row."""
        names = ("factor", "cause", "evidence", "confidence", "disclosed_by")
        prices, actions = registry.table("silver.prices"), registry.table("silver.corporate_actions")
        key = [row["security_id"], row["session_date"]]
        bars = self._believed(
            prices.name, row["known_at"], "security_id = ? AND session_date <= ?", key, "session_date DESC LIMIT 2"
        )
        decision = row.get("disclosed_by") if row["exchange"] == "XKRX" else None
        told = self._believed(
            actions.name, row["known_at"], "((security_id = ? AND session_date = ?) OR evidence = ?)",
            [*key, decision or ""], "session_date, action",
        )  # fmt: skip
        links = [self._silver(prices, bar, ("close", "base_price", "open", "listed_shares")) for bar in bars]
        for one in told:
            link = self._silver(actions, one, ("action", "report_name", "price_factor", "amount"))
            links.append(Link(link.what, link.facts, (*link.links, *self._ratio(one))))
        return Link(title(table, row), {**values_of(row, names), **self._about(table, row)}, tuple(links))


def _said(tells: Any, rows: pa.Table, frames: Frames) -> list[dict[str, Any]]:
    """What the rows tell of numbers and names; nothing where there are none."""
    if not rows.num_rows:
        return []
    told: list[dict[str, Any]] = tells(rows, frames).to_pylist()
    return told
