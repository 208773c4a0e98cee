"""A whole day of many securities, from silver to the online store, and whether it grows with history: `python -m bench.day`.

Lakes of one, three and six years hold random walks: silver.prices of every session, gold up to the session before. The last session is then built in a process
of its own, as a run of the day does: prices, features, Alpha158, patterns, levels, labels and the market's summary, each judged, certified and committed, and the
online store filled. Memory is the process's, and that of what it started. Prints a table and writes bench/results/. What does not belong here: ingestion,
publication, what Dagster shows beside it (`bench.demo`).
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
from deltalake import write_deltalake

from assets.building import build
from bench import report
from exchange.server import serve
from lake import online
from lake.delta import DeltaLake
from lake.lake import Lake
from lake.online_views import feature_tables
from lake.releases import Release
from lake.settings import ROOT, Settings
from market import calendars, registry
from market.table import Window

PACKAGES = ("pyspark", "deltalake", "numba", "pandas", "pyarrow", "great-expectations")
LAST = date(2024, 6, 28)
NOW = datetime(2024, 6, 29, tzinfo=UTC)
WORLD = {"symbols": 20, "us_symbols": 5, "sessions": 60}
"""The exchange says which sessions are due; its prices are not asked for."""
YEAR, BUILT = 245, ("gold.prices", "gold.features_daily", "gold.alpha158", "gold.patterns", "gold.levels", "gold.labels", "gold.market_summary")  # fmt: skip
TOGETHER = 400
"""Securities whose features of the session before are made at once, while a lake is set up."""


def main() -> None:
    """Make the lakes, measure the last session of each."""
    words = argparse.ArgumentParser(description="A whole day, and whether it grows with history.")
    words.add_argument("--symbols", type=int, default=3_200)
    words.add_argument("--years", type=int, nargs="+", default=[1, 3, 6])
    words.add_argument("--rounds", type=int, default=2)
    words.add_argument("--measure", metavar="FOLDER", help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.measure:
        print(json.dumps(measured(settings_of(Path(asked.measure)))))
        return
    rows = []
    with serve("synthetic:7", **WORLD) as server, tempfile.TemporaryDirectory(prefix="marketlake-bench-") as folder:
        for years in asked.years:
            home = Path(folder) / f"{years}"
            set_up(settings_of(home, server.url), asked.symbols, years)
            told = [in_its_own_process(home) for _ in range(asked.rounds)]
            best = min(told, key=lambda one: one["seconds"])
            rows.append({"years": years, "rounds": [one["seconds"] for one in told], **best})
            steps = ", ".join(f"{name} {seconds}" for name, seconds in best["steps"].items())
            print(
                f"{years} years: {best['seconds']} s, {best['python_mb']} MB and {best['others_mb']} MB beside; {steps}",
                flush=True,
            )
    shortest, longest = (f(row["seconds"] for row in rows) for f in (min, max))
    print(f"longest over shortest: {longest / shortest:.3f} (goal 1.1)")
    report.write(
        "day", PACKAGES, {"symbols": asked.symbols, "rows": rows, "longest_over_shortest": round(longest / shortest, 3)}
    )


def settings_of(home: Path, exchange_url: str | None = None) -> Settings:
    """The settings of a lake in the folder; the exchange's address is kept there."""
    told = home / "exchange"
    if exchange_url is not None:
        home.mkdir(parents=True)
        told.write_text(exchange_url)
    return Settings(
        _env_file=None, lake_url=str(home / "lake"), state_dir=home / "var", exchange_url=told.read_text(),
        online_url=f"sqlite:///{home}/online.db",
    )  # type: ignore[call-arg]  # fmt: skip


def set_up(settings: Settings, symbols: int, years: int) -> None:
    """Silver of every session, gold of every session but the last, features of the session before that."""
    delta = DeltaLake(settings)
    days = calendars.sessions("XKRX", LAST - timedelta(days=int(years * 380) + 30), LAST)[-years * YEAR :]
    sessions = registry.table("silver.sessions")
    assert sessions.build is not None
    window = Window(days[0], LAST, NOW)
    write_deltalake(delta.uri(sessions), sessions.conform(sessions.build({}, window)), partition_by=["session_month"])
    few = symbols * 5 // 32  # 500 of 3,200
    american = calendars.sessions("XNYS", days[0], LAST)
    bars = pd.concat([walks("XKRX", symbols - few, days), walks("XNYS", few, american)], ignore_index=True)
    for month in sorted(set(bars["session_month"])):
        rows = bars[bars["session_month"] == month]
        append(delta, "silver.prices", rows)
        append(
            delta,
            "gold.prices",
            rows[rows["session_date"] < LAST].assign(factor=1.0, cumulative_factor=1.0, n_headlines=np.nan),
        )
    for exchange in calendars.EXCHANGES:
        own = bars[bars["exchange"] == exchange]
        features_before(delta, own, calendars.previous_session(exchange, LAST))
    for name in ("silver.adjustments", "silver.news_coverage"):
        table = registry.table(name)
        write_deltalake(delta.uri(table), table.schema.empty_table(), partition_by=["session_month"])


def walks(exchange: str, symbols: int, days: Sequence[date]) -> pd.DataFrame:
    """A random walk for each security of the exchange, in order of session."""
    rng, shape = np.random.default_rng(5), (len(days), symbols)
    close = np.round(np.exp(9 + rng.normal(0, 1, symbols) + np.cumsum(rng.normal(0, 0.02, shape), axis=0)), 1) + 100
    high, low = close * (1 + rng.random(shape) / 40), close * (1 - rng.random(shape) / 40)
    opened, volume = low + (high - low) * rng.random(shape), rng.integers(1_000, 1_000_000, shape)
    is_korean = exchange == "XKRX"
    letters = ("".join(chr(65 + i // 26**place % 26) for place in (2, 1, 0)) for i in range(symbols))
    codes = np.array([f"{i:06d}" for i in range(symbols)] if is_korean else list(letters), dtype=object)
    grid = pd.DataFrame({
        "session_date": np.repeat(np.array(days, object), symbols), "symbol": np.tile(codes, len(days)),
        "open": opened.ravel(), "high": high.ravel(), "low": low.ravel(), "close": close.ravel(), "volume": volume.ravel(),
    })  # fmt: skip
    told = (
        {"market": "KOSPI", "currency": "KRW", "source": "krx"}
        if is_korean
        else {"market": "US", "currency": "USD", "source": "yahoo"}
    )
    names = {"exchange": exchange, "payload_digest": "0" * 64, **told}
    grid = grid.assign(
        **names, is_halted=False, unreadable=None, row_no=0, listed_shares=10**6, base_price=grid["close"]
    )
    grid["value"], grid["market_cap"] = grid["close"] * grid["volume"], grid["close"] * grid["listed_shares"]
    closes = {day: pd.Timestamp(calendars.close_at(exchange, day)) for day in days}
    months = {day: f"{day:%Y-%m}" for day in days}
    return grid.assign(
        security_id=f"{exchange}:" + grid["symbol"], session_month=grid["session_date"].map(months),
        known_at=grid["session_date"].map(closes), known_until=pd.NaT,
    )  # fmt: skip


def append(delta: DeltaLake, name: str, rows: pd.DataFrame) -> None:
    """The rows as one more month of the table."""
    table = registry.table(name)
    if len(rows):
        made = table.conform(pa.Table.from_pandas(rows[[c.name for c in table.columns]], preserve_index=False))
        write_deltalake(delta.uri(table), made, mode="append", partition_by=["session_month"])


def features_before(delta: DeltaLake, bars: pd.DataFrame, day: date) -> None:
    """gold.features_daily of that session, from which the last one resumes."""
    table, prices = registry.table("gold.features_daily"), registry.table("gold.prices")
    assert table.build is not None
    sessions = delta.read(registry.table("silver.sessions"))
    upto = bars[bars["session_date"] <= day].assign(factor=1.0, cumulative_factor=1.0, n_headlines=np.nan)
    codes = upto["symbol"].unique()
    for at in range(0, len(codes), TOGETHER):
        some = upto[upto["symbol"].isin(codes[at : at + TOGETHER])]
        rows = prices.conform(pa.Table.from_pandas(some[[c.name for c in prices.columns]], preserve_index=False))
        frames = {"gold.prices": rows, "silver.sessions": sessions, "gold.features_daily": table.schema.empty_table()}
        made = table.build(frames, Window(day, day, NOW))
        write_deltalake(delta.uri(table), made, mode="append", partition_by=["session_month"])


def in_its_own_process(home: Path) -> dict[str, Any]:
    """The last session in a process that has done nothing before; what it wrote is taken back after."""
    command = [sys.executable, "-m", "bench.day", "--measure", str(home)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        peaks, over = {"python_mb": 0.0, "others_mb": 0.0}, Event()
        watcher = Thread(target=watch, args=(process.pid, peaks, over))
        watcher.start()
        said = process.communicate()[0]
        over.set()
        watcher.join()
    if process.returncode:
        raise SystemExit(f"the day failed: {said[-2000:]}")
    told: dict[str, Any] = json.loads(said.splitlines()[-1])
    return told | {name: round(peak) for name, peak in peaks.items()}


def watch(pid: int, peaks: dict[str, float], over: Event) -> None:
    """Keep the most memory (PSS, MB) of the process, and of all that it started: the JVM and Spark's Python workers."""
    while not over.wait(0.5):
        try:
            main = psutil.Process(pid)
            held = {one.pid: one.memory_full_info().pss / 2**20 for one in (main, *main.children(recursive=True))}
        except psutil.Error:
            continue
        peaks["python_mb"] = max(peaks["python_mb"], held.pop(pid))
        peaks["others_mb"] = max(peaks["others_mb"], sum(held.values()))


def measured(settings: Settings) -> dict[str, Any]:
    """Seconds of each step of the last session; the tables are put back to what they held."""
    began = perf_counter()
    lake, window, steps = Lake(settings), Window(LAST, LAST, NOW), dict[str, float]()
    before = {name: lake.delta.version(name) for name in BUILT}
    made = {}
    for name in BUILT:
        start = perf_counter()
        made[name] = build(lake, registry.table(name), window)
        steps[name.split(".")[1]] = round(perf_counter() - start, 1)
    failed = [f"{o.table} {o.check}: {o.found}" for one in made.values() for o in one.blocking]
    assert not failed, failed
    start = perf_counter()
    tables = {one.table.name: one.version for one in made.values()}
    release = Release("r00001", "data", NOW, NOW, "0" * 40, False, "krx-1", tables, str(LAST), str(LAST))
    filled = online.fill(settings, release)
    steps["online"] = round(perf_counter() - start, 1)
    seconds = round(perf_counter() - began, 1)
    for name, version in before.items():
        if version is None:
            shutil.rmtree(lake.delta.uri(name))
        else:
            lake.delta.open(name).restore(version)
    n_features = sum(len(registry.table(table.name).public) for table in feature_tables())
    return {"seconds": seconds, "steps": steps, "online": filled, "columns_online": n_features}


if __name__ == "__main__":
    main()
