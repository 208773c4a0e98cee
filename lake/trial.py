"""Whether each source lets us in: one call with its key, and what it said. Nothing is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import httpx

from lake.clients import client, names
from lake.delivery import ClientContext
from lake.settings import Settings
from lake.world import World, is_off, simulated_sources
from market import calendars
from market.errors import MarketlakeError, Transient
from market.sources import SOURCES

_AGO = timedelta(days=3)
"""A session that long ago is due everywhere."""

State = Literal["works", "refused", "not set", "away", "off"]


@dataclass(frozen=True)
class Tried:
    """What became of a source's one call.

    Parameters
    ----------
    state : it works; the source refuses; a setting that it needs is not set; nothing good came, which may pass; it is off.
    found, do : what came, and what to do where that was no answer.
    """

    source: str
    is_live: bool
    state: State
    found: str
    do: str = ""


def tried(settings: Settings, transport: httpx.BaseTransport | None = None) -> Iterator[Tried]:
    """Every source in turn, each asked once.

    Parameters
    ----------
    transport : a test's.
    """
    once = settings.model_copy(update={"http_attempts": 1})
    simulated = simulated_sources(settings)
    ctx = ClientContext(once, World("", "raw", simulated, {}, {}, once), transport=transport)
    for source in names():
        is_live = source not in simulated
        if is_off(settings, source):
            yield Tried(source, is_live, "off", "not asked, as the settings say")
            continue
        try:
            yield Tried(source, is_live, "works", _asked(ctx, source))
        except MarketlakeError as error:
            yield Tried(source, is_live, _state(error), f"expected {error.expected}, was {error.found}", error.do)


def _asked(ctx: ClientContext, source: str) -> str:
    now = ctx.clock(source)()
    session = calendars.previous_session(SOURCES[source].exchange, (now - _AGO).date())
    call = client(source).one_call(ctx, session)
    with ctx.fetcher(call.host) as fetcher:
        if call.ask is not None:
            answer = call.ask(fetcher, session)
        else:
            answer = fetcher.get(call.path, call.params, session, accept=call.accept)
    return f"HTTP {answer.status}, {len(answer.payload):,} bytes"


def _state(error: MarketlakeError) -> State:
    if error.where.startswith("MARKETLAKE_"):
        return "not set"
    return "away" if isinstance(error, Transient) else "refused"
