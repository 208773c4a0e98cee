"""The newest features of one security in the release, by the rule of the online store; and when they were known."""

from datetime import date, datetime

import pyarrow as pa

from lake.online import FRESH_DAYS
from lake.sql import ReleaseSql
from serving.queries.indicators import FEATURES
from serving.queries.reading import quoted


def newest_features(sql: ReleaseSql, security: str) -> pa.Table:
    """security_id, every feature, release_id, session_date: one row, or none within a week of the exchange's last session."""
    return sql.query(
        f"""
        SELECT security_id, {quoted(FEATURES)}, ? AS release_id, session_date FROM gold.features_daily
        WHERE security_id = ? AND session_date >= (
            SELECT max(session_date) FROM gold.features_daily WHERE exchange = ?
        ) - INTERVAL '{FRESH_DAYS}' DAY
        ORDER BY session_date DESC LIMIT 1
        """,
        [sql.release.release_id, security, security.split(":")[0]],
    )


def known_at(sql: ReleaseSql, security: str, day: date) -> datetime | None:
    """When the security's features of the session were known; None where the release has none."""
    found = sql.query(
        "SELECT known_at FROM gold.features_daily WHERE security_id = ? AND session_date = ?", [security, day]
    )
    instant: datetime | None = found["known_at"][0].as_py() if found.num_rows else None
    return instant
