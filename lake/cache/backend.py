"""What every cache of answers can do, and its limits."""

from dataclasses import dataclass
from typing import Protocol

VARIANTS = 64
"""Values that one key holds at most; the one beyond takes the place of all before it, which nobody need count."""

MAX_VALUE = 1 << 20
"""Bytes of a value that is kept at most; a larger answer is made anew each time."""

MAX_TOTAL = 256 << 20
"""Bytes that SQLite holds at most, about; Redis has `maxmemory` for it."""


@dataclass(frozen=True)
class Slot:
    """Where answers about one subject are kept.

    Parameters
    ----------
    key : such as `stock:price:XKRX:005930`.
    ttl_s : seconds for which a value is kept.
    """

    key: str
    ttl_s: int


class Backend(Protocol):
    """Values by slot and variant. Safe to call from any thread; blocks, so never on an event loop.

    Each method raises `Transient` where the store does not answer; opening is left to the first call.
    """

    name: str

    def get(self, slot: Slot, variant: str) -> bytes | None:
        """The value; None where there is none, or its time is over."""

    def put(self, slot: Slot, variant: str, value: bytes) -> None:
        """Keep the value for the slot's time, instead of the one before."""

    def close(self) -> None:
        """Let go of connections; a call afterwards opens them again."""
