"""ops.checks: what every check said about every version of every table. A release reads it for the versions it publishes."""

from market.table import Column, OneOf, Table

TABLE = Table(
    __name__,
    doc="Outcomes of the checks, per exact table version and window judged (a build that changes nothing judges the version again); publication reads them, and refuses a version without a passing one.",
    columns=(
        Column("session_date", "date", "last session of the window judged"),
        Column("session_month", "string", "partition: month of the session"),
        Column("window_start", "date", "first session of the window judged", nullable=True),
        Column("table", "string", "table judged"),
        Column("version", "int64", "Delta version of the table that holds the rows judged"),
        Column("check", "string", "name of the check"),
        Column("severity", "string", "error blocks a release, warn does not", rules=(OneOf(("error", "warn")),)),
        Column("passed", "bool", "what it said"),
        Column("expected", "string", "the rule in words"),
        Column("found", "string", "what was seen"),
        Column("n_rows", "int64", "rows judged"),
        Column("n_failed", "int64", "rows that broke the rule"),
        Column("known_at", "timestamp", "when it was judged", volatile=True),
    ),
    key=("table", "version", "check", "session_date", "window_start"),
    known_at="when the check ran",
    commits="append",
)
