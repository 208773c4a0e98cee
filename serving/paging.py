"""Pages by cursor: the key of the last row, so that a page is found by comparison and a new release moves nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from serving.problems import bad_input

Parser = Callable[[str], Any]


@dataclass(frozen=True)
class Page:
    """What the caller asked for: at most `limit` rows after the one that the cursor names."""

    limit: int
    cursor: str | None = None

    def after(self, route: str, *parsers: Parser) -> tuple[Any, ...] | None:
        """The key after which the page begins, None for the first page.

        Raises
        ------
        Problem
            422: the cursor was not made by this route.
        """
        if self.cursor is None:
            return None
        try:
            name, *key = json.loads(base64.urlsafe_b64decode(self.cursor.encode("ascii") + b"=="))
            if name != route or len(key) != len(parsers):
                raise ValueError
            return tuple(parser(part) for parser, part in zip(parsers, key, strict=True))
        except (ValueError, TypeError, RecursionError, binascii.Error) as error:
            raise bad_input("cursor", "the `next` of an answer of this route", self.cursor) from error

    def cut(self, rows: pa.Table, route: str, key: Sequence[str]) -> tuple[pa.Table, str | None]:
        """At most `limit` of the rows, which hold one more where there is another page, and that page's cursor."""
        if rows.num_rows <= self.limit:
            return rows, None
        kept = rows.slice(0, self.limit)
        last = [_text(kept.column(name)[self.limit - 1].as_py()) for name in key]
        token = json.dumps([route, *last], ensure_ascii=False).encode()
        return kept, base64.urlsafe_b64encode(token).decode().rstrip("=")


def text(part: Any) -> str:
    """A part of a key that is text."""
    if not isinstance(part, str):
        raise TypeError("a part of a cursor's key is no text")
    part.encode()  # a lone surrogate of a JSON escape is no text either, and no query takes it
    return part


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
