"""Text as a Korean search shows it: entities, and the words searched for in <b> marks. Shared by the searches' wires."""

import html


def marked(text: str, query: str, apostrophe: str) -> str:
    """The text with entities (the apostrophe as that host writes it), each word of the query in <b> marks."""
    escaped = html.escape(text, quote=True).replace("&#x27;", apostrophe)
    for word in query.split():
        hit = html.escape(word, quote=True)
        escaped = escaped.replace(hit, f"<b>{hit}</b>")
    return escaped


def whole(text: str | None, default: int) -> int:
    """A whole number of a query; -1, which no field allows, where the text is none."""
    if text is None:
        return default
    return int(text) if text.isdecimal() else -1
