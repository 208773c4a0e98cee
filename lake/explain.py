"""The chain behind one number: release, table version, formula, input rows, bronze request and payload digest, code.

What does not belong here: how each table's rows lead to others (`lake.explain_links`), printing (`lake.chain`).
"""

import difflib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from lake.chain import Chain, Link
from lake.explain_links import Trail
from lake.explain_past import Past
from lake.objects import Store
from lake.sql import ReleaseSql
from market import registry
from market.errors import Permanent
from market.table import Column, Table

__all__ = ["Chain", "Link", "Past", "explain"]

_MADE_OF = "gold.prices_adjusted"


def explain(
    sql: ReleaseSql, table: str, *key_and_column: str | date, store: Store | None = None, past: Past | None = None
) -> Chain:
    """Where one number of the release comes from.

    Parameters
    ----------
    table : a table of the contracts.
    key_and_column : the key in the contract's order and, last, the column. A security by code or id; key columns at the
        end may be left out where what remains names one row (`known_at` of a silver row: the version that is true now).
    store : the lake's files; with it every payload reached is read and held against its digest (`verified`).
    past : the lake's commits and releases; with it every row says which commit wrote it (`written by`), a feature shows the
        expression of that commit, and a prediction the features of the release that was scored.

    Raises
    ------
    Permanent
        No such table, column or row; the message names what there is.
    """
    contract = _contract(table)
    if len(key_and_column) < 2:
        expected = f"{' '.join(contract.key).upper()} and a column"
        raise Permanent(f"explain {table}", expected=expected, found=" ".join(map(str, key_and_column)) or "nothing")
    *key, name = key_and_column
    column = _column(contract, str(name))
    row = _row(sql, contract, _key(sql, contract, key))
    trail = Trail(sql, store, past)
    commit = trail.commit(contract, row)
    return Chain(
        table=table,
        key={part: row[part] for part in contract.key},
        column=column.name,
        value=row[column.name],
        unit=column.unit,
        known_at=row["known_at"],
        meta={
            **sql.release.meta,
            "delta_version": sql.release.tables.get(table),
            "written_by": commit.code_sha if commit is not None else None,
        },
        link=trail.link(contract, row, column),
    )


def _contract(name: str) -> Table:
    try:
        return registry.table(name)
    except KeyError as error:
        names = ", ".join(registry.tables())
        do = f"Raw prices and factors are in gold.prices: explain those of {_MADE_OF}" if name == _MADE_OF else ""
        raise Permanent("explain", expected=f"a table among {names}", found=repr(name), do=do) from error


def _column(table: Table, name: str) -> Column:
    found = {column.name: column for column in table.public}
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        do = f"Did you mean {near[0]}?" if near else ""
        raise Permanent(f"explain {table.name}", expected=f"a column among {', '.join(found)}", found=repr(name), do=do)
    return found[name]


def _key(sql: ReleaseSql, table: Table, given: list[str | date]) -> dict[str, Any]:
    if len(given) > len(table.key):
        expected = f"at most {len(table.key)} key parts ({', '.join(table.key)})"
        raise Permanent(f"explain {table.name}", expected=expected, found=f"{len(given)}", keys=given)
    key: dict[str, Any] = dict(zip(table.key, given, strict=False))
    if "security_id" in key:
        key["security_id"] = _security(sql, str(key["security_id"]))
    for name, value in key.items():
        key[name] = _part(table, name, value)
    return key


def _security(sql: ReleaseSql, given: str) -> str:
    if ":" in given:
        return given
    found = sql.query(
        "SELECT security_id FROM silver.symbols WHERE symbol = ? "
        "ORDER BY known_until IS NULL DESC, known_at DESC LIMIT 1",
        [given],
    )
    if not found.num_rows:
        found = sql.query(
            "SELECT security_id FROM gold.prices WHERE symbol = ? ORDER BY session_date DESC LIMIT 1", [given]
        )
    if found.num_rows:
        return str(found["security_id"][0].as_py())
    symbols = sql.query("SELECT DISTINCT symbol FROM silver.symbols ORDER BY symbol")["symbol"].to_pylist()
    near = difflib.get_close_matches(given, symbols, n=3, cutoff=0.5) or symbols[:5]
    raise Permanent(
        f"symbol {given}", expected=f"one of the {len(symbols)} of release {sql.release.release_id}", found="unknown",
        do=f"There are {', '.join(near)}" if near else "The release holds no symbols",
    )  # fmt: skip


def _part(table: Table, name: str, value: Any) -> Any:
    """A part of the key in its column's type, since an engine may not compare an instant with a text."""
    read = _READ.get(table.column(name).type)
    if read is None or isinstance(value, date):
        return value
    of_text, example = read
    try:
        return of_text(str(value))
    except ValueError as error:
        raise Permanent(f"explain {table.name}", expected=f"{name} such as {example}", found=repr(value)) from error


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no offset")
    return found


_READ: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "date": (date.fromisoformat, "2024-05-03"), "timestamp": (_instant, "2024-05-03T06:30:00Z"),
    "int32": (int, "7"), "int64": (int, "7"),
}  # fmt: skip


def _row(sql: ReleaseSql, table: Table, key: dict[str, Any]) -> dict[str, Any]:
    """The one row of the key; of a bitemporal table the version that is true now unless known_at is given."""
    where = " AND ".join(f'"{name}" = ?' for name in key)
    true_now = " AND known_until IS NULL" if table.is_bitemporal and "known_at" not in key else ""
    rows = sql.query(f"SELECT * FROM {table.name} WHERE {where}{true_now} LIMIT 6", list(key.values())).to_pylist()
    shown = ", ".join(f"{name} {value}" for name, value in key.items())
    if not rows:
        raise Permanent(
            f"explain {table.name}", expected=f"a row of {shown}", found="none", do=_there_is(sql, table, key)
        )
    if len(rows) > 1:
        missing = [name for name in table.key if name not in key]
        said = [" ".join(str(row[name]) for name in missing) for row in rows]
        expected = f"{', '.join(missing)} too, since {shown} has several rows"
        raise Permanent(f"explain {table.name}", expected=expected, found="left out", keys=said)
    found: dict[str, Any] = rows[0]
    return found


def _there_is(sql: ReleaseSql, table: Table, key: dict[str, Any]) -> str:
    """What the table holds for the first part of the key, or what parts there are."""
    first, value = next(iter(key.items()))
    if "session_date" in key and first != "session_date":
        found = sql.query(
            "SELECT min(session_date) AS first, max(session_date) AS last, count(*) AS n "
            f'FROM {table.name} WHERE "{first}" = ?',
            [value],
        ).to_pylist()[0]
        if found["n"]:
            return f"{value} has rows from {found['first']} to {found['last']}"
    rows = sql.query(f'SELECT DISTINCT "{first}" AS part FROM {table.name} ORDER BY 1 LIMIT 5')["part"].to_pylist()
    return f"{first} is for example {', '.join(map(str, rows))}" if rows else f"{table.name} is empty in this release"
