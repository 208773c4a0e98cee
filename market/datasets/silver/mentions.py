"""silver.mentions: every security that a headline names, whichever of them it was found for."""

import pandas as pd
import pyarrow as pa

from market import mentions
from market.datasets.silver._typed import KNOWN, MONTH, ORIGIN
from market.table import Column, Frames, Matches, OneOf, Read, Table, Window

_SAID = ("mention", "name")
_LINK = ["session_date", "url", "security_id"]


def build(frames: Frames, window: Window) -> pa.Table:
    """One row per headline and security, as the first version that names it does: a changed headline takes none back."""
    told = frames["silver.news"].to_pandas(timestamp_as_object=False)
    # A title that one search shows to be a changed one was not there earlier for another, which met the headline late.
    title = ["session_date", "url", "title"]
    told["known_at"] = told.groupby([*title, "security_id"])["known_at"].transform(
        "min"
    )  # by each search, changed back or not
    told["known_at"] = told.groupby(title)["known_at"].transform("max")
    symbols = frames["silver.symbols"].to_pandas(timestamp_as_object=False)
    links = mentions.links(told, mentions.Dictionary(symbols))
    rows = links.join(told.drop(columns=["security_id", *_SAID], errors="ignore"), on="headline")
    rank = rows["mention"].map(mentions.KINDS.index)
    rows = rows.assign(rank=rank).sort_values(["known_at", "rank", "payload_digest", "row_no", "name"])
    rows = rows.drop_duplicates(_LINK).assign(known_until=pd.NaT)
    return TABLE.conform(pa.Table.from_pandas(pd.DataFrame(rows), schema=_schema(), preserve_index=False))


def _schema() -> pa.Schema:
    return pa.schema([pa.field(column.name, column.arrow.type) for column in TABLE.columns])


TABLE = Table(
    __name__,
    doc="Headlines by the securities that they name, whichever of them they were found for, by names known at the publication; "
    "how sure it is says `mention`. See docs/identity.md and docs/adr/0023.",
    columns=(
        Column("session_date", "date", "session whose window holds the publication"),
        MONTH,
        Column("url", "string", "address of the headline, as in silver.news", rules=(Matches(r"https?://"),)),
        Column("security_id", "string", "the security named, by our stable id"),
        Column("exchange", "string", "exchange whose session it is"),
        Column(
            "mention",
            "string",
            "where it is named: in the title, in the excerpt alone, or by words that may mean something else (open)",
            rules=(OneOf(mentions.KINDS[:3]),),
        ),
        Column("name", "string", "the name that stands there, without capitals"),
        Column("published_at", "timestamp", "publication, as the press dates it"),
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "session_date", "url", "known_at"),
    known_at="when the first version of the headline that names the security was known; nothing ends it",
    commits="replace",
    may_be_empty=True,
    reads=(
        Read("silver.news", spread="session_date", versions=True),
        Read(
            "silver.symbols",
            "side",
            columns=("security_id", *mentions.NAMES, "known_at", "known_until"),
            versions=True,
        ),
    ),
    build=build,
)
