"""gold.market_summary: one row per board and session, for people who look at the whole."""

import numpy as np
import pandas as pd
import pyarrow as pa

from market.datasets.gold._known import latest
from market.datasets.silver._typed import MONTH
from market.table import Between, Column, Frames, Read, Table, Window

_READ = (
    "session_date", "session_month", "security_id", "exchange", "market", "is_halted", "value", "market_cap", "known_at",
)  # fmt: skip


def build(frames: Frames, window: Window) -> pa.Table:
    """Counts, value and returns of each board; halted securities count as halted alone."""
    rows = frames["gold.prices"].to_pandas(timestamp_as_object=False)
    traded = rows["return_1d"].where(~rows["is_halted"])
    rows["advanced"], rows["declined"] = traded > 0, traded < 0
    rows["unchanged"] = traded == 0
    before = rows["market_cap"] / (1.0 + rows["return_1d"])
    rows["cap_before"] = before.where(traded.notna())
    rows["cap_move"] = rows["cap_before"] * rows["return_1d"]
    rows["traded_return"] = traded
    rows["known_at"] = latest(rows, "known_at", "features_known_at")
    by = rows.groupby(["exchange", "market", "session_date", "session_month"], as_index=False, sort=True)
    summary = by.agg(
        n_securities=("security_id", "count"), n_advanced=("advanced", "sum"), n_declined=("declined", "sum"),
        n_unchanged=("unchanged", "sum"), n_halted=("is_halted", "sum"), value=("value", lambda v: v.sum(min_count=1)),
        market_cap=("market_cap", lambda v: v.sum(min_count=1)), median_return=("traded_return", "median"),
        cap_move=("cap_move", lambda v: v.sum(min_count=1)), cap_before=("cap_before", lambda v: v.sum(min_count=1)),
        known_at=("known_at", "max"),
    )  # fmt: skip
    summary["weighted_return"] = summary["cap_move"] / summary["cap_before"].replace(0.0, np.nan)
    return TABLE.conform(pa.Table.from_pandas(pd.DataFrame(summary), preserve_index=False))


TABLE = Table(
    __name__,
    doc="Breadth, value and returns of each board by session.",
    columns=(
        Column("session_date", "date", "session"),
        MONTH,
        Column("exchange", "string", "exchange"),
        Column("market", "string", "board"),
        Column("n_securities", "int64", "securities with a row"),
        Column("n_advanced", "int64", "securities that rose"),
        Column("n_declined", "int64", "securities that fell"),
        Column("n_unchanged", "int64", "securities that did not move"),
        Column("n_halted", "int64", "halted securities"),
        Column("value", "float64", "value traded", "currency", True, (Between(0),)),
        Column("market_cap", "float64", "market capitalisation", "currency", True, (Between(0),)),
        Column("median_return", "float64", "median one-session return of what traded", "fraction", True),
        Column("weighted_return", "float64", "return weighted by the previous capitalisation", "fraction", True),
        Column("known_at", "timestamp", "the latest of its prices' and their returns'"),
    ),
    key=("exchange", "market", "session_date"),
    known_at="the latest of its prices' and their returns'",
    commits="replace",
    reads=(
        Read("gold.prices", spread="session_date", columns=_READ),
        Read(
            "gold.features_daily",
            "join",
            on=("security_id", "session_date"),
            columns=("return_1d",),
            known_as="features_known_at",
        ),
    ),
    build=build,
    carries=True,
)
