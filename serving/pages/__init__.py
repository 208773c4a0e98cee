"""The pages for people, as files that need no network."""

from functools import cache
from pathlib import Path


@cache
def page(name: str) -> str:
    """The HTML of a page; its `$names` are filled by the route."""
    return Path(__file__).with_name(f"{name}.html").read_text(encoding="utf-8")
