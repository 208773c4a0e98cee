"""Markdown of the generated pages: grids, cells, anchors.

What does not belong here: what the pages say (`marketlake.dictionary`, `marketlake.dictionary_features`).
"""

from collections.abc import Iterable, Sequence

NOTICE = "<!-- Written by `make docs` from {source}. Edit that, not this. -->"


def grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table: its head, and a line a row."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return lines + [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]


def _cell(value: str) -> str:
    """Text that stays inside its cell: no line break, a bar escaped (Markdown wants it inside code too)."""
    return " ".join(value.split()).replace("|", "\\|")


def anchor(heading: str) -> str:
    """The fragment that GitHub gives a heading: lower case, dots gone."""
    return heading.lower().replace(".", "")


def bound(value: float | None, otherwise: str) -> str:
    """A bound in words."""
    return otherwise if value is None else f"{value:g}"


def yes(is_so: bool) -> str:
    """Yes, or nothing."""
    return "yes" if is_so else ""


def text(lines: Sequence[str]) -> str:
    """The lines as a file."""
    return "\n".join(lines).rstrip() + "\n"
