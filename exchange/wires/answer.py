"""What a wire gives back before it becomes bytes: faults change it, then the server encodes it.

What does not belong here: any source's own shapes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from exchange.clock import Clock
from exchange.model import World


@dataclass
class Answer:
    """An HTTP answer whose body is still an object (encoded as JSON) or ready bytes.

    ``rows`` is the path of keys to the list of rows inside the body and ``session`` the day asked for, for faults.
    Faults also set ``delay_s``, ``cut_share`` (the share of the body after which the connection closes) and ``skew_s``.
    """

    body: Any
    status: int = 200
    content_type: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    escape_slashes: bool = False
    session: date | None = None
    delay_s: float = 0.0
    cut_share: float | None = None
    skew_s: float = 0.0

    def encode(self) -> bytes:
        """The body's bytes; compact JSON, not escaped to ASCII."""
        if isinstance(self.body, bytes):
            return self.body
        text = json.dumps(self.body, ensure_ascii=False, separators=(",", ":"))
        return (text.replace("/", "\\/") if self.escape_slashes else text).encode()


@dataclass(frozen=True)
class Ask:
    """A request as a wire sees it: the path below the source's prefix, the query (or the fields of a posted form), and headers in lower case."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    method: str = "GET"


class Wire(Protocol):
    """One source's real host."""

    def answer(self, ask: Ask, world: World, clock: Clock) -> Answer:
        """The host's answer."""

    def expired_key(self) -> Answer:
        """What the host says to a key that has run out."""

    def quota_spent(self) -> Answer:
        """What the host says when the day's calls are used up."""

    def error_body(self) -> Answer:
        """An error told inside a body with HTTP 200, or the nearest this host has."""
