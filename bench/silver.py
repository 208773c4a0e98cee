"""How fast silver is made, read and restated, each against the plain way: `python -m bench.silver`.

A KRX year from bronze to silver rows against the same figures by plain pandas, per CPU second; an as-of read of the year against a plain
one; one session replaced (`DeltaLake.replace`) against a MERGE into the same table. Prints a table and writes bench/results/. Not a
test: it never fails on a time. What does not belong here: the gate and ingestion, which the demo measures.
"""

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from bench import report
from lake.lake import Lake
from lake.releases import Release
from lake.settings import Settings
from lake.sql import ReleaseSql
from market import calendars, registry
from market.table import Table, Window

PACKAGES = ("pandas", "pyarrow", "deltalake", "delta-spark", "pyspark", "duckdb")
ORDER = ("session_month", "security_id", "session_date")
"""As commits leave them."""
LAST = date(2024, 12, 30)
REVISED = 0.01
"""Share of the rows that were told a second time, a month later."""
READ = "SELECT security_id, session_date, open, high, low, close, volume FROM {} WHERE session_date BETWEEN ? AND ?"
NUMBERS = (
    "TDD_CLSPRC",
    "CMPPREVDD_PRC",
    "TDD_OPNPRC",
    "TDD_HGPRC",
    "TDD_LWPRC",
    "ACC_TRDVOL",
    "ACC_TRDVAL",
    "MKTCAP",
    "LIST_SHRS",
)


def main() -> None:
    """Measure all three, write."""
    words = argparse.ArgumentParser(description="Silver against the plain way: made, read as of an instant, restated.")
    words.add_argument("--symbols", type=int, default=2_700)
    words.add_argument("--sessions", type=int, default=245)
    words.add_argument("--years", type=int, default=9, help="of the table in which a session is restated")
    words.add_argument("--rounds", type=int, default=5)
    asked = words.parse_args()
    days = calendars.sessions("XKRX", LAST - timedelta(days=int(asked.sessions * 1.6) + 30), LAST)[-asked.sessions :]
    delivered = bronze(asked.symbols, days)
    window = Window(days[0], days[-1], datetime(2025, 1, 10, tzinfo=UTC))
    with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as folder:
        lake = Lake(Settings(_env_file=None, lake_url=f"{folder}/lake", state_dir=f"{folder}/var"))  # type: ignore[arg-type]
        rows = [
            made(delivered, window),
            *read(lake, delivered, window, asked.rounds),
            *restated(lake, window, asked.years, asked.rounds),
        ]
    for row in rows:
        print(f"{row['what']:<60}{row['ours']:>16}{row['other']:>16}{row['ratio']:>10}   goal {row['goal']}")
    report.write(
        "silver", PACKAGES, {"symbols": asked.symbols, "sessions": asked.sessions, "years": asked.years, "rows": rows}
    )


def bronze(symbols: int, days: Sequence[date]) -> pa.Table:
    """bronze.krx_daily of so many securities as KRX writes them, a share of the rows told a second time, corrected."""
    rng = np.random.default_rng(7)
    n = symbols * len(days)
    close = np.round(np.exp(rng.normal(9.5, 1, n))).astype(int) * 10 + 1_000
    shares = np.repeat(rng.integers(10**6, 10**8, symbols)[None, :], len(days), 0).ravel()
    volume = rng.integers(0, 10**6, n)
    texts = {"TDD_CLSPRC": close, "CMPPREVDD_PRC": rng.integers(-50, 50, n), "TDD_OPNPRC": close - 10, "TDD_HGPRC": close + 50,
             "TDD_LWPRC": close - 50, "ACC_TRDVOL": volume, "ACC_TRDVAL": volume * close, "MKTCAP": close * shares,
             "LIST_SHRS": shares}  # fmt: skip
    frame = pd.DataFrame({name: [f"{value:,}" for value in values] for name, values in texts.items()})
    frame["session_date"] = np.repeat(np.array(days, object), symbols)
    frame["ISU_CD"] = [f"{i:06d}" for i in range(symbols)] * len(days)
    frame["MKT_NM"] = ["KOSPI", "KOSDAQ"] * (n // 2) + ["KOSPI"] * (n % 2)
    frame["row_no"] = np.tile(np.arange(symbols), len(days))
    again = frame[frame["session_date"].isin(days[:: max(1, round(1 / REVISED) // 4)])]
    corrected = again.assign(TDD_CLSPRC=again["TDD_OPNPRC"].where(again["row_no"] % 4 == 0, again["TDD_CLSPRC"]))
    return pa.concat_tables([_delivered(frame, 1), _delivered(corrected, 30)])


def _delivered(frame: pd.DataFrame, after_days: int) -> pa.Table:
    """Those rows as one answer a session, fetched so many days later."""
    days = frame["session_date"]
    fetched = pd.to_datetime(days, utc=True) + pd.Timedelta(days=after_days)
    month, text = (
        days.map({d: f"{d:%Y-%m}" for d in days.unique()}),
        days.map({d: f"{d:%Y%m%d}" for d in days.unique()}),
    )
    named = frame.assign(
        BAS_DD=text, ISU_NM="x", SECT_TP_NM="-", FLUC_RT="0.00", session_month=month, request="GET " + text, landing_path="x",
        payload_digest=text + ("0" * 55 + str(after_days % 10)), fetched_at=fetched, known_at=fetched,
    )  # fmt: skip
    contract = registry.table("bronze.krx_daily")
    return contract.conform(pa.Table.from_pandas(named[[c.name for c in contract.columns]], preserve_index=False))


def made(delivered: pa.Table, window: Window) -> dict[str, Any]:
    """Rows of silver.prices per CPU second: the contract's build by months, as Spark calls it, and plain pandas on the same rows."""
    table, sessions = registry.table("silver.prices"), _sessions(window)
    assert table.build is not None
    months = [
        delivered.filter(pc.equal(delivered["session_month"], m))
        for m in pc.unique(delivered["session_month"]).to_pylist()
    ]

    def ours() -> int:
        parts = [table.build({"bronze.krx_daily": rows, "silver.sessions": sessions}, window) for rows in months]  # type: ignore[misc]
        return sum(part.num_rows for part in parts)

    mine, n = _cpu(ours)
    other, m = _cpu(lambda: sum(len(_plain(rows)) for rows in months))
    return {
        "what": f"bronze to silver, rows per CPU second (ours: {n:,} versions; pandas: the last of each, {m:,})",
        "ours": f"{n / mine:,.0f}", "other": f"{m / other:,.0f}", "ratio": round((n / mine) / (m / other), 2), "goal": "told",
    }  # fmt: skip


def _plain(rows: pa.Table) -> pd.DataFrame:
    """The same figures as somebody would write them at once: texts to numbers, halts, base price, the last answer of each row."""
    frame = rows.to_pandas()
    for name in NUMBERS:
        frame[name] = pd.to_numeric(frame[name].str.replace(",", ""), errors="coerce")
    frame["session_date"] = pd.to_datetime(frame["BAS_DD"], format="%Y%m%d")
    frame["base_price"] = frame["TDD_CLSPRC"] - frame["CMPPREVDD_PRC"]
    quoted = ["TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC"]
    frame["is_halted"] = (frame[quoted] == 0).all(axis=1)
    frame[quoted] = frame[quoted].mask(frame["is_halted"])
    frame["security_id"] = "XKRX:" + frame["ISU_CD"]
    return frame.sort_values("fetched_at").drop_duplicates(["security_id", "session_date"], keep="last")


def read(lake: Lake, delivered: pa.Table, window: Window, rounds: int) -> list[dict[str, Any]]:
    """Milliseconds of reading the year: as of an instant in the middle of it and at its end, and what is there, versions and all."""
    table = registry.table("silver.prices")
    assert table.build is not None
    rows = table.conform(table.build({"bronze.krx_daily": delivered, "silver.sessions": _sessions(window)}, window))
    ordered = rows.sort_by([(name, "ascending") for name in ORDER])
    write_deltalake(lake.delta.uri(table), ordered, partition_by=[table.partition])
    version = lake.delta.version(table) or 0
    at = datetime(2025, 1, 9, tzinfo=UTC)
    release = Release(
        "r00001", "data", at, at, "0" * 40, False, "krx-1", {table.name: version}, f"{window.start}", f"{window.end}"
    )
    lake.releases.publish(release)
    ways = {
        "plain": (READ.format(table.name), [window.start, window.end]),
        "as of the end": (READ.format(f"{table.name}_as_of(?)"), [at, window.start, window.end]),
        "as of the middle": (READ.format(f"{table.name}_as_of(?)"), [_middle(window), window.start, window.end]),
    }  # fmt: skip
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    n: dict[str, int] = {}
    for _ in range(rounds + 1):
        for name, (query, values) in ways.items():
            sql = ReleaseSql(lake.settings, release)
            began = perf_counter()
            n[name] = sql.query(query, values).num_rows
            seconds[name].append(perf_counter() - began)
            sql.close()
    usual = {name: statistics.median(times[1:]) * 1000 for name, times in seconds.items()}
    return [
        {"what": f"reading the year {name}, ms ({n[name]:,} rows; plain: {n['plain']:,})", "ours": f"{usual[name]:,.0f}",
         "other": f"{usual['plain']:,.0f}", "ratio": round(usual[name] / usual["plain"], 2), "goal": "at most 1.5"}
        for name in ways if name != "plain"
    ]  # fmt: skip


def restated(lake: Lake, window: Window, years: int, rounds: int) -> list[dict[str, Any]]:
    """Seconds and CPU seconds of one session told anew in a table of so many such years: its window replaced, MERGE by key into a copy."""
    table = registry.table("silver.prices")
    year = lake.delta.read(table)
    for back in range(1, years):
        write_deltalake(lake.delta.uri(table), _earlier(year, back), mode="append", partition_by=[table.partition])
    days = pc.unique(year["session_date"]).to_pylist()
    day = sorted(days)[len(days) // 2]
    rows = year.filter(pc.equal(year["session_date"], day))
    n_rows = lake.delta.dataset(table).count_rows()
    one, session, copy = Window(day, day, window.now), lake.spark.session, f"{lake.settings.lake_url}/merged"
    shutil.copytree(lake.delta.uri(table), copy)
    keys = " AND ".join(f"t.{name} = s.{name}" for name in table.key)

    def merge() -> None:
        session.createDataFrame(rows).createOrReplaceTempView("restated")
        session.sql(
            f"MERGE INTO delta.`{copy}` t USING restated s ON {keys} WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        )

    ways: dict[str, Callable[[], Any]] = {"ours": lambda: lake.replace(table, rows, one), "merge": merge}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            spent[name].append(_spent(way))
    found = []
    for place, what in enumerate(("s", "CPU s")):
        ours, other = (statistics.median(one[place] for one in spent[name][1:]) for name in ("ours", "merge"))
        found.append({
            "what": f"restating one session of {rows.num_rows:,} rows among {n_rows:,}, {what} (other: MERGE by key)",
            "ours": f"{ours:.2f}", "other": f"{other:.2f}", "ratio": round(other / ours, 2), "goal": "at least 10 times as fast",
        })  # fmt: skip
    return found


def _earlier(year: pa.Table, back: int) -> pa.Table:
    """The year's rows so many times 52 weeks earlier, in the order in which commits leave them."""
    by = pa.scalar(timedelta(weeks=52 * back))
    for name in ("session_date", "known_at", "known_until"):
        moved = pc.subtract(
            year[name].cast(pa.timestamp("us", year.schema.field(name).type.tz if name != "session_date" else None)), by
        )
        year = year.set_column(
            year.schema.get_field_index(name), year.schema.field(name), moved.cast(year.schema.field(name).type)
        )
    month = pc.strftime(year["session_date"], "%Y-%m")
    year = year.set_column(year.schema.get_field_index("session_month"), year.schema.field("session_month"), month)
    return year.sort_by([(name, "ascending") for name in ORDER])


def _sessions(window: Window) -> pa.Table:
    table: Table = registry.table("silver.sessions")
    assert table.build is not None
    return table.build({}, window)


def _middle(window: Window) -> datetime:
    return datetime.combine(window.start + (window.end - window.start) / 2, datetime.min.time(), UTC)


def _cpu(work: Callable[[], int]) -> tuple[float, int]:
    """CPU seconds of the second time, and what it gave."""
    work()
    began = process_time()
    n = work()
    return process_time() - began, n


def _spent(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process and its children, the JVM."""
    began, cpu = perf_counter(), _cpu_of_all()
    work()
    return perf_counter() - began, _cpu_of_all() - cpu


def _cpu_of_all() -> float:
    ours = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in (ours, *ours.children(recursive=True)))


if __name__ == "__main__":
    main()
