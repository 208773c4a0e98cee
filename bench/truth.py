"""What the lake recovers of a synthetic world's known truth with every fault on: `python -m bench.truth`.

A world is served, asked with all faults on, and asked again for the days that failed, as an operator would. Bronze, silver and the
gate are the real ones; only Spark is left out (`bench.without_spark`). Writes bench/results/. What does not belong here: how truth and
lake are counted against each other (`bench.counted`), how well anything predicts.
"""

import argparse
import tempfile
from datetime import date, timedelta
from itertools import pairwise

from bench import report
from bench.counted import TABLES, Counts, counts
from bench.without_spark import silver_of
from exchange.keys import DEFAULT_KEYS
from exchange.server import Server, serve
from lake.bronze import Bronze
from lake.clients import client
from lake.delivery import ClientContext
from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.settings import Settings
from lake.world import World, open_world
from market.errors import MarketlakeError
from market.sources import SOURCES

PACKAGES = ("deltalake", "pandas", "great-expectations")
ASKED = ("krx", "dart", "yahoo", "sec", "krx_market")
PASSING = (
    "rate-limit:retry_after=0,first=3", "server-errors:first=3", "cut:first=3", "truncated:first=3", "html:first=3",
    "slow:delay=0.05,first=5",
)  # fmt: skip
OF_PAGES = ("html",)
"""A page in the place of the member's, before a login, brings no cookie: his password is then refused, and that stops him."""

STOPPING = ("schema-drift", "empty-day", "stale-day", "expired-key", "quota", "error-body", "clock-skew:seconds=3600")
OF_ROWS = ("bad-rows:share=0.2", "duplicates:share=0.3")
_A_SOURCE = timedelta(minutes=20)


def main() -> None:
    """Serve, ask, compare, write."""
    words = argparse.ArgumentParser(
        description="Expected, found and wrong of a synthetic world's truth, all faults on."
    )
    words.add_argument("--world", default="synthetic:7")
    words.add_argument("--symbols", type=int, default=200)
    words.add_argument("--us-symbols", type=int, default=30)
    words.add_argument("--sessions", type=int, default=250)
    asked = words.parse_args()
    size = {"symbols": asked.symbols, "us_symbols": asked.us_symbols, "sessions": asked.sessions}
    with serve(asked.world, **size) as server:
        found, troubles = recovered(server)
    for name, one in found.items():
        print(f"{name:<52}" + "".join(f"{word} {n:>7,}   " for word, n in one.items()))
    report.write("truth", PACKAGES, {"world": asked.world, **size, "days_that_failed_first": troubles, "counts": found})


def recovered(server: Server) -> tuple[Counts, int]:
    """By kind of truth: how many it holds, how many the lake has, and how many of either the other lacks; and days that failed."""
    with tempfile.TemporaryDirectory(prefix="marketlake-truth-") as folder:
        keys = {name.lower(): key for name, key in DEFAULT_KEYS.items()}
        settings = Settings(_env_file=None, lake_url=f"{folder}/lake", exchange_url=server.url, http_backoff_s=0.01,
                            http_attempts=8, http_max_pause_s=2.0, **keys)  # fmt: skip
        revisions = _revisions(server)
        troubles = _filled(server, settings, revisions)
        days = sorted({*server.world.daily.sessions, *server.world.us_sessions})
        silver = silver_of(DeltaLake(settings), TABLES, days)
    return counts(server.world, silver, revisions), troubles


def _filled(server: Server, settings: Settings, revisions: list[str]) -> int:
    """Bronze after three passes: everything with faults, the days that fail, all again once the faults are gone; days that failed.

    The exchange's clock goes on in between: of two answers of one instant none is the later.
    """
    bronze, outside = Bronze(DeltaLake(settings), lake_store(settings)), open_world(settings)
    troubles = 0
    for n, source in enumerate(ASKED):
        begun = server.world.end + n * _A_SOURCE
        server.set_clock(begun)
        days = outside.sessions(SOURCES[source].exchange, date.min, date.max)
        bad = [f"{fault},date={day}" for fault, at in zip(OF_ROWS, (3, 5), strict=True) for day in days[at::7]]
        passing = [fault for fault in PASSING if source != "krx_market" or not fault.startswith(OF_PAGES)]
        server.set_faults([*passing, *bad])
        _take(bronze, settings, outside, source, days)
        for fault, day in _stopping(source, days):
            server.set_faults([fault])
            try:
                _take(bronze, settings, outside, source, [day])
            except MarketlakeError:
                troubles += 1
        server.set_clock(begun + _A_SOURCE / 2)
        server.set_faults(revisions)
        _take(bronze, settings, outside, source, days)
    server.set_faults(())
    return troubles


def _stopping(source: str, days: list[date]) -> list[tuple[str, date]]:
    """Each fault that stops a source, at a day of its own; rows on a holiday stop the session after it."""
    n = len(STOPPING) + 1
    found = [(days[(i + 1) * len(days) // n], fault) for i, fault in enumerate(STOPPING)]
    if source == "krx":
        found += [(day, "holiday-rows") for before, day in pairwise(days) if _has_holiday(before, day)][:1]
    return [(limited(fault, source), day) for day, fault in found]


def _has_holiday(before: date, day: date) -> bool:
    """Whether the day before the session is a weekday on which there was none."""
    return (day - before).days > 1 and (day - timedelta(1)).weekday() < 5


def limited(fault: str, source: str) -> str:
    """The fault at one source."""
    return f"{fault}{',' if ':' in fault else ':'}source={source}"


def _take(bronze: Bronze, settings: Settings, outside: World, source: str, days: list[date]) -> None:
    ctx = ClientContext(settings, outside, bronze.request_log())
    bronze.take(client(source).deliveries(days, ctx), requests=ctx.requests)


def _revisions(server: Server) -> list[str]:
    """Late revisions of single closes on sessions without any other event, as faults."""
    days, at = server.world.daily.sessions, (server.world.end - timedelta(days=1)).isoformat()
    return [
        f"late-revision:source=krx,date={day},at={at},code={code}"
        for day in days[10::25]
        for code in ("005930", "000660")
    ]


if __name__ == "__main__":
    main()
