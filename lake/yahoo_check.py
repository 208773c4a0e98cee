"""KRX's closes of Korean securities beside those that Yahoo's charts have: a check from a second hand, and no price of ours.

What does not belong here: judging one of them right (docs/adr/0019).
"""

from datetime import datetime

import pyarrow as pa

from lake.sql import ReleaseSql

_BESIDE = """
SELECT p.security_id, p.session_date, p.close AS krx_close, y.close * y.later_splits AS yahoo_close,
       y.close * y.later_splits / p.close AS ratio, abs(y.close * y.later_splits / p.close - 1) <= 0.001 AS agrees, y.symbol AS yahoo_symbol,
       CASE WHEN y.known_at > p.known_at THEN y.known_at ELSE p.known_at END AS known_at
FROM (
    SELECT *, row_number() OVER (PARTITION BY symbol, session_date ORDER BY fetched_at DESC, payload_digest, row_no) AS place
    FROM bronze.yahoo_chart WHERE kind = 'bar' AND (symbol LIKE '%.KS' OR symbol LIKE '%.KQ') AND known_at <= ?
) y JOIN (
    SELECT * FROM silver.prices WHERE exchange = 'XKRX' AND known_at <= ? AND (known_until IS NULL OR known_until > ?)
) p ON p.session_date = y.session_date AND p.symbol = split_part(y.symbol, '.', 1)
WHERE y.place = 1 AND y.close IS NOT NULL ORDER BY p.security_id, p.session_date
"""


def korean_closes(sql: ReleaseSql, as_of: datetime) -> pa.Table:
    """Both closes in won as they were on the day, where both are there, as known at the instant; `agrees` within a thousandth.

    Yahoo rescales a day's close by later splits and rounds; its own splits are undone, so a `ratio` of 5 is a split that it lacks.
    """
    return sql.query(_BESIDE, [as_of, as_of, as_of])
