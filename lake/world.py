"""What the outside world covers: the simulated one says so itself, the real one is its calendar.

A session or a source that is not covered is not missing. What does not belong here: asking for data (`lake.clients`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

import httpx

from lake import us_symbols
from lake.clock import Clock, ExchangeClock, system_clock
from lake.objects import Store
from lake.settings import Settings
from market import calendars
from market.errors import Permanent, Transient
from market.sources import SOURCES

WORLD_FILE = "world.json"
"""In the lake: the world that it was filled from."""

OFF = "off"
"""Base URL of a source that is not asked."""

_LIVE_KRX_MARKETS = ("KOSPI", "KOSDAQ", "KONEX")


@dataclass(frozen=True)
class World:
    """The outside as the settings describe it.

    Parameters
    ----------
    name : `live`, or the simulated world's own name, such as `synthetic:7`.
    price_basis : `raw`, or `adjusted` where a recording holds prices adjusted to its last day.
    simulated : the sources that the exchange stands in for.
    covered : per simulated source, what the world says of it.
    days : per exchange, the sessions that the simulated world covers, ascending.
    """

    name: str
    price_basis: Literal["raw", "adjusted"]
    simulated: frozenset[str]
    covered: Mapping[str, Mapping[str, Any]]
    days: Mapping[str, tuple[date, ...]]
    settings: Settings

    @property
    def is_simulated(self) -> bool:
        """True where at least one source is simulated."""
        return bool(self.simulated)

    def covers_source(self, source: str) -> bool:
        """True where the world has the source at all, the settings do not leave it out, and there is something to ask it for."""
        if is_off(self.settings, source):
            return False
        if not (self._owes(source) or self.korean(source)):
            return False
        return source not in self.simulated or bool(self.covered.get(source, {}).get("covered"))

    def covers(self, source: str, session: date) -> bool:
        """True where a missing answer of the source for that session would be an error."""
        return self.covers_source(source) and session in self._days_of(source, session)

    def covers_exchange(self, exchange: str) -> bool:
        """True where a source owes the exchange's sessions; Yahoo asked for Korean charts alone owes New York's none."""
        return any(
            self.covers_source(s.name) and self._owes(s.name) for s in SOURCES.values() if s.exchange == exchange
        )

    def sessions(self, exchange: str, start: date, end: date) -> list[date]:
        """Covered sessions of the exchange within [start, end], ascending."""
        if not self.covers_exchange(exchange):
            return []
        if self._is_live(exchange):
            return calendars.sessions(exchange, start, min(end, self._today(exchange)))
        return [day for day in self.days.get(exchange, ()) if start <= day <= end]

    @cached_property
    def us(self) -> us_symbols.UsSymbols:
        """Which US symbols the settings ask for."""
        return us_symbols.read(self.settings.us_symbols)

    def symbols(self, source: str) -> tuple[str, ...]:
        """The symbols to ask the source for by name: those of the settings, else those that the world names.

        Those of SEC's list, where the settings take it, are told by `us` and bronze.
        """
        if self.us.named or self.us.takes_list or source not in self.simulated:
            return self.us.named
        return tuple(s for s in self.covered.get(source, {}).get("symbols", ()) if s not in self.us.without)

    def korean(self, source: str) -> tuple[str, ...]:
        """Korean symbols whose charts the source is asked for too: those that the settings name, and of Yahoo alone."""
        return us_symbols.read_korean(self.settings.yahoo_kr_symbols) if source == "yahoo" else ()

    def markets(self, source: str) -> tuple[str, ...]:
        """The markets that the source covers: KOSPI, KOSDAQ, KONEX."""
        if source not in self.simulated:
            return _LIVE_KRX_MARKETS
        return tuple(self.covered.get(source, {}).get("markets", ()))

    def has_service(self, source: str, service: str) -> bool:
        """True where the source has that service beside its main ones: a recorded world may hold prices alone."""
        return source not in self.simulated or service in self.covered.get(source, {}).get("services", ())

    def clock(self, source: str = "") -> Clock:
        """What time it is in this world, or at that source: a live source follows the machine's clock."""
        is_simulated = source in self.simulated if source else self.is_simulated
        url = self.settings.exchange_url
        return ExchangeClock(url, self.settings.http_timeout_s) if is_simulated else system_clock

    def _owes(self, source: str) -> bool:
        """True where the source is asked for securities of its own exchange."""
        return not SOURCES[source].by_symbol or bool(self.symbols(source)) or self.us.takes_list

    def _is_live(self, exchange: str) -> bool:
        return not any(s.exchange == exchange and s.name in self.simulated for s in SOURCES.values())

    def _days_of(self, source: str, session: date) -> tuple[date, ...]:
        exchange = SOURCES[source].exchange
        if source in self.simulated:
            return self.days.get(exchange, ())
        return (session,) if calendars.is_session(exchange, session) else ()

    def _today(self, exchange: str) -> date:
        return self.clock()().astimezone(ZoneInfo(calendars.EXCHANGES[exchange])).date()


def simulated_sources(settings: Settings) -> frozenset[str]:
    """The sources whose base URL is empty, without those that are off."""
    empty = (name for name, source in SOURCES.items() if not getattr(settings, source.setting("base_url")))
    return frozenset(name for name in empty if not is_off(settings, name))


def is_off(settings: Settings, source: str) -> bool:
    """True where the settings say that the source is not asked at all, or lack the id that it asks of its members."""
    rule = SOURCES[source]
    has_id = not rule.member or bool(getattr(settings, rule.member).get_secret_value())
    return not has_id or str(getattr(settings, rule.setting("base_url"))) == OFF


def open_world(settings: Settings) -> World:
    """The world of these settings; asks the exchange what it covers where any source is simulated.

    Raises
    ------
    Transient
        The exchange does not answer.
    Permanent
        What answers at its address is not an exchange.
    """
    simulated = simulated_sources(settings)
    if not simulated:
        return World("live", "raw", simulated, {}, {}, settings)
    told = _ask(settings)
    try:
        days = {name: tuple(map(date.fromisoformat, listed)) for name, listed in told["sessions"].items()}
        return World(told["world"], told["price_basis"], simulated, told["sources"], days, settings)
    except (KeyError, TypeError, ValueError) as error:
        raise Permanent(
            settings.exchange_url, expected="a world with its price basis, sources and sessions", found=repr(error),
            do="Point MARKETLAKE_EXCHANGE_URL at an exchange of this version",
        ) from error  # fmt: skip


def refuse_another(store: Store, world: World) -> None:
    """Nothing, where the lake was filled from this world, or from none that was noted.

    Raises
    ------
    Permanent
        It was filled from another one: two worlds in one lake would contradict each other.
    """
    if not world.is_simulated or not store.exists(WORLD_FILE):
        return
    held = json.loads(store.get(WORLD_FILE))["world"]
    if held != world.name:
        raise Permanent(
            f"exchange {world.settings.exchange_url}", expected=f"the lake's own world, {held}", found=world.name,
            do="Another exchange answers there. `marketlake up` starts the lake's own; MARKETLAKE_EXCHANGE_PORT moves it",
        )  # fmt: skip


def _ask(settings: Settings) -> dict[str, Any]:
    address = f"{settings.exchange_url.rstrip('/')}/_exchange/world"
    try:
        answer = httpx.get(address, timeout=settings.http_timeout_s)
        answer.raise_for_status()
        return dict(answer.json())
    except (httpx.HTTPError, ValueError) as error:
        raise Transient(
            address, expected="the exchange's world", found=str(error) or type(error).__name__,
            do="Start it with `marketlake up`, or set the sources' base URLs to 'live'",
        ) from error  # fmt: skip
