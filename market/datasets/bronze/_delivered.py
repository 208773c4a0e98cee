"""What every bronze table shares: the columns that say which payload a row came in, and where in it."""

from market.table import Column, Matches


def delivered(*columns: Column) -> tuple[Column, ...]:
    """The source's own columns behind the ones that identify their delivery."""
    return (
        Column("session_date", "date", "session that the request asked for"),
        Column("session_month", "string", "partition: month of the session", rules=(Matches(r"\d{4}-\d{2}$"),)),
        *columns,
        Column("payload_digest", "string", "SHA-256 of the payload as it came", rules=(Matches(r"[0-9a-f]{64}$"),)),
        Column("row_no", "int32", "position of the row in the payload, from 0"),
        Column("request", "string", "the request's fingerprint: method, path and sorted parameters, keys redacted"),
        Column("landing_path", "string", "file of the payload, relative to the lake's root"),
        Column("fetched_at", "timestamp", "when the source answered, by its own clock", volatile=True),
        Column("known_at", "timestamp", "when the payload was fetched", volatile=True),
    )


def as_text(name: str, doc: str) -> Column:
    """A column kept as the text that the source sent; null where the source left it out."""
    return Column(name, "string", doc, nullable=True)
