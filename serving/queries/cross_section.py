"""The features of a whole session, from which a model's scores and their ranks follow."""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from lake.sql import ReleaseSql
from serving.queries.reading import quoted


def features_of_session(sql: ReleaseSql, exchange: str, day: date | None, names: Sequence[str]) -> pa.Table:
    """security_id, session_date, known_at and the named features of every security of the exchange.

    Parameters
    ----------
    names : columns of the contract.
    day : the session; None: the last one of the exchange in the release.
    """
    return sql.query(
        f"""
        SELECT security_id, session_date, known_at, {quoted(names)} FROM gold.features_daily
        WHERE exchange = ? AND session_date = coalesce(
            ?::DATE, (SELECT max(session_date) FROM gold.features_daily WHERE exchange = ?)
        ) ORDER BY security_id
        """,
        [exchange, day, exchange],
    )
