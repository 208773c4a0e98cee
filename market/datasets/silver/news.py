"""silver.news: headlines about a security, once per address."""

from market.datasets.silver._feeds import build_from, feeds
from market.datasets.silver._typed import HOLDERS, KNOWN, MONTH, ORIGIN
from market.mentions import KINDS, NAMES
from market.table import Column, Matches, OneOf, Read, Table

FEEDS = feeds("silver.news")

TABLE = Table(
    __name__,
    doc="Headlines by security and session whose window holds their publication; text without marks.",
    columns=(
        Column("session_date", "date", "session whose window (previous close to close) holds the publication"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("symbol", "string", "code searched"),
        Column("title", "string", "headline"),
        Column("summary", "string", "excerpt", nullable=True),
        Column("url", "string", "address at the press, or at the portal that shows it", rules=(Matches(r"https?://"),)),
        Column("press", "string", "host of the press; null where the source does not tell it", nullable=True),
        Column("language", "string", "ko or en by the headline's letters; null where neither", nullable=True),
        Column("published_at", "timestamp", "publication, as the press dates it"),
        Column(
            "first_seen_at",
            "timestamp",
            "when a payload of ours first told this version; what we could not have used before, whatever its known_at",
            nullable=True,
            volatile=True,
        ),
        Column(
            "mention",
            "string",
            "how it names the security, by names known at the publication: in its title, in its excerpt alone, by words that may mean "
            "something else (open), not at all; null where no name was known",
            nullable=True,
            rules=(OneOf(KINDS),),
        ),
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "url", "known_at"),
    known_at="publication, when anybody could read it, however late our search found it (first_seen_at); a changed headline from when it was fetched",
    commits="replace",
    may_be_empty=True,
    reads=(
        *(Read(name, spread="session_date") for name in FEEDS),
        HOLDERS,
        Read("silver.symbols", "side", columns=("security_id", *NAMES, "known_at", "known_until"), versions=True),
    ),
    build=build_from(FEEDS),
)
