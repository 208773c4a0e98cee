"""The two kinds of failure. Which one it is decides whether anything is ever retried.

What does not belong here: errors of one library or one source; they are translated where they are born.
"""

from collections.abc import Sequence


class MarketlakeError(Exception):
    """A failure that says where it happened, what was expected, what was found, which keys, and what to do.

    Parameters
    ----------
    where : the table, request, file or setting concerned.
    expected, found : the rule and what broke it, in words a person can act on.
    keys : a few of the rows concerned; the message shows at most five.
    do : what the reader can do about it.
    """

    retryable = False
    longest = 4_000
    """Characters of a part that the message shows: what a source sends has no end."""

    def __init__(
        self, where: str, *, expected: str = "", found: str = "", keys: Sequence[object] = (), do: str = ""
    ) -> None:
        self.where, self.expected, self.found, self.keys, self.do = where, expected, found, tuple(keys), do
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [self.where]
        if self.expected:
            parts.append(f"expected {self._cut(self.expected)}")
        if self.found:
            parts.append(f"was {self._cut(self.found)}")
        if self.keys:
            shown = self._cut(", ".join(map(str, self.keys[:5])))
            parts.append(f"keys {shown}" + (f" and {len(self.keys) - 5} more" if len(self.keys) > 5 else ""))
        text = f"{parts[0]}: " + "; ".join(parts[1:]) if len(parts) > 1 else parts[0]
        return f"{text}. {self.do}" if self.do else text

    def _cut(self, text: str) -> str:
        return (
            text
            if len(text) <= self.longest
            else f"{text[: self.longest]} and {len(text) - self.longest} characters more"
        )


class Permanent(MarketlakeError):
    """A rerun cannot clear this: bad key, spent quota, a changed schema, bad input."""


class Transient(MarketlakeError):
    """A rerun may clear this: a cut connection, 429, 5xx, a lost race."""

    retryable = True
