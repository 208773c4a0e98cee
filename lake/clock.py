"""What time it is: the machine's clock, or the exchange's where the outside world is simulated. Whole milliseconds.

Not finer, so that `known_at` is the same instant for every engine: Trino's Delta connector reads milliseconds.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import httpx

from market.errors import Transient

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time, UTC."""
    return _cut(datetime.now(UTC))


class ExchangeClock:
    """The clock of the simulated world at `url`; `move` sets it."""

    def __init__(self, url: str, timeout_s: float = 20.0) -> None:
        self._address = f"{url.rstrip('/')}/_exchange/clock"
        self._timeout_s = timeout_s

    def __call__(self) -> datetime:
        """The world's present instant, UTC.

        Raises
        ------
        Transient
            The exchange does not answer.
        """
        return _cut(datetime.fromisoformat(self._ask("GET", None)["now"]).astimezone(UTC))

    def move(self, now: datetime) -> None:
        """Set the world's present instant."""
        self._ask("PUT", {"now": now.isoformat()})

    def _ask(self, method: str, body: dict[str, str] | None) -> dict[str, str]:
        try:
            answer = _client().request(method, self._address, json=body, timeout=self._timeout_s)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Transient(
                self._address,
                expected="the exchange's clock",
                found=str(error) or type(error).__name__,
                do="Start it with `marketlake up`, or point MARKETLAKE_EXCHANGE_URL at it",
            ) from error
        return dict(answer.json())


@cache
def _client() -> httpx.Client:
    """One for all: making one reads every certificate of the machine. It keeps no connection, for a world may be started anew."""
    return httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))


def _cut(now: datetime) -> datetime:
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
