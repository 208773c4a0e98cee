"""What a table of many small commits costs to read, and with its files gathered: `python -m bench.files`.

Days of appends to ops.requests, as many a day as a day of the main job makes of it, with and without `lake.compaction`. Prints a table
and writes bench/results/.
"""

import argparse
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from unittest import mock

import pyarrow as pa
import pyarrow.dataset as ds

from bench import report
from lake import compaction
from lake.delta import DeltaLake
from lake.settings import Settings
from market import registry

TABLE = registry.table("ops.requests")
PACKAGES = ("deltalake", "pyarrow")
FIRST, NOW = date(2023, 1, 2), datetime(2024, 7, 1, tzinfo=UTC)
EACH_DAY, ROWS, ROUNDS = 7, 30, 5
"""Commits a day, one for each source, and rows of each."""


def main() -> None:
    """Append day by day, and read as the days go on."""
    words = argparse.ArgumentParser(description="Reading a table of many commits, its files gathered or not.")
    words.add_argument("--days", type=int, default=250)
    asked = words.parse_args()
    found = {}
    with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as folder:
        for way, left in (("gathered", False), ("left as they came", True)):
            delta = DeltaLake(Settings(_env_file=None, lake_url=str(Path(folder) / way)))  # type: ignore[call-arg]
            with mock.patch.object(compaction, "crowded", return_value=[]) if left else nullcontext():
                found[way] = appended(delta, asked.days)
            told = found[way]
            print(
                f"{way}: {told['files']} files; read {told['day_ms']} ms a day's rows, {told['all_ms']} ms all; a commit {told['commit_ms']} ms"
            )
    report.write("files", PACKAGES, {"days": asked.days, "commits": asked.days * EACH_DAY, "ways": found})


def appended(delta: DeltaLake, n_days: int) -> dict[str, float]:
    """Milliseconds of reads once the days are there, and of a commit in the mean."""
    began = perf_counter()
    for n in range(n_days):
        day = FIRST + timedelta(days=n)
        for source in range(EACH_DAY):
            delta.append(TABLE, rows(day, source), app_id=f"{day} {source}", app_version=1)
    commit = (perf_counter() - began) / n_days / EACH_DAY
    last = ds.field("quota_date") == day
    return {
        "files": len(delta.open(TABLE).file_uris()), "commit_ms": round(1000 * commit, 1),
        "day_ms": best(lambda: delta.read(TABLE, where=last)), "all_ms": best(lambda: delta.read(TABLE)),
    }  # fmt: skip


def best(do: Callable[[], object]) -> float:
    """The quickest of some rounds, in milliseconds."""
    seconds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        do()
        seconds.append(perf_counter() - start)
    return round(1000 * min(seconds), 1)


def rows(day: date, source: int) -> pa.Table:
    """Requests of a source on a day."""
    told = {"source": "krx", "session_date": day, "session_month": f"{day:%Y-%m}", "request": "GET /", "status": 200, "outcome": "ok",
            "attempts": 1, "size_bytes": 3, "quota_date": day, "fetched_at": NOW, "known_at": NOW}  # fmt: skip
    return pa.Table.from_pylist(
        [told | {"request_id": f"{day} {source} {n}"} for n in range(ROWS)], schema=TABLE.schema
    )


if __name__ == "__main__":
    main()
