"""When a gold row is known: once the last of what is in it is. Shared by the gold tables; which inputs count is each table's own."""

import pandas as pd

UTC = "datetime64[us, UTC]"


def latest(rows: pd.DataFrame, *names: str) -> pd.Series:
    """The latest of several instants, row by row, in UTC and microseconds; null where all of them are."""
    told = {name: pd.to_datetime(rows[name], utc=True).astype(UTC) for name in names}
    return pd.DataFrame(told).max(axis=1).astype(UTC)
