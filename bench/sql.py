"""Trino against DuckDB on the ten questions of docs/sql.md, in one run: `python -m bench.sql`.

By default on a lake of noise in a folder, with a Trino of its own; with `--stack` on the lake and the Trino of the settings.
DuckDB reads the same files twice: as `marketlake sql` does, and as the API does, with tables copied into memory. Prints
a table and writes bench/results/. Not a test: it never fails on a time.
"""

import argparse
import os
import re
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bench import lake_of_noise, report
from lake.objects import lake_store
from lake.releases import Release, Releases
from lake.settings import ROOT, Settings, read_settings
from lake.sql import ReleaseSql, trino
from lake.sql.current import HOT_ROWS
from lake.sql.trino_release import TrinoSql
from marketlake import processes
from marketlake.stack.place import Place, write_private
from marketlake.stack.servers import trino as server

PAGE = ROOT / "docs" / "sql.md"
PACKAGES = ("duckdb", "trino", "deltalake", "pyarrow", "sqlglot")
TOLERANCE = 1e-12  # relative: engines add in different orders
_QUESTION = re.compile(r"^### (\d+\. .+?)\n.*?^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Measure all questions on every engine, in turns."""
    words = argparse.ArgumentParser(description="Trino against DuckDB on the ten questions of docs/sql.md.")
    words.add_argument("--symbols", type=int, default=500, help="Korean symbols of the lake of noise")
    words.add_argument("--sessions", type=int, default=500)
    words.add_argument("--rounds", type=int, default=5, help="times that each question is asked")
    words.add_argument("--stack", action="store_true", help="measure the lake and the Trino of the settings")
    asked = words.parse_args()
    if asked.stack:
        measured = measure(read_settings(), asked.rounds)
    else:
        with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as folder, own_trino(Path(folder)) as settings:
            lake_of_noise.make(settings, asked.symbols, asked.sessions)
            measured = {"symbols": asked.symbols, "sessions": asked.sessions} | measure(settings, asked.rounds)
    report.write("sql", PACKAGES, measured)


def measure(settings: Settings, rounds: int) -> dict[str, Any]:
    """Seconds of a sync, of opening, and of each question by engine: the first time and the median of the others."""
    releases = Releases(lake_store(settings))
    synced = [trino.sync(settings, releases) for _ in range(2)]
    release = releases.current()
    assert release is not None, "publish a release first"
    began = perf_counter()
    trino.ensure(settings, replace(release, release_id="r00000"))  # as the API does when the pointer has moved
    ensured = round(perf_counter() - began, 2)
    began = perf_counter()
    dropped = trino.sync(settings, releases)
    assert dropped and dropped.dropped, "what was made readable is dropped by the next sync"
    print(f"seconds to make one release readable: {ensured:.2f}; to drop it: {perf_counter() - began:.2f}")
    print("seconds to make the schemas:", *(f"{one.seconds:.2f}, {one.n_made} views;" for one in synced if one))
    opens: dict[str, Callable[[], ReleaseSql]] = {
        "duckdb": lambda: ReleaseSql(settings, release),
        "duckdb in memory": lambda: in_memory(settings, release),
        "trino": lambda: TrinoSql(settings, release, is_own_dialect=True),
    }
    opened, opening = {}, {}
    for name, make in opens.items():
        began = perf_counter()
        opened[name] = make()
        opening[name] = round(perf_counter() - began, 3)
    print(f"{'question':<62}{'rows':>6}{'duckdb':>10}{'memory':>10}{'trino':>10}{'trino/duckdb':>14}   (ms)")
    questions = [compared(title, text, opened, rounds) for title, text in _QUESTION.findall(PAGE.read_text())]
    for one in opened.values():
        one.close()
    ratios = [question["trino_times_duckdb"] for question in questions]
    print(f"median of the ratios: {statistics.median(ratios):.2f}")
    return {
        "sync_s": [round(one.seconds, 2) for one in synced if one], "views": [one.n_made for one in synced if one],
        "one_release_readable_s": ensured,
        "open_s": opening, "questions": questions, "median_ratio": round(statistics.median(ratios), 2),
    }  # fmt: skip


def in_memory(settings: Settings, release: Release) -> ReleaseSql:
    """The release as the API reads it."""
    sql = ReleaseSql(settings, release)
    sql.warm(HOT_ROWS)
    return sql


def compared(title: str, text: str, opened: dict[str, ReleaseSql], rounds: int) -> dict[str, Any]:
    """One question on every engine, the engines in turns, so that what else the machine does meets all."""
    seconds: dict[str, list[float]] = {name: [] for name in opened}
    answers: dict[str, pa.Table] = {}
    for _ in range(rounds + 1):
        for name, sql in opened.items():
            began = perf_counter()
            answers[name] = sql.query(text)
            seconds[name].append(perf_counter() - began)
    if different := [name for name, found in answers.items() if not same(found, answers["duckdb"])]:
        raise SystemExit(f"{title}: {', '.join(different)} answered otherwise than duckdb")
    rows = {name: found.num_rows for name, found in answers.items()}
    usual = {name: statistics.median(times[1:]) * 1000 for name, times in seconds.items()}
    ratio = usual["trino"] / usual["duckdb"]
    print(
        f"{title:<62}{rows['trino']:>6}{usual['duckdb']:>10.1f}{usual['duckdb in memory']:>10.1f}{usual['trino']:>10.1f}"
        f"{ratio:>14.2f}", flush=True,
    )  # fmt: skip
    return {
        "question": title, "rows": rows, "first_ms": {name: round(times[0] * 1000, 1) for name, times in seconds.items()},
        "median_ms": {name: round(ms, 1) for name, ms in usual.items()}, "trino_times_duckdb": round(ratio, 2),
    }  # fmt: skip


def same(one: pa.Table, other: pa.Table) -> bool:
    """True where both have the same columns, types and rows; floats to the tolerance."""
    if one.schema != other.schema or one.num_rows != other.num_rows:
        return False
    return all(close(one[name], other[name]) for name in one.column_names)


def close(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """True where the columns are equal, floats to the tolerance."""
    if one.equals(other) or not pa.types.is_floating(one.type):
        return one.equals(other)
    if not pc.is_null(one).equals(pc.is_null(other)):
        return False
    off = pc.abs(pc.subtract(one, other))
    return bool(pc.all(pc.less_equal(off, pc.multiply(TOLERANCE, pc.abs(one)))).as_py())


@contextmanager
def own_trino(folder: Path) -> Iterator[Settings]:
    """A Trino for this run, and settings of a lake in that folder that is read through it."""
    place = Place(Settings(_env_file=None, state_dir=folder, trino_port=processes.free_port()))
    port = place.settings.trino_port
    server.prepare(place)
    for file, text in server.files(place, reads_folders=True).items():
        write_private(file, text)
    log = folder / "trino.log"
    process = processes.start(
        server.command(place.of("trino")), log=log, environment=os.environ, cwd=ROOT, port=port, dies_with_us=True
    )
    try:
        took = processes.wait_ready(process, lambda: server.is_ready(port), name="trino", timeout_s=120)
        print(f"Trino ready after {took:.1f} s")
        yield Settings(_env_file=None, lake_url=str(folder / "lake"), sql_url=server.values(place)["SQL_URL"])
    finally:
        processes.stop(process, grace_s=0.5)


if __name__ == "__main__":
    main()
