"""How online features are laid out: a head per view and one packed row per security, the same bytes in every store.

A row is its session, two instants and every feature as a float64, little-endian, then the fields that are no float64 as
JSON. float64, so that an online value has the bits of the release's: in single precision an answer would depend on whether
the store had it. Null is kept as NaN, and both are read as "not known". What does not belong here: stores, Feast.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from market.errors import Permanent

LAYOUT = 1
NO_DAY = np.iinfo(np.int64).min
"""In place of a day or an instant: there is none (NumPy's NaT)."""

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]
_DO = "Fill it again: `marketlake release rollback` to the current release"


class Unreadable(Permanent):
    """A store holds bytes that are no rows of this layout."""


@dataclass(frozen=True)
class Rows:
    """Rows of one view, by column.

    Parameters
    ----------
    security_ids : (n,).
    names : (k,) features.
    values : (n, k), NaN where not known.
    sessions : (n,) days since 1970.
    event_at, known_at : (n,) microseconds since 1970, UTC.
    others : (n,) each; fields of the view that are no float64, values as JSON has them.
    """

    security_ids: Sequence[str]
    names: tuple[str, ...]
    values: Floats
    sessions: Days
    event_at: Days
    known_at: Days
    others: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(self.security_ids)


@dataclass(frozen=True)
class Packed:
    """A view as a store keeps it: the head, and a row per security."""

    head: bytes
    rows: Mapping[str, bytes]


@dataclass(frozen=True)
class Head:
    """What a head says: names of the features in the rows' order, and of the other fields."""

    names: tuple[str, ...]
    others: tuple[str, ...]
    row: np.dtype[Any]
    absent: bytes

    @classmethod
    def of(cls, names: Sequence[str], others: Sequence[str]) -> "Head":
        """The head for those names."""
        row = _row_type(len(names))
        absent = np.zeros(1, row)
        absent["session"] = absent["event_at"] = absent["known_at"] = NO_DAY
        absent["values"] = np.nan
        return cls(tuple(names), tuple(others), row, absent.tobytes())

    def to_bytes(self) -> bytes:
        """The head as it is kept."""
        body = {"layout": LAYOUT, "features": self.names, "others": self.others}
        return json.dumps(body, separators=(",", ":")).encode()


def pack(rows: Rows) -> Packed:
    """The rows as a store keeps them."""
    head = Head.of(rows.names, tuple(rows.others))
    fixed = np.zeros(len(rows), head.row)
    fixed["session"], fixed["event_at"], fixed["known_at"] = rows.sessions, rows.event_at, rows.known_at
    fixed["values"] = rows.values
    raw, size = fixed.tobytes(), head.row.itemsize
    texts = zip(*rows.others.values(), strict=True) if rows.others else ((),) * len(rows)
    made = {
        security: raw[i * size : (i + 1) * size] + json.dumps(list(text), ensure_ascii=False).encode()
        for i, (security, text) in enumerate(zip(rows.security_ids, texts, strict=True))
    }
    return Packed(head.to_bytes(), made)


@lru_cache(maxsize=64)
def head_of(raw: bytes) -> Head:
    """The head that `pack` wrote.

    Raises
    ------
    Unreadable
        It is of another layout, written by another version of this code.
    """
    body = json.loads(raw)
    if body["layout"] != LAYOUT:
        raise Unreadable("online store", expected=f"layout {LAYOUT}", found=f"layout {body['layout']}", do=_DO)
    return Head.of(body["features"], body["others"])


def unpack(raw: bytes | None, blobs: Sequence[bytes | None], ids: Sequence[str]) -> Rows:
    """The rows of those ids, in their order; NaN, NO_DAY and None where the store has none.

    Parameters
    ----------
    raw : the view's head; None: the view was never filled.

    Raises
    ------
    Unreadable
        They are of another layout, or no rows at all.
    """
    try:
        return _unpacked(raw, blobs, ids)
    except (ValueError, TypeError, LookupError) as error:
        found = f"bytes that cannot be read: {error}"
        raise Unreadable("online store", expected=f"rows of layout {LAYOUT}", found=found, keys=ids, do=_DO) from error


def columns(rows: Rows, names: tuple[str, ...]) -> Floats:
    """(n, k) values of the named features, in that order; NaN for one that was not filled."""
    if rows.names == names:
        return rows.values
    at = {name: i for i, name in enumerate(rows.names)}
    made = np.full((len(rows), len(names)), np.nan)
    kept = [(i, at[name]) for i, name in enumerate(names) if name in at]
    made[:, [i for i, _ in kept]] = rows.values[:, [j for _, j in kept]]
    return made


def chunks(items: Iterable[tuple[str, bytes]], size: int) -> Iterator[dict[str, bytes]]:
    """The items in mappings of at most that size."""
    part: dict[str, bytes] = {}
    for name, value in items:
        part[name] = value
        if len(part) == size:
            yield part
            part = {}
    if part:
        yield part


def _unpacked(raw: bytes | None, blobs: Sequence[bytes | None], ids: Sequence[str]) -> Rows:
    head = head_of(raw) if raw is not None else Head.of((), ())
    size = head.row.itemsize
    fixed = b"".join([blob[:size] if blob else head.absent for blob in blobs])
    rows = np.frombuffer(fixed, head.row)
    texts = [_texts(blob[size:]) if blob else (None,) * len(head.others) for blob in blobs]
    others = {name: [text[i] for text in texts] for i, name in enumerate(head.others)}
    return Rows(ids, head.names, rows["values"], rows["session"], rows["event_at"], rows["known_at"], others)


@lru_cache(maxsize=4096)
def _texts(tail: bytes) -> tuple[Any, ...]:
    # The rows of one exchange in one release end alike, so that few of them are ever parsed.
    return tuple(json.loads(tail))


def _row_type(n_features: int) -> np.dtype[Any]:
    return np.dtype([("session", "<i8"), ("event_at", "<i8"), ("known_at", "<i8"), ("values", "<f8", (n_features,))])
