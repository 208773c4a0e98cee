"""silver.sessions: when each exchange trades."""

from datetime import timedelta

import pyarrow as pa

from market import calendars
from market.datasets.silver._typed import KNOWN, MONTH
from market.table import Column, Frames, IsSession, OneOf, RowRule, Table, Window


def build(frames: Frames, window: Window) -> pa.Table:
    """Every session of both exchanges within the window, from the calendars; no table is read."""
    rows = []
    for exchange in calendars.EXCHANGES:
        for day in calendars.sessions(exchange, window.start, window.end):
            rows.append({
                "session_date": day,
                "session_month": f"{day:%Y-%m}",
                "exchange": exchange,
                "open_at": calendars.open_at(exchange, day),
                "close_at": calendars.close_at(exchange, day),
                "next_open_at": calendars.open_at(exchange, calendars.next_session(exchange, day)),
                "session_no": calendars.session_no(exchange, day),
                "known_at": calendars.open_at(exchange, day) - timedelta(days=1),
                "known_until": None,
            })  # fmt: skip
    return TABLE.conform(pa.Table.from_pylist(rows, schema=TABLE.schema))


TABLE = Table(
    __name__,
    doc="Sessions of XKRX and XNYS: opening, closing, and the next opening, from which a fact of day resolution counts.",
    columns=(
        Column("session_date", "date", "session, in the exchange's own date", rules=(IsSession(),)),
        MONTH,
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX", "XNYS")),)),
        Column("open_at", "timestamp", "opening of the regular session"),
        Column("close_at", "timestamp", "end of the regular session"),
        Column("next_open_at", "timestamp", "opening of the session after this one"),
        Column("session_no", "int64", "count of sessions of the exchange since 2000-01-03, from 0, negative before"),
        *KNOWN,
    ),
    key=("exchange", "session_date"),
    known_at="one day before the opening, when the calendar could be read",
    commits="replace",
    build=build,
    row_rules=(RowRule("open_at", "<", "close_at", "a session opens before it closes"),),
)
