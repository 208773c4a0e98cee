"""ops.ingested: which sessions of which source bronze holds whole. What was asked is known from here, not from rows: a session
without filings looks like one that nobody asked for.
"""

from market.table import Column, Table

TABLE = Table(
    __name__,
    doc="Sessions that were taken whole from a source; a backfill asks for those that are not here.",
    columns=(
        Column("session_date", "date", "session of the source's exchange"),
        Column("session_month", "string", "partition: month of the session"),
        Column("source", "string", "source that was asked"),
        Column("known_at", "timestamp", "when its last row was in bronze", volatile=True),
    ),
    key=("source", "session_date"),
    known_at="when the source's rows of the session were committed",
    commits="append",
)
