"""The figures, closes and factors of a release that ratios are made of, as believed at an instant.

For the API and the notebook alike. What does not belong here: the ratios themselves (`market.ratios`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from lake.sql import ReleaseSql
from market.books import STALE_DAYS
from market.ratios import Ratio, ratios

_THEN = "known_at <= ? AND (known_until IS NULL OR known_until > ?)"
_FIGURES = f"""
SELECT security_id, item, basis, span, fiscal_period, period_start, period_end, value, currency, concept, filing_no, known_at, known_until
FROM silver.fundamentals WHERE list_contains(?, security_id) AND {_THEN}
"""
_BARS = f"""
SELECT p.security_id, coalesce(s.common_id, p.security_id) AS company_id, p.session_date, p.close, p.listed_shares, p.currency,
       p.known_at, p.known_until
FROM (SELECT * FROM silver.prices WHERE session_date >= ? AND {_THEN}) p
LEFT JOIN (SELECT security_id, common_id FROM silver.symbols WHERE {_THEN}) s ON s.security_id = p.security_id
WHERE list_contains(?, coalesce(s.common_id, p.security_id))
"""
_FACTORS = f"""
SELECT security_id, session_date, factor, cause, known_at, known_until
FROM silver.adjustments WHERE list_contains(?, security_id) AND {_THEN}
"""


def ratios_at(sql: ReleaseSql, securities: Sequence[str], at: datetime) -> list[Ratio]:
    """Ratios of the securities as they could be known at the instant, by security, basis and in the order of RATIOS."""
    ids, since = list(securities), at.date() - timedelta(days=STALE_DAYS)
    asked = (_FIGURES, [ids, at, at]), (_BARS, [since, at, at, at, at, ids]), (_FACTORS, [ids, at, at])
    figures, bars, factors = (sql.query(*one).to_pandas(timestamp_as_object=False) for one in asked)
    return ratios(figures, bars, factors, at)
