"""The pages for people, as files that need no network."""

import html
from collections.abc import Sequence
from functools import cache
from pathlib import Path


@cache
def page(name: str) -> str:
    """The HTML of a page, with the style that pages of tables share; its other `$names` are filled by the route."""
    here = Path(__file__)
    text = here.with_name(f"{name}.html").read_text(encoding="utf-8")
    return text.replace("$style", here.with_name("tables.css").read_text(encoding="utf-8"))


def row(*cells: Sequence[str]) -> str:
    """A row of a table; each cell is its class and its text, which is escaped."""
    return "<tr>" + "".join(f'<td class="{kind}">{html.escape(text)}</td>' for kind, text in cells) + "</tr>"
