"""silver.corporate_actions: splits, dividends and the decisions behind them, as sources disclose them."""

from market.datasets.silver._feeds import build_from, feeds
from market.datasets.silver._typed import HOLDERS, KNOWN, MONTH, ORIGIN
from market.table import Between, Column, OneOf, Read, Table

FEEDS = feeds("silver.corporate_actions")
ACTIONS = (
    "split", "cash_dividend", "split_decision", "consolidation_decision", "rights_decision", "bonus_decision",
    "rights_and_bonus_decision", "capital_reduction_decision", "spin_off_decision", "dividend_decision",
)  # fmt: skip

TABLE = Table(
    __name__,
    doc="What companies did or decided: US splits and dividends on their ex-date, Korean decisions on the session after receipt.",
    columns=(
        Column("session_date", "date", "ex-date of an event, session of the receipt of a decision"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX", "XNYS")),)),
        Column("action", "string", "what", rules=(OneOf(ACTIONS),)),
        Column("amount", "float64", "cash per share on the day; dividends", "currency", True, (Between(0),)),
        Column("price_factor", "float64", "old shares / new shares; splits", "1", True, (Between(0),)),
        Column("report_name", "string", "name of the filing", nullable=True),
        Column("evidence", "string", "receipt number or the event's origin"),
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "session_date", "action", "evidence", "known_at"),
    known_at="the opening of the ex-date; a decision from the opening of the session after its receipt",
    writer="spark",
    may_be_empty=True,
    reads=(*(Read(name, spread="session_date") for name in FEEDS), Read("silver.sessions", "side"), HOLDERS),
    build=build_from(FEEDS),
)
