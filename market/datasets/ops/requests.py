"""ops.requests: what was asked of the sources and how it ended, one row per request with all its attempts."""

from market.table import Between, Column, Matches, OneOf, Table

TABLE = Table(
    __name__,
    doc="Requests to the sources, failed ones included; the daily quota is counted from here.",
    columns=(
        Column("request_id", "string", "ours, one per request made", volatile=True),
        Column("source", "string", "the source asked"),
        Column("session_date", "date", "session that was asked for; of a range, its last"),
        Column("session_month", "string", "partition: month of the session", rules=(Matches(r"\d{4}-\d{2}$"),)),
        Column("request", "string", "fingerprint: method, path and sorted parameters, keys redacted"),
        Column("status", "int32", "last HTTP status; null where nothing answered", nullable=True),
        Column("outcome", "string", "how it ended", rules=(OneOf(("ok", "transient", "permanent")),)),
        Column("attempts", "int32", "calls made, repeats included", rules=(Between(1),), volatile=True),
        Column("size_bytes", "int64", "bytes of the last answer", rules=(Between(0),)),
        Column("quota_date", "date", "day in Seoul that the calls count for", volatile=True),
        Column("fetched_at", "timestamp", "when it ended, by the source's clock", volatile=True),
        Column("known_at", "timestamp", "when it ended", volatile=True),
    ),
    key=("request_id",),
    known_at="when the request ended",
    commits="append",
)
