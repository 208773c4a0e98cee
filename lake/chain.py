"""What explaining a number gives: a tree of links from the number down to the payload, as JSON and as text.

What does not belong here: finding the links (`lake.explain`, `lake.explain_links`).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Link:
    """One step: what it is, what is known of it, what it was made from, and how many of those are not listed."""

    what: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    links: tuple["Link", ...] = ()
    not_listed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON: instants and dates in ISO form, NaN and infinities null."""
        body: dict[str, Any] = {"what": self.what, "facts": {name: plain(value) for name, value in self.facts.items()}}
        if self.links:
            body["from"] = [link.to_dict() for link in self.links]
        if self.not_listed:
            body["not_listed"] = self.not_listed
        return body

    def walk(self) -> Iterator["Link"]:
        """This link and all below it, from the top."""
        yield self
        for link in self.links:
            yield from link.walk()


@dataclass(frozen=True)
class Chain:
    """The chain behind one number.

    Parameters
    ----------
    table, key, column : which number.
    value : as stored; `unit` is its contract's.
    known_at : when the row could first have been known.
    meta : release_id, as_of, code_sha (that published the release), rulebook, the Delta version of the table, and
        `written_by`, the commit of the code that wrote the row; None where it is not on record.
    link : the top of the tree; its facts say how the number is made.
    """

    table: str
    key: Mapping[str, Any]
    column: str
    value: Any
    unit: str
    known_at: datetime | None
    meta: Mapping[str, Any]
    link: Link

    def to_dict(self) -> dict[str, Any]:
        """JSON of the whole chain."""
        return {
            "table": self.table,
            "key": {name: plain(value) for name, value in self.key.items()},
            "column": self.column,
            "value": plain(self.value),
            "unit": self.unit,
            "known_at": plain(self.known_at),
            "meta": {name: plain(value) for name, value in self.meta.items()},
            "chain": self.link.to_dict(),
        }

    def render(self) -> str:
        """A tree to read: one line a fact, what it came from below it."""
        key = " ".join(str(plain(value)) for value in self.key.values())
        unit = f" {self.unit}" if self.unit not in ("", "1") else ""
        lines = [f"{self.table} {key} {self.column} = {_shown(self.value)}{unit}"]
        head = {"known_at": self.known_at, **self.meta}
        lines += [f"  {name}: {_shown(value)}" for name, value in head.items()]
        return "\n".join([*lines, *_lines(self.link, "")])

    def links(self) -> Iterator[Link]:
        """Every link, from the top."""
        return self.link.walk()

    def __str__(self) -> str:
        return self.render()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.render())


def plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def _lines(link: Link, indent: str) -> Iterator[str]:
    yield f"{indent}{link.what}"
    stem = indent.replace("├─ ", "│  ").replace("└─ ", "   ")
    below = len(link.links) + bool(link.not_listed)
    for name, value in link.facts.items():
        yield f"{stem}{'│' if below else ' '}    {name}: {_shown(value)}"
    for i, part in enumerate(link.links, start=1):
        yield from _lines(part, stem + ("└─ " if i == below else "├─ "))
    if link.not_listed:
        yield f"{stem}└─ and {link.not_listed} more"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
    return "not known" if value is None else str(plain(value))
