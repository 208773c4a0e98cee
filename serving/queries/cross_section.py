"""The features of a whole session, from which a model's scores and their ranks follow."""

from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa

from lake.sql import ReleaseSql
from serving.queries.reading import quoted


def features_of_session(
    sql: ReleaseSql, exchange: str, day: date | None, names: Sequence[str], back: timedelta = timedelta(0)
) -> pa.Table:
    """security_id, session_date, known_at and the named features of every security of the exchange.

    Parameters
    ----------
    names : columns of the contract.
    day : the session; None: the last one of the exchange in the release.
    back : with the sessions so long before it.
    """
    if back and day is None:
        day = sql.query("SELECT max(session_date) AS day FROM gold.features_daily WHERE exchange = ?", [exchange])[
            "day"
        ][0].as_py()
    sessions, values = (
        ("session_date BETWEEN ?::DATE AND ?::DATE", [day - back, day])
        if back and day
        else (
            "session_date = coalesce(?::DATE, (SELECT max(session_date) FROM gold.features_daily WHERE exchange = ?))",
            [day, exchange],
        )
    )
    return sql.query(
        f"""
        SELECT security_id, session_date, known_at, {quoted(names)} FROM gold.features_daily
        WHERE exchange = ? AND {sessions} ORDER BY security_id, session_date
        """,
        [exchange, *values],
    )
