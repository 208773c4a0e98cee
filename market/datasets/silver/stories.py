"""silver.stories: which headlines about a security tell the same story, whatever source brought them."""

import hashlib

import pandas as pd
import pyarrow as pa

from market.datasets.silver._typed import KNOWN, MONTH
from market.stories import LINKS, stories
from market.table import Between, Column, Frames, Matches, OneOf, Read, Table, Window

_WITHIN = ["security_id", "session_date"]


def build(frames: Frames, window: Window) -> pa.Table:
    """One row per headline as it was first told, with its story: a changed headline stays where it is."""
    told = frames["silver.news"].to_pandas(timestamp_as_object=False)
    first = told.sort_values(["known_at", "payload_digest", "row_no"]).drop_duplicates([*_WITHIN, "url"])
    rows = first.join(stories(first, _WITHIN)).assign(known_until=pd.NaT)
    rows["story_id"] = [
        hashlib.sha256(f"{security} {url}".encode()).hexdigest()[:16]
        for security, url in zip(rows["security_id"], rows["first_url"], strict=True)
    ]
    return TABLE.conform(pa.Table.from_pandas(pd.DataFrame(rows), schema=_schema(), preserve_index=False))


def _schema() -> pa.Schema:
    return pa.schema([pa.field(column.name, column.arrow.type) for column in TABLE.columns])


TABLE = Table(
    __name__,
    doc="Headlines by story: copies of one another by address, by words or nearly by words, within a security and a session. A "
    "story has the id of its first headline and never depends on later ones; see docs/adr/0014.",
    columns=(
        Column("session_date", "date", "session whose window holds the publication"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("url", "string", "address of the headline, as in silver.news"),
        Column("story_id", "string", "the story, by its first headline", rules=(Matches(r"[0-9a-f]{16}$"),)),
        Column("first_url", "string", "address of the story's first headline"),
        Column("link", "string", "how the headline came to the story", rules=(OneOf(LINKS),)),
        Column("likeness", "float64", "similarity to the first headline's words", "1", rules=(Between(0, 1),)),
        Column("published_at", "timestamp", "publication"),
        Column("source", "string", "source that told the headline"),
        *KNOWN,
    ),
    key=("security_id", "session_date", "url", "known_at"),
    known_at="when the headline was first known; nothing ends it",
    commits="replace",
    may_be_empty=True,
    reads=(Read("silver.news", spread="session_date", versions=True),),
    build=build,
)
