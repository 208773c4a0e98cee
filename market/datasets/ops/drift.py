"""ops.drift: where a source sent other columns or another format than its contract expects, once per session."""

from market.table import Column, OneOf, Table

UNKNOWN, FORMAT = "unknown column", "another format"

TABLE = Table(
    __name__,
    doc="What came otherwise than the contract expects: a column that it does not know (taken note of), or a format in which no row "
    "can be read (the session stops, its payload is kept). Read at head.",
    columns=(
        Column("session_date", "date", "session that was asked for"),
        Column("session_month", "string", "partition: month of the session"),
        Column("source", "string", "the source that sent it"),
        Column("table", "string", "bronze table that it was for"),
        Column("kind", "string", f"{UNKNOWN}, or {FORMAT}", rules=(OneOf((UNKNOWN, FORMAT)),)),
        Column("expected", "string", "the rule in words"),
        Column("found", "string", "the unknown column, or what came in words"),
        Column("request", "string", "fingerprint of the first request that showed it"),
        Column("known_at", "timestamp", "when it came", volatile=True),
    ),
    key=("session_date", "table", "kind", "found"),
    known_at="when the answer came",
    commits="append",
    may_be_empty=True,
)
