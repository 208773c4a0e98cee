"""silver.adjustments: the ledger of adjustment factors, each with its cause, evidence and confidence."""

import pandas as pd
import pyarrow as pa

from market import adjust, bitemporal
from market.datasets.silver._typed import KNOWN, MONTH
from market.table import Between, Column, Frames, OneOf, Read, Table, Window

VALUES = ("factor", "cause", "evidence", "confidence")


def build(frames: Frames, window: Window) -> pa.Table:
    """Factors within the window, one version per belief: the ledger as it stood at every instant at which a price was revised."""
    prices = frames["silver.prices"].to_pandas(timestamp_as_object=False)
    sessions = frames["silver.sessions"].to_pandas()[["exchange", "session_date", "session_no"]]
    prices = prices.merge(sessions, on=["exchange", "session_date"], how="inner")
    splits = _declared_splits(frames["silver.corporate_actions"])
    revised = prices.loc[prices.duplicated(["security_id", "session_date"], keep=False), "security_id"].unique()
    settled = prices[~prices["security_id"].isin(revised)]
    beliefs = [_ledger(settled, splits)]
    for security, rows in prices[prices["security_id"].isin(revised)].groupby("security_id"):
        ours = splits[splits["security_id"] == security]
        beliefs += [
            _unexplained(_ledger(bitemporal.true_at(rows, instant), ours), rows).assign(believed_at=instant)
            for instant in sorted(rows["known_at"].unique())
        ]
    rows = pd.concat(beliefs, ignore_index=True)
    rows = rows[(rows["session_date"] >= window.start) & (rows["session_date"] <= window.end)]
    return TABLE.conform(pa.Table.from_pandas(_versions(rows), preserve_index=False))


def _ledger(prices: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    ordered = prices.sort_values(["security_id", "session_date"], ignore_index=True)
    korean = adjust.base_price_events(ordered[ordered["exchange"] == "XKRX"])
    american = ordered[ordered["exchange"] == "XNYS"].merge(splits, on=["security_id", "session_date"], how="inner")
    american = american.assign(cause="split", evidence="declared by the source", confidence="high")
    return pd.concat([korean, american], ignore_index=True).assign(believed_at=pd.NaT)


def _unexplained(events: pd.DataFrame, versions: pd.DataFrame) -> pd.DataFrame:
    """Events whose base price fits no version of the previous close: a corrected close leaves the next base as it was."""
    closes = versions[["session_no", "close"]].assign(session_no=versions["session_no"] + 1)
    pairs = events.reset_index().merge(closes, on="session_no", suffixes=("", "_before"))
    fits = (pairs["base_price"] / pairs["close_before"] - 1.0).abs() <= adjust.TOLERANCE
    return events.drop(index=pairs.loc[fits & (pairs["exchange"] == "XKRX"), "index"].unique())


def _declared_splits(actions: pa.Table) -> pd.DataFrame:
    rows = actions.to_pandas(timestamp_as_object=False)
    rows = rows[(rows["action"] == "split") & rows["known_until"].isna()]
    return rows[["security_id", "session_date", "price_factor"]].rename(columns={"price_factor": "factor"})


def _versions(rows: pd.DataFrame) -> pd.DataFrame:
    key = ["security_id", "session_date"]
    told = pd.to_datetime(rows["believed_at"], utc=True)
    rows = rows.assign(known_at=rows["known_at"].where(told.isna() | (rows["known_at"] >= told), told))
    rows = rows.sort_values([*key, "known_at"], ignore_index=True)
    before = rows.groupby(key)[list(VALUES)].shift()
    same = (rows[list(VALUES)].eq(before) | (rows[list(VALUES)].isna() & before.isna())).all(axis=1).astype(bool)
    kept = rows[~same | ~rows.duplicated(key)].copy()
    kept["known_until"] = kept.groupby(key)["known_at"].shift(-1)
    return kept


TABLE = Table(
    __name__,
    doc="Factor of each ex-date (base price / previous close; US: old shares / new shares). The product of a security's factors "
    "makes its series comparable; cash dividends are no factor.",
    columns=(
        Column("session_date", "date", "ex-date"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX", "XNYS")),)),
        Column("factor", "float64", "multiply earlier prices by it to compare", "1", rules=(Between(1e-6, 1e6),)),
        Column("cause", "string", "what moved the base"),
        Column("evidence", "string", "the figures behind it"),
        Column("confidence", "string", "how sure", rules=(OneOf(("high", "medium", "low")),)),
        *KNOWN,
    ),
    key=("security_id", "session_date", "known_at"),
    known_at="the end of the session that shows the base price; a revision from when the price's was fetched",
    writer="spark",
    may_be_empty=True,
    reads=(
        Read("silver.prices", spread="security_id", history=1, versions=True),
        Read("silver.sessions", "side", history=1),
        Read("silver.corporate_actions", "side"),
    ),
    build=build,
    carries=True,
)
