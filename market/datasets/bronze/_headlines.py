"""What the news searches' bronze tables share: the columns of coverage, and the ways to silver.news and silver.news_searches.

What does not belong here: the names that a source gives its columns (its own file).
"""

import html
import re

import pandas as pd
import pyarrow as pa

from market import bitemporal, identity, mentions
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import month, with_first_known
from market.table import Column, Frames

_HOST = re.compile(r"https?://([^/?#\s:\[\]]+)")

COVERAGE = delivered(
    as_text("query", "what was searched"),
    as_text("code", "short code of the company searched"),
    Column("is_covered", "bool", "the whole window of the session was within what the search showed"),
    Column("n_items", "int64", "items published within the window, repeats across presses included"),
)


def silver_news(raw: pd.DataFrame, source: str, told: pd.DataFrame, frames: Frames) -> pa.Table:
    """Rows of silver.news: text without marks, one row per security and address, known from publication.

    Parameters
    ----------
    raw : delivered rows, with `code` and `title`.
    told : `url`, `summary` and `published_at` (UTC; a row without one is refused by its contract), and `press`, addresses at the
        press, None where the source tells none.
    """
    rows = raw[["session_date", "payload_digest", "row_no", "fetched_at"]].copy()
    rows["session_month"] = month(rows["session_date"])
    rows["symbol"], rows["exchange"], rows["source"] = raw["code"], "XKRX", source
    plain = identity.security_id("XKRX", raw["code"])
    rows["security_id"] = identity.ids_then(plain, rows["session_date"], frames.get("silver.securities"))
    rows["url"], rows["title"], rows["summary"] = (
        told["url"],
        raw["title"].map(plain_text),
        told["summary"].map(plain_text),
    )
    rows["press"] = told["press"].map(press_of)
    rows["language"] = rows["title"].map(language_of)
    rows["published_at"] = rows["first_known_at"] = told["published_at"]
    rows["first_seen_at"] = rows["fetched_at"]  # a version is the row of the payload that first told it
    rows["mention"] = mentions.named(rows, mentions.Dictionary(_names(frames)))
    delivery = ["payload_digest", "fetched_at"]  # a payload may come back after another
    once = rows.sort_values([*delivery, "row_no"]).drop_duplicates(["security_id", "url", *delivery])
    return pa.Table.from_pandas(
        bitemporal.versions(once, ("security_id", "url"), ("title", "summary")), preserve_index=False
    )


def silver_searches(source: str, delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.news_searches: the count where the session was covered, null where it never was.

    A search shows the newest items only: asked again later it no longer reaches an old session, which takes nothing back.
    """
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[["session_date", "payload_digest", "row_no", "fetched_at", "is_covered"]].copy()
    rows["session_month"] = month(rows["session_date"])
    plain = identity.security_id("XKRX", raw["code"])
    rows["security_id"] = identity.ids_then(plain, rows["session_date"], frames.get("silver.securities"))
    rows["exchange"], rows["source"] = "XKRX", source
    rows["n_items"] = raw["n_items"].where(raw["is_covered"]).astype("float64")
    rows = rows.sort_values(["fetched_at", "payload_digest", "row_no"], kind="stable", ignore_index=True)
    key = ["security_id", "session_date"]
    known = rows[rows.groupby(key)["is_covered"].cummax() == rows["is_covered"]]
    timed = with_first_known(known, "XKRX", frames)
    return pa.Table.from_pandas(bitemporal.versions(timed, key, ("n_items",)), preserve_index=False)


def _names(frames: Frames) -> pd.DataFrame:
    return frames["silver.symbols"].to_pandas(timestamp_as_object=False)


def plain_text(marked: str | None) -> str | None:
    """Text without the search's <b> marks, entities resolved (some come escaped twice)."""
    if marked is None:
        return None
    return html.unescape(html.unescape(marked.replace("<b>", "").replace("</b>", ""))).strip()


def press_of(address: str | None) -> str | None:
    """The press by its host, without www; None where the address has none."""
    found = _HOST.match(address or "")
    return found.group(1).lower().removeprefix("www.") if found else None


def language_of(title: str | None) -> str | None:
    """ko where the text has Hangul, else en where it has Latin letters; None where neither."""
    text = title or ""
    if any("가" <= letter <= "힣" for letter in text):
        return "ko"
    return "en" if any(letter.isascii() and letter.isalpha() for letter in text) else None
