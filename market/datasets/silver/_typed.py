"""What every silver table shares: validity columns, and the columns that lead back to the payload."""

from market.table import Column, Matches, Read, RowRule

KNOWN = (
    Column("known_at", "timestamp", "when the row could first have been known"),
    Column("known_until", "timestamp", "when another version replaced it; null: still true", nullable=True),
)
MONTH = Column("session_month", "string", "partition: month of the session", rules=(Matches(r"\d{4}-\d{2}$"),))
ORIGIN = (
    Column("source", "string", "source that said so"),
    Column("payload_digest", "string", "SHA-256 of the payload the row came in", rules=(Matches(r"[0-9a-f]{64}$"),)),
    Column("row_no", "int32", "position of the row in the payload"),
)
HOLDERS = Read("silver.securities", "side", columns=("security_id", "list_date", "known_at"), versions=True)
"""Which of its companies had a code on a day: what `market.identity.ids_then` reads."""

UNREADABLE = Column(
    "unreadable",
    "string",
    "columns of the payload whose text is no number or date, with the text; such a row is refused",
    nullable=True,
    rules=(Matches(r"$"),),
    internal=True,
)

BAR_RULES = (
    RowRule("low", "<=", "high", "the low is not above the high"),
    RowRule("low", "<=", "open", "the open is not below the low"),
    RowRule("open", "<=", "high", "the open is not above the high"),
    RowRule("low", "<=", "close", "the close is not below the low"),
    RowRule("close", "<=", "high", "the close is not above the high"),
)
"""What holds of every bar: of a security, a fund and an index."""
