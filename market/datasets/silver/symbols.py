"""silver.symbols: under which code, names, board and numbers each security could be found, and when."""

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa

from market import bitemporal, lookup
from market.datasets.silver._feeds import Feed, feeds
from market.datasets.silver._typed import KNOWN
from market.table import Column, Frames, Matches, Read, Table, Window

FEEDS = feeds("silver.symbols")
FILED = "silver.filings"
SHOWN = ("symbol", "name", "name_en", "market", "isin", "yahoo_symbol", "common_id", *lookup.KINDS)
_FILED = ("exchange", "security_id", "corp_code", "corp_name", "known_at", "payload_digest", "row_no")
_NUMBER = {"XKRX": "corp_code", "XNYS": "cik"}


def build(frames: Frames, window: Window) -> pa.Table:
    """Dated codes, names and numbers: one row per change of any, none known before what told it."""
    listed = lookup.described(frames["silver.securities"].to_pandas(timestamp_as_object=False))
    told = [tells(frames[name], frames) for name, tells in TELLERS.items()]
    rows = lookup.beside(listed, pa.concat_tables(told).to_pandas(timestamp_as_object=False))
    dated = lookup.until_passed_on(bitemporal.changes(rows, ("security_id",), SHOWN, observed="known_at"))
    dated = dated.assign(valid_from=dated["known_at"].dt.date)
    return TABLE.conform(pa.Table.from_pandas(dated, preserve_index=False))


def _filed(filings: pa.Table, frames: Frames) -> pa.Table:
    """Whose filings each security's are: number and name of the company, at each change."""
    rows = filings.select(_FILED).to_pandas(timestamp_as_object=False).dropna(subset=["security_id"])
    numbers = rows.assign(kind=rows["exchange"].map(_NUMBER), value=rows["corp_code"])
    both = pd.concat([numbers, rows.assign(kind="corp_name", value=rows["corp_name"])], ignore_index=True)
    both = both.sort_values(["known_at", "value"], kind="stable")
    before = both.groupby(["security_id", "kind"], sort=False)["value"].shift()
    return lookup.told(both[both["value"] != before])


TELLERS: Mapping[str, Feed] = {FILED: _filed, **FEEDS}
"""By table, what its rows tell of companies' numbers and names (`lookup.told`)."""


TABLE = Table(
    __name__,
    doc="Codes, names, boards and numbers by date; `known_until` null marks the present ones. A code that passed to another company "
    "ends with its former holder's last row.",
    columns=(
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("symbol", "string", "code"),
        Column("name", "string", "short name"),
        Column("name_en", "string", "English name", nullable=True),
        Column("market", "string", "board"),
        Column("isin", "string", "ISIN", nullable=True),
        Column("yahoo_symbol", "string", "Yahoo's symbol; null on KONEX, which it does not carry", nullable=True),
        Column("corp_code", "string", "DART's code of the company", nullable=True, rules=(Matches(r"\d{8}$"),)),
        Column("cik", "string", "SEC's number of the company, ten digits", nullable=True, rules=(Matches(r"\d{10}$"),)),
        Column("corp_name", "string", "the company's name in its filings; common shares alone", nullable=True),
        Column("common_id", "string", "of a preferred share: the common share's id", nullable=True),
        Column("valid_from", "date", "first day of these, as far as we saw"),
        *KNOWN,
    ),
    key=("security_id", "known_at"),
    known_at="the end of the first session that showed code, name and board; a number when the filing or list that tells it was known",
    commits="replace",
    reads=(
        Read("silver.securities", history=None, versions=True),
        Read(FILED, "side", columns=_FILED, history=None, versions=True),
        *(Read(name, "side", history=None) for name in FEEDS),
        Read("silver.sessions", "side", history=None),
    ),
    build=build,
    partition="",
)
