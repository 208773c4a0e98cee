"""Features as they were believed before a revision: gold keeps the present belief alone, silver every version.

Feast leaves out what was not known yet, so before a revision it answers with a session that the revision did not touch. Here the
newest session that was known is made again from the bars, factors and headlines believed then. What does not belong here: joins (Feast).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from lake.sql import ReleaseSql
from market import calendars
from market.datasets.gold.features_daily import program
from marketlake import computing, reading

_INPUTS = ("silver.prices", "silver.adjustments", "silver.news_coverage")
_REPLACED = " UNION ALL ".join(
    f"SELECT security_id, known_at, known_until FROM {name} WHERE known_until IS NOT NULL AND list_contains(?, security_id)"
    for name in _INPUTS
)


def as_believed(sql: ReleaseSql, asked: pd.DataFrame, found: pd.DataFrame, ttl: timedelta) -> pd.DataFrame:
    """The features found, those made again where the belief of the instant was replaced since.

    Parameters
    ----------
    asked : `row`, `security_id` and `event_timestamp`.
    found : a row for each of them, any order, with `row`, `session_date` (datetime64, null where nothing was found), features of
        gold.features_daily and `release_id`.
    ttl : how long before the instant a session may have ended.

    Returns
    -------
    A new frame. A row made again has the bits that gold would have held at its instant.
    """
    rows = asked.merge(found[["row", "session_date"]], on="row")
    behind = rows[rows["row"].isin(_replaced_since(sql, rows))]
    if behind.empty:
        return found
    names = [name for name in program().names if name in found.columns]
    made = found.set_index("row")
    for instant, some in behind.groupby("event_timestamp"):
        newest = _newest(sql, some["security_id"].unique().tolist(), instant.to_pydatetime(), ttl)
        if newest.empty:
            continue
        both = some.merge(newest, on="security_id", suffixes=("", "_then"))
        both = both[both["session_date"].isna() | (both["session_date_then"] >= both["session_date"])]
        for name in names:
            made.loc[both["row"], name] = both[name].to_numpy()
        made.loc[both["row"], "session_date"] = both["session_date_then"].to_numpy()
        made.loc[both["row"], "release_id"] = sql.release.release_id
    return made.reset_index()


def _replaced_since(sql: ReleaseSql, rows: pd.DataFrame) -> np.ndarray:
    """Rows at whose instant a version of the security was believed that no longer is."""
    ids = rows["security_id"].unique().tolist()
    versions = sql.query(_REPLACED, [ids] * len(_INPUTS)).to_pandas(timestamp_as_object=False)
    pairs = rows[["row", "security_id", "event_timestamp"]].merge(versions.drop_duplicates(), on="security_id")
    held = (pairs["known_at"] <= pairs["event_timestamp"]) & (pairs["event_timestamp"] < pairs["known_until"])
    return np.asarray(pairs.loc[held, "row"].unique())


def _newest(sql: ReleaseSql, ids: Sequence[str], instant: datetime, ttl: timedelta) -> pd.DataFrame:
    """Features of each security's newest session as believed at the instant; without those whose session is too old."""
    bars = reading.bars(sql, ids, instant.date() + timedelta(days=1), instant)
    if bars.empty:
        return bars
    made = bars[["security_id", "exchange", "session_date"]].assign(**computing.values(program(), bars))
    last = made.drop_duplicates("security_id", keep="last")
    closes = [calendars.close_at(*key) for key in zip(last["exchange"], last["session_date"], strict=True)]
    last = last[[instant - ttl <= close <= instant for close in closes]]
    return last.assign(session_date=pd.to_datetime(last["session_date"])).drop(columns="exchange")
