"""Securities: which there are, what is known of one, and which one a symbol means."""

import re

import pyarrow as pa

from lake.sql import ReleaseSql
from market.table import Column
from serving.paging import Page, text
from serving.problems import bad_input, unknown
from serving.queries.reading import columns, quoted

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
    sql: ReleaseSql, page: Page, exchange: str | None, market: str | None, q: str | None
) -> tuple[pa.Table, str | None]:
    """Securities in order of id, and the cursor of the next page; `q` is part of a code or name, whatever its case."""
    after = page.after("stocks", text)
    rows = sql.query(
        f"""
        SELECT {quoted([c.name for c in LISTED])} FROM silver.securities
        WHERE known_until IS NULL AND security_id > ? AND (?::VARCHAR IS NULL OR exchange = ?)
          AND (?::VARCHAR IS NULL OR market = ?)
          AND (?::VARCHAR IS NULL OR strpos(lower(concat_ws('\n', symbol, name, name_en)), lower(?::VARCHAR)) > 0)
        ORDER BY security_id LIMIT ?
        """,
        [after[0] if after else "", exchange, exchange, market, market, q, q, page.limit + 1],
    )
    return page.cut(rows, "stocks", ["security_id"])


def detail(sql: ReleaseSql, security: str) -> pa.Table:
    """One row: what is known of the security, and the sessions that the release has of it."""
    return sql.query(
        f"""
        SELECT {quoted([c.name for c in LISTED])}, first_session, last_session, n_sessions, last_close
        FROM (SELECT * FROM silver.securities WHERE security_id = ? AND known_until IS NULL LIMIT 1)
        CROSS JOIN (
            SELECT min(session_date) AS first_session, max(session_date) AS last_session, count(*) AS n_sessions,
                   arg_max(close, session_date) AS last_close
            FROM gold.prices WHERE security_id = ?
        )
        """,
        [security, security],
    )


def resolve(sql: ReleaseSql, symbol: str) -> str:
    """The security that the symbol means: an id, the code it has now, or else the last one that had the code.

    Raises
    ------
    Problem
        404: there is none; 422: two exchanges have the code.
    """
    if not _SYMBOL.match(symbol):
        raise unknown("symbol", symbol, _EXPECTED)
    wanted = symbol.upper()
    found = sql.query(
        """
        SELECT security_id, known_until IS NULL AS is_present FROM silver.symbols WHERE security_id = ? OR symbol = ?
        UNION SELECT security_id, true FROM silver.securities
        WHERE known_until IS NULL AND (security_id = ? OR symbol = ?)
        ORDER BY is_present DESC, security_id
        """,
        [wanted] * 4,
    ).to_pylist()
    present = sorted({row["security_id"] for row in found if row["is_present"]})
    ids = present or [row["security_id"] for row in found][-1:]
    if not ids:
        raise unknown(
            "symbol", symbol, "a code such as 005930 or AAPL, or an id such as XKRX:005930; see /api/v1/stocks"
        )
    if len(ids) > 1 and wanted not in ids:
        raise bad_input("symbol", f"one of the ids {', '.join(ids)}", symbol)
    return wanted if wanted in ids else str(ids[0])
