"""silver.adjustments: the ledger of adjustment factors, each with its cause, evidence and confidence."""

import pandas as pd
import pyarrow as pa

from market import adjust, bitemporal, causes
from market.datasets.silver._typed import KNOWN, MONTH
from market.table import Between, Column, Frames, OneOf, Read, Table, Window

VALUES = ("factor", "cause", "evidence", "confidence", "disclosed_by")
_READ_BACK = adjust.LONGEST_HOLE + 1
DECIDED_BEFORE = 200
"""Sessions of decisions that an ex-date may go back to: more than the days of `causes.LATER` hold."""


def build(frames: Frames, window: Window) -> pa.Table:
    """Factors within the window, each true as long as the prices or the declared split that imply it were believed.

    A factor that a correction no longer implies is closed by it; another one is a row of its own. Beside each stands what explains it.
    """
    prices = frames["silver.prices"].to_pandas(timestamp_as_object=False)
    sessions = frames["silver.sessions"].to_pandas()[["exchange", "session_date", "session_no"]]
    prices = prices.merge(sessions, on=["exchange", "session_date"], how="inner")
    korean, american = (prices[prices["exchange"] == exchange] for exchange in ("XKRX", "XNYS"))
    actions = frames["silver.corporate_actions"].to_pandas(timestamp_as_object=False)
    events = _unfitting(adjust.base_price_events(adjust.beside_session_before(korean)), korean)
    across = adjust.splits_across_holes(adjust.beside_session_before_hole(korean))
    declared = _beside_bars(
        _traded_around(_declared_splits(actions, frames["silver.sessions"].to_pandas()), american), american
    )
    rows = pd.concat(
        [causes.explained(events, actions), causes.explained(across, actions), causes.confirmed(declared, american)],
        ignore_index=True,
    )
    rows = rows[(rows["session_date"] >= window.start) & (rows["session_date"] <= window.end)]
    return TABLE.conform(pa.Table.from_pandas(_in_one_piece(rows), preserve_index=False))


def _unfitting(events: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """Events whose base price fits no close told by then for the session before: a corrected close leaves the next base."""
    told = prices[["security_id", "session_no", "close", "known_at"]].assign(session_no=prices["session_no"] + 1)
    pairs = events.reset_index().merge(told, on=["security_id", "session_no"], suffixes=("", "_told"))
    fits = (pairs["base_price"] / pairs["close_told"] - 1.0).abs() <= adjust.TOLERANCE
    return events.drop(index=pairs.loc[fits & (pairs["known_at_told"] <= pairs["known_at"]), "index"].unique())


def _declared_splits(actions: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """The splits of the sessions, each from the end of its ex-date on."""
    rows = actions[actions["action"] == "split"].rename(columns={"price_factor": "factor"})
    rows = rows.merge(sessions[["exchange", "session_date", "session_no", "close_at"]], on=["exchange", "session_date"])
    rows["known_at"] = rows[["known_at", "close_at"]].max(axis=1)
    return rows[
        [
            "security_id",
            "exchange",
            "session_date",
            "session_month",
            "session_no",
            "factor",
            "evidence",
            "known_at",
            "known_until",
        ]
    ]


def _traded_around(splits: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """The splits with a bar within the sessions that a day's build reads: others are another call's, or nobody traded there."""
    bars = prices[["security_id", "session_no"]].drop_duplicates()
    pairs = splits.reset_index()[["index", "security_id", "session_no"]].merge(
        bars, on="security_id", suffixes=("", "_bar")
    )
    return splits.loc[
        pairs.loc[
            pairs["session_no_bar"].between(pairs["session_no"] - _READ_BACK, pairs["session_no"]), "index"
        ].unique()
    ]


def _beside_bars(splits: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """The splits with the `open` of their ex-dates as it was believed; NaN where no bar was: what was declared holds without one."""
    key = ["security_id", "session_date"]
    bars = prices[[*key, "open", "known_at", "known_until"]]
    return pd.concat([bitemporal.together(splits, bars, key), bitemporal.apart(splits, bars, key)], ignore_index=True)


def _in_one_piece(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each stretch of time in which a factor was believed without a break."""
    key, values = ["security_id", "session_date"], list(VALUES)
    rows = rows.sort_values([*key, "known_at"], ignore_index=True)
    before = rows.groupby(key)[[*values, "known_until"]].shift()
    same = (rows[values] == before[values]) | (rows[values].isna() & before[values].isna())
    goes_on = same.fillna(False).all(axis=1) & (rows["known_at"] == before["known_until"])
    is_last = ~goes_on.shift(-1, fill_value=False)
    pieces = rows[~goes_on].copy()
    pieces["known_until"] = rows.loc[is_last, "known_until"].set_axis(pieces.index)
    return pieces


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
        Column(
            "cause",
            "string",
            "what moved the base; a name such as split_or_bonus where no disclosed decision tells more",
        ),
        Column("evidence", "string", "the figures behind it, and the report's name"),
        Column("confidence", "string", "how sure", rules=(OneOf(("high", "medium", "low")),)),
        Column(
            "disclosed_by",
            "string",
            "evidence of its action in silver.corporate_actions; null: unexplained",
            nullable=True,
        ),
        *KNOWN,
    ),
    key=("security_id", "session_date", "known_at"),
    known_at="the end of the session that shows the base price, or for which a split was declared; a revision from when the price's was fetched",
    commits="replace",
    may_be_empty=True,
    reads=(
        Read("silver.prices", spread="security_id", history=_READ_BACK, versions=True),
        Read("silver.sessions", "side", history=_READ_BACK),
        Read("silver.corporate_actions", "side", history=DECIDED_BEFORE, versions=True),
    ),
    build=build,
    carries=True,
)
