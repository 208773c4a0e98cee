"""Readings of a release as of an instant: which rows were believed then, and series on comparable scales.

Prices as of an instant are made by gold's own function from the versions of silver believed then, so that they are what
gold would have held. What does not belong here: shapes for people (`marketlake.frames`), arithmetic (`market`).
"""

import difflib
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import pandas as pd
import pyarrow as pa

from lake import ended, holders
from lake.sql import ReleaseSql
from market import adjust, lookup, registry
from market.errors import Permanent
from market.features.definition import Feature
from market.features.inputs import SECTOR
from market.fundamentals import ITEMS
from market.table import Window

_NOTHING_BEFORE = date(1900, 1, 1)
_BARS = """
SELECT security_id, symbol, exchange, market, currency, close, market_cap, is_halted, known_at FROM silver.prices
WHERE session_date = ? AND known_at <= ? AND (known_until IS NULL OR known_until > ?)
"""
_LISTED = f"""
SELECT security_id, symbol, name, exchange, market, currency, kind, list_date, close, market_cap, is_halted, known_at
FROM (
    SELECT p.security_id, coalesce(p.symbol, s.symbol) AS symbol, s.name, p.exchange, coalesce(p.market, s.market) AS market,
           coalesce(p.currency, s.currency) AS currency, s.kind, s.list_date, p.close, p.market_cap, p.is_halted, p.known_at,
           row_number() OVER (
               PARTITION BY p.security_id ORDER BY s.known_at::DATE <= ? DESC, s.known_at DESC
           ) AS place
    FROM (
        {_BARS} UNION ALL
        SELECT l.security_id, NULL, l.exchange, NULL, NULL, NULL, NULL, NULL, l.known_at FROM silver.listings l
        WHERE l.status = 'listed' AND l.first_session <= ? AND (l.last_session IS NULL OR l.last_session >= ?)
            AND l.known_at <= ? AND (l.known_until IS NULL OR l.known_until > ?)
            AND EXISTS (SELECT 1 FROM silver.sessions d WHERE d.exchange = l.exchange AND d.session_date = ?)
            AND l.security_id NOT IN (SELECT security_id FROM ({_BARS}))
    ) p LEFT JOIN (
        SELECT * FROM silver.securities WHERE known_at <= ?
    ) s ON s.security_id = p.security_id
)
WHERE place = 1 ORDER BY security_id
"""
_FIGURE = (
    "security_id", "item", "basis", "span", "fiscal_period", "period_start", "period_end", "value", "currency",
    "is_derived", "filing_no", "form", "known_at",
)  # fmt: skip
_SPELLS = f"""
SELECT security_id, status, first_session, last_session, reason, reason_class, evidence, known_at FROM ({ended.SPELLS})
WHERE ? IS NULL OR (first_session <= ? AND (last_session IS NULL OR last_session >= ?))
ORDER BY security_id, first_session, status
"""
_TRUE_THEN = "known_at <= ? AND (known_until IS NULL OR known_until > ?)"


def instant_of(text: str | datetime | pd.Timestamp) -> datetime:
    """An instant in UTC.

    Raises
    ------
    Permanent
        It is no instant, or has no time zone: a day alone does not say when.
    """
    try:
        instant = pd.Timestamp(text)
    except (ValueError, TypeError) as error:
        raise _no_instant(text, str(error)) from error
    if instant is pd.NaT or instant.tzinfo is None:
        raise _no_instant(text, "one without a time zone")
    moment: datetime = instant.to_pydatetime()
    return moment.astimezone(UTC)


def day_in(text: str | datetime | date | None) -> date | None:
    """The day that a text or date is without a time; None where it has one, or is none."""
    if isinstance(text, datetime) or text is None:
        return None
    if isinstance(text, date):
        return text
    return day_of(text) if re.fullmatch(r"\d{4}-?\d\d-?\d\d", text.strip()) else None


def end_of(day: date) -> datetime:
    """The last instant of a day (UTC): the sessions of both exchanges have closed."""
    return datetime.combine(day, time.max, UTC)


def day_of(text: str | date) -> date:
    """A session date, from a date or its ISO form.

    Raises
    ------
    Permanent
        It is no date.
    """
    if isinstance(text, datetime):
        return text.date()
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise Permanent("date", expected="a day such as 2024-05-03", found=repr(text)) from error


def span_of(start: str | date, end: str | date) -> tuple[date, date]:
    """First and last day, both included.

    Raises
    ------
    Permanent
        One is no date, or they are reversed.
    """
    first, last = day_of(start), day_of(end)
    if first > last:
        raise Permanent("dates", expected="a start up to the end", found=f"{first} after {last}")
    return first, last


def security_ids(sql: ReleaseSql, symbols: str | Sequence[str], at: datetime | Sequence[datetime]) -> list[str]:
    """Ids of codes or ids, in the order asked: whoever had the code at the instant, else the last one that had it.

    Parameters
    ----------
    at : one instant (UTC), or one for each symbol.

    Raises
    ------
    Permanent
        The release knows no such security; the message names the nearest codes.
    """
    asked = [symbols] if isinstance(symbols, str) else list(symbols)
    instants = [at] * len(asked) if isinstance(at, datetime) else list(at)
    known = sql.once(holders.read)
    missing = list(dict.fromkeys(name for name in asked if name not in known.ids and name not in known.codes))
    told = _priced(sql, missing) if missing else {}
    unknown = [name for name in missing if name not in told]
    if unknown:
        near = difflib.get_close_matches(str(unknown[0]), [*known.codes, *known.ids], n=3, cutoff=0.5)
        raise Permanent(
            "symbols", expected=f"securities that release {sql.release.release_id} knows", found="unknown ones",
            keys=unknown, do=f"Did you mean {', '.join(near)}?" if near else "See lake.universe(day)",
        )  # fmt: skip
    ids = {name: name for name in known.ids} | told
    return [ids.get(name) or known.of(name, at)[-1] for name, at in zip(asked, instants, strict=True)]


def _priced(sql: ReleaseSql, missing: Sequence[str]) -> dict[str, str]:
    """Ids of codes and ids that no list names, where they have prices."""
    found = sql.query(
        "SELECT DISTINCT security_id, symbol FROM gold.prices "
        "WHERE list_contains(?, symbol) OR list_contains(?, security_id)",
        [missing, missing],
    ).to_pylist()
    return {name: row["security_id"] for row in found for name in (row["symbol"], row["security_id"])}


def identified(sql: ReleaseSql, text: str, as_of: datetime) -> pa.Table:
    """The rows of silver.symbols that were true at the instant for the security that the text meant, with `matched`.

    Raises
    ------
    Permanent
        The text meant no security then, or several; the message says which, and since or until when.
    """
    columns = ", ".join(f'"{column.name}"' for column in registry.table("silver.symbols").public)
    symbols = sql.query(f"SELECT {columns} FROM silver.symbols").to_pandas(timestamp_as_object=False)
    found = lookup.resolve(symbols, text, pd.Timestamp(as_of))
    if found.kind != "found":
        raise _not_one(found, symbols, text, as_of)
    return pa.Table.from_pandas(found.rows.drop(columns="known_until"), preserve_index=False)


def _not_one(found: lookup.Answer, symbols: pd.DataFrame, text: str, as_of: datetime) -> Permanent:
    where, rows = f"symbol {text} as of {as_of:%Y-%m-%d %H:%M} UTC", found.rows
    if found.kind == "ambiguous":
        keys = [f"{row.security_id} ({row.name})" for row in rows.itertuples(index=False)]
        return Permanent(where, expected="one security", found=f"{len(keys)}", keys=keys, do="Ask for one of the ids")
    if found.kind == "unknown":
        known = symbols[list(lookup.IDENTIFIERS)].stack().astype(str).unique().tolist()
        near = difflib.get_close_matches(text, known, n=3, cutoff=0.6)
        return Permanent(
            where, expected="an id, code, Yahoo symbol, ISIN, DART corp code, CIK or name", found="unknown",
            do=f"Did you mean {', '.join(near)}?" if near else "`marketlake sql \"FROM silver.symbols\"` lists them",
        )  # fmt: skip
    holder = rows.iloc[0]
    if found.kind == "not_yet":
        said = f"known only from {holder['known_at']:%Y-%m-%d %H:%M} UTC, as {holder['matched']} of {holder['security_id']}"
    else:
        said = f"{holder['matched']} of {holder['security_id']} until {holder['known_until']:%Y-%m-%d %H:%M} UTC"
    return Permanent(where, expected="an identifier in use", found=said, do="Ask for that id, or as of another day")


def listed(sql: ReleaseSql, session: date, as_of: datetime) -> pa.Table:
    """Every security with a bar in the session, halted too, and whatever was listed without one: its bar was refused, and its close is
    null. As believed at the instant; names as of the session.
    """
    bars = [session, as_of, as_of]
    return sql.query(_LISTED, [session, *bars, session, session, as_of, as_of, session, *bars, as_of])


def spells(sql: ReleaseSql, session: date | None, as_of: datetime) -> pa.Table:
    """Spells of the listings as believed at the instant: those that hold on the session, or all; with why a listing ended, where told."""
    return sql.query(_SPELLS, [*ended.then(as_of), session, session, session])


def sectors_for(sql: ReleaseSql, feature: Feature, as_of: datetime) -> pd.DataFrame | None:
    """The sectors believed at the instant, each from the session that told it on; None where the feature reads none."""
    if SECTOR not in feature.inputs:
        return None
    names = "security_id, session_date, sector_scheme, sector, known_at"
    rows = sql.query(f"SELECT {names} FROM silver.sectors WHERE {_TRUE_THEN} ORDER BY session_date", [as_of, as_of])
    return rows.to_pandas()


def everyone(sql: ReleaseSql) -> list[str]:
    """Every security that ever had a price."""
    return [
        str(one)
        for one in sql.query("SELECT DISTINCT security_id FROM gold.prices ORDER BY 1")["security_id"].to_pylist()
    ]


def bars(sql: ReleaseSql, securities: Sequence[str], end: date, as_of: datetime | None) -> pd.DataFrame:
    """Raw bars of whole series up to the end, with factors, as believed at the instant; None: as the release believes.

    Returns
    -------
    The columns of gold.prices, ordered by security and session.
    """
    ids = list(securities)
    if as_of is None:
        rows = sql.query(
            "SELECT * FROM gold.prices WHERE list_contains(?, security_id) AND session_date <= ?", [ids, end]
        )
    else:
        rows = _bars_then(sql, ids, end, as_of)
    frame = rows.to_pandas(timestamp_as_object=False)
    return frame.sort_values(["security_id", "session_date"], ignore_index=True)


def last_factors(sql: ReleaseSql, rows: pd.DataFrame, as_of: datetime | None) -> pd.Series:
    """The product of the factors up to each security's last bar known at the instant, aligned with the rows: the scale of the as-of day."""
    ids = rows["security_id"].unique().tolist()
    if as_of is None:
        query = (
            "SELECT security_id, max_by(cumulative_factor, session_date) AS factor FROM gold.prices "
            "WHERE list_contains(?, security_id) GROUP BY security_id"
        )
        told = sql.query(query, [ids]).to_pandas()
        scale = dict(zip(told["security_id"], told["factor"], strict=True))
    else:
        query = f"SELECT security_id, max(session_date) AS session_date FROM silver.prices WHERE list_contains(?, security_id) AND {_TRUE_THEN} GROUP BY security_id"
        last = sql.query(query, [ids, as_of, as_of]).to_pandas()
        ledger = _ledger_then(sql, ids, as_of).to_pandas(timestamp_as_object=False)
        scale = dict(zip(last["security_id"], adjust.cumulative_factor(ledger, last), strict=True))
    return rows["security_id"].map(scale).astype("float64")


def reported(sql: ReleaseSql, securities: Sequence[str], items: Sequence[str], as_of: datetime | None) -> pa.Table:
    """Figures of the companies' reports, ordered by security, item and period, as believed at the instant; None: now.

    Parameters
    ----------
    items : those wanted; none: all.

    Raises
    ------
    Permanent
        There is no such item.
    """
    if unknown := [item for item in items if item not in ITEMS]:
        raise Permanent("fundamentals", expected=f"items among {', '.join(ITEMS)}", found="others", keys=unknown)
    where, values = ("known_until IS NULL", []) if as_of is None else (_TRUE_THEN, [as_of, as_of])
    names = ", ".join(column.name for column in registry.table("silver.fundamentals").public if column.name in _FIGURE)
    return sql.query(
        f"SELECT {names} FROM silver.fundamentals WHERE list_contains(?, security_id) AND list_contains(?, item) "
        f"AND {where} ORDER BY security_id, item, basis, currency, span, period_end",
        [list(securities), list(items or ITEMS), *values],
    )


def adjustments(sql: ReleaseSql, securities: Sequence[str] | None, as_of: datetime) -> pa.Table:
    """The factors believed at the instant, of these securities or of all (None), ordered by ex-date."""
    return sql.query(
        "SELECT session_date, security_id, exchange, factor, cause, evidence, confidence, disclosed_by, known_at "
        f"FROM silver.adjustments WHERE {_TRUE_THEN} AND (? IS NULL OR list_contains(?, security_id)) "
        "ORDER BY session_date, security_id",
        [as_of, as_of, None if securities is None else "some", list(securities or [])],
    )


def _bars_then(sql: ReleaseSql, ids: list[str], end: date, as_of: datetime) -> pa.Table:
    contract = registry.table("gold.prices")
    rows = sql.query(
        f"""SELECT p.*, c.n_headlines, c.news_known_at FROM silver.prices p LEFT JOIN (
                SELECT security_id, session_date, n_headlines, known_at AS news_known_at
                FROM silver.news_coverage WHERE {_TRUE_THEN}
            ) c ON c.security_id = p.security_id AND c.session_date = p.session_date
            WHERE list_contains(?, p.security_id) AND p.session_date <= ?
              AND p.known_at <= ? AND (p.known_until IS NULL OR p.known_until > ?)""",
        [as_of, as_of, ids, end, as_of, as_of],
    )
    ledger = _ledger_then(sql, ids, as_of)
    if contract.build is None or not rows.num_rows:
        return contract.conform(contract.schema.empty_table())
    window = Window(_NOTHING_BEFORE, end, as_of)
    return contract.build({"silver.prices": rows, "silver.adjustments": ledger}, window)


def _ledger_then(sql: ReleaseSql, ids: list[str], as_of: datetime) -> pa.Table:
    return sql.query(
        f"SELECT * FROM silver.adjustments WHERE list_contains(?, security_id) AND {_TRUE_THEN}", [ids, as_of, as_of]
    )


def _no_instant(text: object, found: str) -> Permanent:
    return Permanent(
        "as_of", expected="an instant with a time zone, such as 2024-05-03T09:00+09:00", found=f"{text!r}: {found}"
    )
