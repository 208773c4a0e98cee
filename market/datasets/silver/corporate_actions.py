"""silver.corporate_actions: splits, dividends and the decisions behind them, as sources disclose them."""

import pyarrow as pa
import pyarrow.compute as pc

from market.datasets.silver._feeds import build_from, feeds, series_column
from market.datasets.silver._typed import HOLDERS, KNOWN, MONTH, ORIGIN, UNREADABLE
from market.table import Between, Column, Frames, OneOf, Read, Table, Window

FEEDS = feeds("silver.corporate_actions")
ACTIONS = (
    "split", "cash_dividend", "split_decision", "consolidation_decision", "rights_decision", "bonus_decision",
    "rights_and_bonus_decision", "capital_reduction_decision", "spin_off_decision", "dividend_decision",
)  # fmt: skip
RATIOS = ("bronze.dart_bonus_issues", "bronze.dart_capital_reductions")
"""Figures of decisions, of the sessions of their receipts."""
BY_YEAR = "bronze.dart_dividends"
"""Its reports reach a call with all that the company told before: the same amount told again is no row."""


def build(frames: Frames, window: Window) -> pa.Table:
    """The window's rows of whichever source the call is of."""
    rows = TABLE.conform(build_from(FEEDS)(frames, window))
    days = rows["session_date"]
    return rows.filter(pc.and_(pc.greater_equal(days, window.start), pc.less_equal(days, window.end)))


TABLE = Table(
    __name__,
    doc="What companies did or decided: US splits and dividends on their ex-date, Korean decisions and the dividends of a Korean business year on "
    "the session of the receipt that told them.",
    columns=(
        Column(
            "session_date",
            "date",
            "ex-date of an event; of a decision, and of a year's dividends, the session of the receipt",
        ),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX", "XNYS")),)),
        Column("action", "string", "what", rules=(OneOf(ACTIONS),)),
        Column(
            "amount", "float64", "cash per share, on the day or of the year; dividends", "currency", True, (Between(0),)
        ),
        Column(
            "period_end",
            "date",
            "last day of the business year whose payments the amount adds up, their ex-dates not told; of one year the newest receipt "
            "counts; null: one payment, on session_date",
            nullable=True,
        ),
        Column(
            "price_factor",
            "float64",
            "old shares / new shares; splits, and decisions of which it was told",
            "1",
            True,
            (Between(0),),
        ),
        Column("report_name", "string", "name of the filing", nullable=True),
        Column("evidence", "string", "receipt number or the event's origin"),
        UNREADABLE,
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "session_date", "action", "evidence", "known_at"),
    known_at="the opening of the ex-date; what was filed with DART from the opening of the session after the receipt",
    commits="replace",
    may_be_empty=True,
    reads=(
        *(Read(name, spread="session_date") for name in FEEDS if name != BY_YEAR),
        Read(BY_YEAR, spread=series_column(BY_YEAR), history=None),
        *(Read(name, "side") for name in RATIOS),
        Read("silver.sessions", "side", history=None),
        HOLDERS,
    ),
    build=build,
)
