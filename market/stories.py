"""Which headlines tell the same story: copies by address, by words, and nearly by words.

A story belongs to one security and one session. Headlines are looked at in the order in which they became known, and each is
compared with earlier ones alone, so that a story never depends on what came later. Near copies are compared with the headline
that began a story, never with other copies: a chain of small changes would lead anywhere. What does not belong here: reading
and storing headlines, and what they are about.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pandas as pd

FIRST, ADDRESS, TITLE, NEAR = LINKS = ("first", "address", "title", "near")
"""How a headline came to its story: it began it, has the address or the words of an earlier one, or nearly its first one's words."""

LIKENESS = 0.6
"""Jaccard similarity of three-letter shingles from which words are nearly the same: measured, see docs/adr/0014."""

LEAST_LETTERS = 8
"""A tag such as [특징주] is taken off a headline of which so many letters remain; what is left of "[인사] 삼성전자" says nothing."""

_SHINGLE = 3
_TAG = re.compile(r"\[[^\]]*\]|<[^>]*>|〈[^〉]*〉|《[^》]*》|【[^】]*】|\((?:종합|상보|속보|재종합|종합\s*\d보|\d보)\)")
_NUMBER = re.compile(r"\d+")
_ADDRESS = re.compile(r"https?://(?P<host>[^/?#\s\[\]]+)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?")
_TRACKING = re.compile(r"utm_\w+|sc|sid|from|ref|fbclid|gclid")

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

_kernel: Any = numba.njit(cache=True, nogil=True)
_helper: Any = numba.njit(nogil=True)  # compiled into its caller, so it needs no cache entry of its own


def normal_title(title: str) -> str:
    """Letters and digits of a headline alone: no tags, marks, spaces, capitals; the text itself where nothing would be left."""
    text = unicodedata.normalize("NFKC", title).lower()
    bare = _letters(_TAG.sub(" ", text))
    return bare if len(bare) >= LEAST_LETTERS else _letters(text) or text


def normal_address(url: str) -> str:
    """Host and path of an address with what identifies the article: no scheme, www, mobile host, fragment, tracking or last slash."""
    parts = _ADDRESS.fullmatch(url.strip())
    if parts is None:
        return url
    host, path, query = parts.group("host", "path", "query")
    kept = [pair for pair in (query or "").split("&") if pair and not _TRACKING.fullmatch(pair.partition("=")[0])]
    return (
        host.lower().removeprefix("www.").removeprefix("m.") + path.rstrip("/") + ("?" + "&".join(kept) if kept else "")
    )


def stories(headlines: pd.DataFrame, within: Sequence[str]) -> pd.DataFrame:
    """What each headline's story is.

    Parameters
    ----------
    headlines : any order, with `url`, `title`, `known_at` and the columns `within`.
    within : columns whose rows may share stories: a security and a session.

    Returns
    -------
    By the index of the headlines: `first_url` (the address of the story's first headline), `link` (one of LINKS) and `likeness`
    (similarity to that headline's words; 1 where the link is no near one).
    """
    ordered = headlines.sort_values([*within, "known_at", "url"], kind="stable")
    group = ordered.groupby(list(within), sort=False, dropna=False).ngroup().to_numpy(dtype=np.int64)
    titles = [normal_title(title) for title in ordered["title"]]
    words = pd.Series(titles).factorize()[0].astype(np.int64)
    numbers = pd.Series([" ".join(_NUMBER.findall(title)) for title in titles]).factorize()[0].astype(np.int64)
    addresses = pd.Series([normal_address(url) for url in ordered["url"]]).factorize()[0].astype(np.int64)
    shingles, offsets = _shingles(titles)
    first, link, likeness = _linked(
        group, _first_of(group, addresses), _first_of(group, words), numbers, shingles, offsets, LIKENESS
    )
    found = pd.DataFrame({"first_url": ordered["url"].to_numpy()[first], "link": np.array(LINKS)[link]}, ordered.index)
    return found.assign(likeness=likeness).reindex(headlines.index)


def most_alike(titles: Sequence[str], group: Int64, session: Int64, sessions: int) -> Float64:
    """How much each headline's words are like those of the sessions before, of the one that is the most alike.

    Parameters
    ----------
    titles : (n,) ordered by group and session.
    group, session : (n,) whose headlines are compared, and the number of each one's session.
    sessions : that are looked back; those of the headline's own are not compared.

    Returns
    -------
    (n,) Jaccard similarity of three-letter shingles, from 0 to 1; 0 where nothing was written before.
    """
    shingles, offsets = _shingles([normal_title(title) for title in titles])
    found: Float64 = _alike_before(group, session, shingles, offsets, sessions)
    return found


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


def _first_of(group: Int64, value: Int64) -> Int64:
    """(n,) position of the first row of the same group with the same value; its own where it is that."""
    rows = pd.DataFrame({"group": group, "value": value, "at": np.arange(len(group))})
    first: Int64 = rows.groupby(["group", "value"], sort=False)["at"].transform("min").to_numpy(dtype=np.int64)
    return first


def _shingles(titles: Sequence[str]) -> tuple[Int64, Int64]:
    """Distinct shingles of each text, ascending, and the (n + 1,) offsets at which each text's begin.

    Three letters of 21 bits each make one whole number, so two shingles are equal where their letters are.
    """
    padded = [title.ljust(_SHINGLE, "\0") for title in titles]
    letters = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32).astype(np.int64)
    lengths = np.array([len(title) for title in padded], np.int64)
    counts = lengths - _SHINGLE + 1
    owner = np.repeat(np.arange(len(padded)), counts)
    inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    at = np.repeat(np.cumsum(lengths) - lengths, counts) + inside
    packed = (letters[at] << 42) | (letters[at + 1] << 21) | letters[at + 2] if len(at) else letters
    order = np.lexsort((packed, owner))
    owner, packed = owner[order], packed[order]
    is_new = np.ones(len(packed), bool)
    is_new[1:] = (owner[1:] != owner[:-1]) | (packed[1:] != packed[:-1])
    return packed[is_new], np.searchsorted(owner[is_new], np.arange(len(padded) + 1)).astype(np.int64)


@_kernel
def _linked(
    group: Int64, same_address: Int64, same_words: Int64, numbers: Int64, shingles: Int64, offsets: Int64, least: float
) -> tuple[Int64, Int64, Float64]:
    """(n,) position of each row's first headline, the link's number, and the likeness; rows ordered by group and instant."""
    n = len(group)
    first, link, likeness = np.arange(n), np.zeros(n, np.int64), np.ones(n)
    founders, n_founders = np.empty(n, np.int64), 0
    for i in range(n):
        if i == 0 or group[i] != group[i - 1]:
            n_founders = 0
        if same_address[i] < i:
            first[i], link[i] = first[same_address[i]], 1
        elif same_words[i] < i:
            first[i], link[i], likeness[i] = first[same_words[i]], 2, likeness[same_words[i]]
        else:
            best = 0.0
            for at in range(n_founders):
                j = founders[at]
                if numbers[i] != numbers[j]:  # "1분기" and "2분기" are two stories, however alike
                    continue
                alike = _jaccard(shingles[offsets[i] : offsets[i + 1]], shingles[offsets[j] : offsets[j + 1]])
                if alike >= least and alike > best:
                    best, first[i], link[i], likeness[i] = alike, j, 3, alike
            if best == 0.0:
                founders[n_founders] = i
                n_founders += 1
    return first, link, likeness


@_kernel
def _alike_before(group: Int64, session: Int64, shingles: Int64, offsets: Int64, sessions: int) -> Float64:
    n, first = len(group), 0
    most = np.zeros(n)
    for i in range(n):
        while group[first] != group[i] or session[first] < session[i] - sessions:
            first += 1
        j = first
        while session[j] < session[i] and group[j] == group[i] and j < i:
            alike = _jaccard(shingles[offsets[i] : offsets[i + 1]], shingles[offsets[j] : offsets[j + 1]])
            most[i] = max(most[i], alike)
            j += 1
    return most


@_helper
def _jaccard(one: Int64, other: Int64) -> float:
    """Share of the shingles of either that both have."""
    i, j, both = 0, 0, 0
    while i < len(one) and j < len(other):
        if one[i] == other[j]:
            i, j, both = i + 1, j + 1, both + 1
        elif one[i] < other[j]:
            i += 1
        else:
            j += 1
    return both / (len(one) + len(other) - both)
