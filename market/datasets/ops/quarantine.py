"""ops.quarantine: every row that a check refused, with the reason and the payload it came in. Nothing is lost."""

from market.table import Column, Table

TABLE = Table(
    __name__,
    doc="Rows refused before silver, one per row and table, with every rule they broke. Read at head, not by release, so that a "
    "blocked day's quarantine can be seen.",
    columns=(
        Column("session_date", "date", "session of the row, as it claims"),
        Column("session_month", "string", "partition: month of the session"),
        Column("table", "string", "table that the row was meant for"),
        Column("row_key", "string", "the row's key, as JSON"),
        Column("reason", "string", "every rule that the row broke, in words"),
        Column("row", "string", "the row as it came, as JSON"),
        Column("payload_digest", "string", "SHA-256 of the payload it came in", nullable=True),
        Column("row_no", "int32", "its position in the payload", nullable=True),
        Column("state", "string", "held, or released by a person"),
        Column("known_at", "timestamp", "when it was judged", volatile=True),
    ),
    key=("table", "row_key", "payload_digest", "row_no"),
    known_at="when the row was judged",
    commits="append",
    may_be_empty=True,
)
