"""One client per source, found by its file. A client turns sessions into deliveries; it stores nothing.

A client module has `SOURCE`, `TABLES` (bronze tables that it delivers), `deliveries(session_dates, ctx)`, and `one_call(ctx, session)`
for who wants to know whether its host lets us in; one whose host asks for keys has `KEYS` (the settings that hold them) and `KEY_FROM` too. What does not belong here: a list of them.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol, cast

from lake.delivery import ClientContext, Delivery
from lake.host import Call
from market.errors import Permanent


class Client(Protocol):
    """What every client module offers."""

    SOURCE: str
    TABLES: tuple[str, ...]

    def deliveries(self, session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
        """Everything that the source has for these sessions."""

    def one_call(self, ctx: ClientContext, session: date) -> Call:
        """The smallest request that shows whether the host lets us in."""


def names() -> tuple[str, ...]:
    """The sources that have a client."""
    return tuple(sorted(entry.name for entry in pkgutil.iter_modules(__path__) if not entry.name.startswith("_")))


def keys() -> dict[str, tuple[tuple[str, ...], str]]:
    """By source: the settings that hold its keys, none where its host asks for none, and where to get one."""
    modules = {name: client(name) for name in names()}
    return {name: (getattr(one, "KEYS", ()), getattr(one, "KEY_FROM", "")) for name, one in modules.items()}


def client(name: str) -> Client:
    """The client of a source.

    Raises
    ------
    Permanent
        There is none.
    """
    if name not in names():
        raise Permanent(f"source {name!r}", expected=f"one of {', '.join(names())}", found="no such client")
    return cast(Client, importlib.import_module(f"{__name__}.{name}"))
