"""What the lake recovers of a synthetic world's known truth with every fault on but rows on a holiday: `python -m bench.truth`.

A world is served, asked with all faults on, and asked again for the days that failed, as an operator would. Bronze, silver and the
gate are the real ones; only Spark is left out (`bench.without_spark`). Counts what was expected, found and wrong, and writes
bench/results/. What does not belong here: how well anything predicts.
"""

import argparse
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd

from bench import report
from bench.without_spark import silver_of
from exchange.keys import DEFAULT_KEYS
from exchange.server import Server, serve
from lake.bronze import Bronze
from lake.clients import client
from lake.delivery import ClientContext
from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.settings import Settings
from lake.world import open_world
from market.errors import MarketlakeError

PACKAGES = ("deltalake", "pandas", "great-expectations")
PASSING = (
    "rate-limit:retry_after=0,first=3", "server-errors:first=3", "cut:first=3", "truncated:first=3", "html:first=3",
    "slow:delay=0.05,first=5",
)  # fmt: skip
STOPPING = ("schema-drift", "empty-day", "stale-day", "expired-key", "quota", "error-body", "clock-skew:seconds=3600")
OF_ROWS = ("bad-rows:share=0.2", "duplicates:share=0.3")
CAUSES = {
    "split": "split",
    "consolidation": "consolidation",
    "bonus_issue": "bonus_issue",
    "rights_issue": "rights_issue",
}
TABLES = ("silver.prices", "silver.securities", "silver.symbols", "silver.corporate_actions", "silver.adjustments")
Counts = dict[str, dict[str, int]]


def main() -> None:
    """Serve, ask, compare, write."""
    words = argparse.ArgumentParser(
        description="Expected, found and wrong of a synthetic world's truth, all faults on."
    )
    words.add_argument("--world", default="synthetic:7")
    words.add_argument("--symbols", type=int, default=200)
    words.add_argument("--sessions", type=int, default=250)
    asked = words.parse_args()
    with serve(asked.world, symbols=asked.symbols, us_symbols=1, sessions=asked.sessions) as server:
        found, troubles = recovered(server)
    for name, counts in found.items():
        print(f"{name:<32}" + "".join(f"{word} {n:>7,}   " for word, n in counts.items()))
    told = {
        "world": asked.world,
        "symbols": asked.symbols,
        "sessions": asked.sessions,
        "days_that_failed_first": troubles,
    }
    report.write("truth", PACKAGES, told | {"counts": found})


def recovered(server: Server) -> tuple[Counts, int]:
    """By kind of truth: how many it holds, how many the lake has, and how many of either the other lacks; and days that failed."""
    with tempfile.TemporaryDirectory(prefix="marketlake-truth-") as folder:
        keys = {name.lower(): key for name, key in DEFAULT_KEYS.items()}
        settings = Settings(_env_file=None, lake_url=f"{folder}/lake", exchange_url=server.url, http_backoff_s=0.01,
                            http_attempts=8, http_max_pause_s=2.0, **keys)  # fmt: skip
        revisions = _revisions(server)
        troubles = _filled(server, settings, revisions)
        silver = silver_of(DeltaLake(settings), TABLES, server.world.daily.sessions)
    return _counts(server, silver, revisions), troubles


def _filled(server: Server, settings: Settings, revisions: list[str]) -> int:
    """Bronze after three passes: everything with faults, the days that fail, all again once the faults are gone; days that failed."""
    bronze, days = Bronze(DeltaLake(settings), lake_store(settings)), list(server.world.daily.sessions)
    troubles = 0
    for source in ("krx", "dart"):
        bad = [f"{fault},date={day}" for fault, at in zip(OF_ROWS, (3, 5), strict=True) for day in days[at::7]]
        server.set_faults([*PASSING, *(bad if source == "krx" else ())])
        _take(bronze, settings, source, days)
        for n, fault in enumerate(STOPPING):
            day = days[(n + 1) * len(days) // (len(STOPPING) + 1)]
            server.set_faults([limited(fault, source, day)])
            try:
                _take(bronze, settings, source, [day])
            except MarketlakeError:
                troubles += 1
        server.set_faults(revisions)
        _take(bronze, settings, source, days)
    server.set_faults(())
    return troubles


def limited(fault: str, source: str, day: date) -> str:
    """The fault at one source on one day."""
    return f"{fault}{',' if ':' in fault else ':'}source={source},date={day}"


def _take(bronze: Bronze, settings: Settings, source: str, days: list[date]) -> None:
    ctx = ClientContext(settings, open_world(settings), bronze.request_log())
    bronze.take(client(source).deliveries(days, ctx), requests=ctx.requests)


def _revisions(server: Server) -> list[str]:
    """Late revisions of single closes on sessions without any other event, as faults."""
    days, at = server.world.daily.sessions, (server.world.end - timedelta(days=1)).isoformat()
    return [
        f"late-revision:source=krx,date={day},at={at},code={code}"
        for day in days[10::25]
        for code in ("005930", "000660")
    ]


def _counts(server: Server, silver: Mapping[str, pd.DataFrame], revisions: list[str]) -> Counts:
    truth, days = server.world.truth["krx"], server.world.daily.sessions
    first, last = f"{days[0]}", f"{days[-1]}"
    bars = silver["silver.prices"]
    now = bars[bars["known_until"].isna()].assign(day=lambda rows: rows["session_date"].astype(str))
    ledger = silver["silver.adjustments"]
    ledger = ledger[ledger["known_until"].isna()]
    actions = [a for name in ("splits", "bonus_issues", "rights_issues") for a in truth[name] if a["date"] > first]
    actions = [a for a in actions if abs(a["factor"] - 1) > 0.005]
    disclosed = [a for a in actions if a["announced"] >= first]
    days_of = now.groupby("symbol")["day"].agg(["min", "max"])
    named = _changed(silver["silver.symbols"].sort_values("known_at"), "security_id", "name")
    moved = _changed(now.sort_values("day"), "symbol", "market")
    world = _bars_of(server)
    return {
        "bars": _compared(world, zip(now["day"], now["symbol"], strict=True)),
        "actions (code, ex-date, factor)": _compared(
            ((a["code"], a["date"], round(a["factor"], 9)) for a in actions),
            zip(ledger["security_id"].str[5:], ledger["session_date"].astype(str), ledger["factor"].round(9), strict=True)),
        "causes (code, ex-date, cause)": _compared(
            ((a["code"], a["date"], CAUSES[a["kind"]]) for a in disclosed),
            ((row.security_id[5:], f"{row.session_date}", row.cause) for row in ledger.dropna(subset=["disclosed_by"]).itertuples())),
        "halts (code, session)": _compared(
            _halts(truth["halts"], now["day"].unique(), world), zip(*(now.loc[now["is_halted"], n] for n in ("symbol", "day")), strict=True)),
        "listings (code, session)": _compared(
            ((one["code"], one["date"]) for one in truth["listings"]), ((code, day) for code, day in days_of["min"].items() if day > first)),
        "delistings (code, first session without)": _compared(
            ((one["code"], one["date"]) for one in truth["delistings"]),
            ((code, _after(days, day)) for code, day in days_of["max"].items() if day < last)),
        "renames (code, session, name)": _compared(
            ((one["code"], one["date"], one["new_name"]) for one in truth["renames"]),
            zip(named["symbol"], named["valid_from"].astype(str), named["name"], strict=True)),
        "transfers (code, session, board)": _compared(
            ((one["code"], one["date"], one["to"]) for one in truth["transfers"]),
            zip(moved["symbol"], moved["day"], moved["market"], strict=True)),
        "revised closes (code, session)": _compared(
            (tuple(part.split("=")[1] for part in (r.split(",")[3], r.split(",")[1])) for r in revisions), _revised(bars)),
    }  # fmt: skip


def _compared(expected: Iterable[Any], found: Iterable[Any]) -> dict[str, int]:
    """Counts; wrong are those that either side has alone."""
    wanted, had = set(expected), set(found)
    return {"expected": len(wanted), "found": len(wanted & had), "wrong": len(wanted ^ had)}


def _bars_of(server: Server) -> set[tuple[str, str]]:
    daily = server.world.daily
    return {
        (f"{day}", daily.codes[daily.code[at]])
        for n, day in enumerate(daily.sessions)
        for at in range(daily.offsets[n], daily.offsets[n + 1])
    }


def _halts(
    told: Iterable[Mapping[str, Any]], days: Iterable[str], bars: set[tuple[str, str]]
) -> Iterable[tuple[str, str]]:
    every = sorted(days)
    for halt in told:
        yield from (
            (halt["code"], day)
            for day in every
            if halt["date"] <= day <= halt["last_date"] and (day, halt["code"]) in bars
        )


def _after(days: tuple[date, ...], day: str) -> str:
    return f"{days[[f'{d}' for d in days].index(day) + 1]}"


def _changed(rows: pd.DataFrame, of: str, column: str) -> pd.DataFrame:
    """The rows, of any but the first of each series, that say something else than the row before; in order already."""
    before = rows.groupby(of)[column].shift()
    return rows[before.notna() & (before != rows[column])]


def _revised(bars: pd.DataFrame) -> Iterable[tuple[str, str]]:
    """Where silver has two closes of one session, one after the other."""
    versions = bars.groupby(["symbol", "session_date"])["close"].nunique()
    return ((code, f"{day}") for code, day in versions[versions > 1].index)


if __name__ == "__main__":
    main()
