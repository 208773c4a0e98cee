"""Drivers that commit to one table on S3 at the same moment, or whose answer is lost: none of them loses a commit.

The server is SeaweedFS, behind a proxy that lets two writes meet and drops answers.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lake.delta import DeltaLake
from lake.settings import Settings
from market import registry
from marketlake import environment
from marketlake.stack.place import HOST
from tests.support.faulty_proxy import Proxy, proxy

WRITER = Path(__file__).resolve().parents[1] / "support" / "window_writer.py"
COMMIT = r"_delta_log/0*{}\.json"
FIRST, MAY, JUNE = "2024-05-02", "2024-05-03", "2024-06-03"


class Bench:
    """A table's drivers on an S3 server that is reached through a proxy."""

    def __init__(self, settings: Settings, between: Proxy) -> None:
        self.settings, self.between = settings, between

    def write(self, *days: str, way: tuple[str, ...] = ()) -> list[str]:
        """What drivers say that replace these days, all begun at one moment."""
        variables = environment.as_environment(self.settings)
        variables |= {"PYTHONPATH": str(environment.ROOT), "HOME": os.environ["HOME"]}
        drivers = [
            subprocess.Popen(
                [sys.executable, str(WRITER), day, *way], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env=variables, cwd=environment.ROOT,
            )
            for day in days
        ]  # fmt: skip
        try:
            for driver in drivers:
                assert driver.stdout is not None and driver.stdout.readline() == "ready\n"
            for driver in drivers:
                assert driver.stdin is not None
                driver.stdin.write("go\n")
                driver.stdin.flush()
            return [driver.communicate(timeout=60)[0].strip() for driver in drivers]
        finally:
            for driver in drivers:
                driver.kill()
                driver.wait(30)

    def days(self) -> list[str]:
        """The days that the table has."""
        rows = DeltaLake(self.settings).read(registry.table("gold.labels"))
        return sorted(str(day) for day in rows["session_date"].to_pylist())


@pytest.fixture
def bench(on_s3: dict[str, str], s3_place: Any, make: Any, tmp_path: Path) -> Iterator[Bench]:
    with proxy(HOST, s3_place.settings.s3_port) as running:
        told = {**on_s3, "s3_endpoint_url": running.url, "lake_url": f"{on_s3['lake_url']}/{tmp_path.name}"}
        yield Bench(make(**told, state_dir=tmp_path), running)


def test_two_drivers_at_once_both_commit_one_after_the_other(bench: Bench) -> None:
    assert bench.write(FIRST) == ["version 1"]
    bench.between.set(meet=COMMIT.format(2), patience_s=20)
    said = bench.write(MAY, JUNE)
    statuses = [status for path, status in bench.between.seen().puts if path.endswith("00000000000000000002.json")]
    assert len(statuses) >= 2 and 412 in statuses, "both asked for the same version, and the server said no to one"
    assert sorted(said) == ["version 2", "version 3"] and bench.days() == [FIRST, MAY, JUNE]


def test_without_the_condition_nothing_is_committed_that_could_be_lost(bench: Bench) -> None:
    [said] = bench.write(FIRST, way=("careless",))
    assert said.startswith("OSError") and "conditional put is disabled" in said
    assert bench.between.seen().puts == []


def test_of_two_that_replace_the_same_day_at_once_one_is_told_that_it_may_try_again(bench: Bench) -> None:
    bench.write(FIRST)
    bench.between.set(meet=COMMIT.format(2), patience_s=20)
    said = sorted(bench.write(MAY, MAY))
    assert said[0].startswith("Transient gold.labels 2024-05-03") and "another writer first" in said[0]
    assert said[1] == "version 2" and bench.days() == [FIRST, MAY]


def test_a_commit_whose_answer_is_lost_is_found_and_not_made_again(bench: Bench) -> None:
    bench.write(FIRST)
    bench.between.set(lose=COMMIT.format(2), times=1)
    assert bench.write(MAY) == ["version 2"]
    assert len(bench.between.seen().lost) == 1 and bench.days() == [FIRST, MAY]
