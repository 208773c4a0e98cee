"""Securities: which there are, what is known of one, and which one a symbol means."""

import re
from datetime import datetime

import pyarrow as pa

from lake import holders
from lake.sql import ReleaseSql
from market.table import Column
from serving.paging import Page, text
from serving.problems import bad_input, unknown
from serving.queries.reading import columns, instant_of, quoted, true_at

LISTED = columns("silver.securities", without=("source",))
DETAIL = (
    *LISTED,
    Column("first_session", "date", "first session with a price in the release", nullable=True),
    Column("last_session", "date", "last session with a price in the release", nullable=True),
    Column("n_sessions", "int64", "sessions with a price in the release"),
    Column("last_close", "float64", "close of the last session", "currency", True),
)
_SYMBOL = re.compile(r"[0-9A-Za-z.:~\-]{1,40}\Z", re.ASCII)
_EXPECTED = "a code such as 005930 or AAPL, or an id such as XKRX:005930; see /api/v1/stocks"


def listing(
    sql: ReleaseSql, page: Page, exchange: str | None, market: str | None, q: str | None, as_of: datetime | None = None
) -> tuple[pa.Table, str | None]:
    """Securities known at the instant in order of id, and the cursor of the next page; `q` is part of a code or name, whatever its case."""
    after = page.after("stocks", text)
    condition, values = true_at(sql, as_of)
    rows = sql.query(
        f"""
        SELECT {quoted([c.name for c in LISTED])} FROM silver.securities
        WHERE {condition} AND security_id > ? AND (?::VARCHAR IS NULL OR exchange = ?)
          AND (?::VARCHAR IS NULL OR market = ?)
          AND (?::VARCHAR IS NULL OR strpos(lower(concat_ws('\n', symbol, name, name_en)), lower(?::VARCHAR)) > 0)
        ORDER BY security_id LIMIT ?
        """,
        [*values, after[0] if after else "", exchange, exchange, market, market, q, q, page.limit + 1],
    )
    return page.cut(rows, "stocks", ["security_id"])


def detail(sql: ReleaseSql, security: str, as_of: datetime | None = None) -> pa.Table:
    """One row: what was known of the security at the instant, and its sessions; none where nothing was known yet."""
    condition, values = true_at(sql, as_of)
    # The release's belief alone is smaller than every version.
    bars, then, instants = ("gold.prices", "true", []) if as_of is None else ("silver.prices", condition, values)
    return sql.query(
        f"""
        SELECT {quoted([c.name for c in LISTED])}, first_session, last_session, n_sessions, last_close
        FROM (SELECT * FROM silver.securities WHERE security_id = ? AND {condition} LIMIT 1)
        CROSS JOIN (
            SELECT min(session_date) AS first_session, max(session_date) AS last_session, count(*) AS n_sessions,
                   arg_max(close, session_date) AS last_close
            FROM {bars} WHERE security_id = ? AND {then}
        )
        """,
        [security, *values, security, *instants],
    )


def resolve(sql: ReleaseSql, symbol: str, as_of: datetime | None = None) -> str:
    """The security that the symbol meant at the instant: an id, the code it had then, or else the last one that had the code.

    Blocks until the release's holders are read, which the first one asks for.

    Raises
    ------
    Problem
        404: there is none; 422: two exchanges have the code.
    """
    if not _SYMBOL.match(symbol):
        raise unknown("symbol", symbol, _EXPECTED)
    wanted, known = symbol.upper(), sql.once(holders.read)
    if wanted in known.ids:
        return wanted
    ids = known.of(wanted, instant_of(sql, as_of))
    if not ids:
        raise unknown("symbol", symbol, _EXPECTED)
    if len(ids) > 1:
        raise bad_input("symbol", f"one of the ids {', '.join(ids)}", symbol)
    return ids[0]
