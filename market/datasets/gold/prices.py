"""gold.prices: raw daily bars as now believed, with the day's adjustment factor and the product so far."""

import pandas as pd
import pyarrow as pa

from market import adjust
from market.datasets.gold._known import latest
from market.datasets.silver._typed import MONTH
from market.identity import ID
from market.table import Between, Column, Frames, IsSession, Matches, OneOf, Read, RowRule, Table, Window


def build(frames: Frames, window: Window) -> pa.Table:
    """One row per security and session that silver holds as true now, known once all that is in it is known."""
    rows = frames["silver.prices"].to_pandas(timestamp_as_object=False).drop(columns=["known_until"])
    ledger = frames["silver.adjustments"].to_pandas(timestamp_as_object=False)
    rows = rows.sort_values(["security_id", "session_date"], ignore_index=True)
    rows["cumulative_factor"] = adjust.cumulative_factor(ledger, rows)
    rows = rows.merge(ledger[["security_id", "session_date", "factor"]], on=["security_id", "session_date"], how="left")
    rows["factor"] = rows["factor"].fillna(1.0)
    rows["factor_known_at"] = _factors_known_at(ledger, rows)
    rows["known_at"] = latest(rows, "known_at", "factor_known_at", "news_known_at")
    return TABLE.conform(pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False))


def _factors_known_at(ledger: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """When the last known of the security's factors up to each row's session was known; null before the first."""
    told = ledger[["security_id", "session_date", "known_at"]].rename(columns={"known_at": "factor_known_at"})
    told = told.sort_values("session_date", kind="stable")
    told["factor_known_at"] = told.groupby("security_id")["factor_known_at"].cummax()
    asked = rows[["security_id", "session_date"]].reset_index().sort_values("session_date", kind="stable")
    asked, told = (part.assign(day=pd.to_datetime(part["session_date"])) for part in (asked, told))
    found = pd.merge_asof(asked, told.drop(columns="session_date"), on="day", by="security_id")
    return found.set_index("index")["factor_known_at"].sort_index()


TABLE = Table(
    __name__,
    doc="Raw daily bars as believed at the release. Divide prices by `cumulative_factor` (multiply volume) for a series that "
    "later splits never rescale; view `prices_adjusted` scales to the last session.",
    columns=(
        Column("session_date", "date", "session, in the exchange's own date", rules=(IsSession(),)),
        MONTH,
        Column("security_id", "string", "our stable id", rules=(Matches(ID),)),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX", "XNYS")),)),
        Column("symbol", "string", "code on that day"),
        Column("market", "string", "board"),
        Column("currency", "string", "currency of the prices"),
        Column("open", "float64", "first price; null while halted", "currency", True),
        Column("high", "float64", "highest price; null while halted", "currency", True),
        Column("low", "float64", "lowest price; null while halted", "currency", True),
        Column("close", "float64", "last price; kept while halted", "currency", rules=(Between(0.0001),)),
        Column("volume", "int64", "shares traded", "shares", rules=(Between(0),)),
        Column("value", "float64", "value traded", "currency", True),
        Column("market_cap", "float64", "close x listed shares", "currency", True),
        Column("listed_shares", "int64", "shares listed", "shares", True),
        Column("base_price", "float64", "the exchange's base price of the session", "currency", True),
        Column("is_halted", "bool", "no regular trade that day"),
        Column("factor", "float64", "the day's adjustment factor; 1 on most days", "1", rules=(Between(1e-6, 1e6),)),
        Column(
            "cumulative_factor", "float64", "product of the factors up to the day", "1", rules=(Between(1e-9, 1e9),)
        ),
        Column(
            "n_headlines",
            "float64",
            "stories in the session's headlines, copies once; null where news was not covered",
            "headlines",
            True,
        ),
        Column("payload_digest", "string", "payload of the silver row"),
        Column("row_no", "int32", "its position in the payload"),
        Column("known_at", "timestamp", "when the last of bar, factors and headlines was known"),
    ),
    key=("security_id", "session_date"),
    known_at="the latest of the bar's, its factors' up to the session, and the headline count's",
    commits="replace",
    reads=(
        Read("silver.prices", spread="session_date"),
        Read(
            "silver.news_coverage",
            "join",
            on=("security_id", "session_date"),
            columns=("n_headlines",),
            known_as="news_known_at",
        ),
        Read("silver.adjustments", "side", history=None),
    ),
    build=build,
    carries=True,
    row_rules=(RowRule("low", "<=", "high", "the low is not above the high"),),
)
