"""Spells of `silver.listings`, a listing that ended with the exchange's reason, as believed at an instant.

For the API and the notebook alike. What does not belong here: since when and until when there is a spell (`market.listings`).
"""

from datetime import datetime

_THEN = "known_at <= ? AND (known_until IS NULL OR known_until > ?)"
SPELLS = f"""
SELECT security_id, exchange, status, first_session, last_session, reason, reason_class, evidence, source,
       greatest(known_at, coalesce(told_at, known_at)) AS known_at
FROM (
    SELECT l.*, d.reason, d.reason_class, d.told_at,
           row_number() OVER (PARTITION BY l.security_id, l.status, l.first_session ORDER BY d.delist_date) AS place
    FROM (
        SELECT *, lead(first_session) OVER (PARTITION BY security_id, status ORDER BY first_session) AS next_session
        FROM silver.listings WHERE {_THEN}
    ) l LEFT JOIN (
        SELECT security_id, delist_date, reason, reason_class, known_at AS told_at FROM silver.delistings WHERE {_THEN}
    ) d ON l.status = 'listed' AND d.security_id = l.security_id AND d.delist_date > l.last_session
       AND (l.next_session IS NULL OR d.delist_date <= l.next_session)
)
WHERE place = 1
"""
"""The first day of delisting after a spell counts, before the next spell: sessions that nobody answered may lie between, and a transfer
to another board ends none. For DuckDB and Trino; its values are those of `then`."""


def then(instant: datetime) -> list[datetime]:
    """The values of SPELLS."""
    return [instant] * SPELLS.count("?")
