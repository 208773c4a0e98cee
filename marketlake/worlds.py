"""Which outside world a lake was filled from, kept in the lake itself, and the exchange process that serves it.

What does not belong here: the worlds (`exchange`), reading one (`lake.world`).
"""

import json
import sys
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from market.errors import Permanent
from marketlake import environment

if TYPE_CHECKING:
    from lake.objects import Store
    from lake.settings import Settings

DEFAULT = "synthetic:7"
TEARS_APART = ("MARKETLAKE_LAKE_URL", "MARKETLAKE_STATE_DIR", "MARKETLAKE_MLFLOW_TRACKING_URI",
               "MARKETLAKE_ONLINE_URL", "MARKETLAKE_DAGSTER_HOME")  # fmt: skip


@dataclass(frozen=True)
class Outside:
    """A world of the exchange, cut to some symbols and sessions; None: all."""

    world: str = DEFAULT
    symbols: int | None = None
    sessions: int | None = None

    @classmethod
    def named(cls, world: str, symbols: int | None = None, sessions: int | None = None) -> "Outside":
        """The world as typed: the folder of a recording made absolute."""
        kind, _, rest = world.partition(":")
        return cls(
            f"recorded:{environment.given_path(rest)}" if kind == "recorded" and rest else world, symbols, sessions
        )

    def __str__(self) -> str:
        cuts = [f"{count} {word}" for word, count in (("symbols", self.symbols), ("sessions", self.sessions)) if count]
        return self.world + (f" cut to {' and '.join(cuts)}" if cuts else "")

    def command(self, port: int) -> list[str]:
        """The command that serves it."""
        cuts = [word for name in ("symbols", "sessions") if (count := getattr(self, name)) is not None
                for word in (f"--{name}", str(count))]  # fmt: skip
        return [sys.executable, "-m", "exchange", "serve", "--world", self.world, "--port", str(port), *cuts]


def of_lake(store: "Store") -> Outside | None:
    """The world that the lake was filled from; None where it was never filled from a simulated one."""
    from lake.world import WORLD_FILE

    return Outside(**json.loads(store.get(WORLD_FILE))) if store.exists(WORLD_FILE) else None


def refuse_another(store: "Store", outside: Outside) -> None:
    """Nothing, where the lake is empty or was filled from this world.

    Raises
    ------
    Permanent
        It was filled from another one: two worlds in one lake would contradict each other.
    """
    held = of_lake(store)
    if held not in (None, outside):
        raise Permanent(
            f"lake {store.url}", expected=f"to hold the world {outside}", found=f"{held}",
            do="`make clean` removes it; to keep both, point " + ", ".join(TEARS_APART) + " elsewhere",
        )  # fmt: skip


def claim(store: "Store", outside: Outside) -> None:
    """Note in the lake that it is filled from this world; `Permanent` where it was filled from another."""
    from lake.world import WORLD_FILE

    store.put_if_absent(WORLD_FILE, json.dumps(asdict(outside)).encode())
    refuse_another(store, outside)


def stack_values(settings: "Settings", url: str, told: dict[str, Any]) -> dict[str, str]:
    """What later commands need to know of a served world: its address, its keys, its first and last session.

    Parameters
    ----------
    told : the body of `/_exchange/world`.
    """
    from exchange.keys import DEFAULT_KEYS

    days = sessions_of(told)
    return {"EXCHANGE_URL": url, **DEFAULT_KEYS, "FIRST_SESSION": f"{days[0]}", "LAST_SESSION": f"{days[-1]}"}


def stack_names() -> set[str]:
    """Names of the values that a served world gives."""
    from exchange.keys import DEFAULT_KEYS

    return {"EXCHANGE_URL", *DEFAULT_KEYS, "FIRST_SESSION", "LAST_SESSION"}


def sessions_of(told: dict[str, Any]) -> list[date]:
    """Every covered session of any exchange, ascending."""
    days = sorted({date.fromisoformat(day) for listed in told["sessions"].values() for day in listed})
    if not days:
        raise Permanent(f"world {told.get('world')}", expected="at least one covered session", found="none")
    return days
