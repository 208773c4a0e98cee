"""A day that breaks off at the worst places, over and over, and then runs through: the lake is as if nothing had happened.

The breaks are inside this process, right after a commit; `test_killed` kills whole processes at random moments.
"""

import shutil
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
import pytest
from deltalake import DeltaTable, Transaction

from jobs.build import build
from jobs.due import exchanges_of
from jobs.names import BUILD, INGEST, selected_sessions
from jobs.run import Runner, instance
from lake.bronze import Bronze
from lake.delta import DeltaLake
from lake.lake import Lake
from lake.objects import LocalStore
from lake.releases import POINTER, Releases
from lake.settings import Settings
from lake.spark import Spark
from market.table import Table, Window


class BrokenOff(BaseException):
    """Stands for the end of the process: nothing catches it."""


@dataclass
class Break:
    """Where the process ends: after that table's next commit, or before the pointer moves."""

    after: str
    has_come: bool = False

    def passed(self, what: str) -> None:
        self.has_come = self.has_come or what == self.after
        self.refuse_if_ended()

    def refuse_if_ended(self) -> None:
        """A dead process does not commit in its `finally` either."""
        if self.has_come:
            raise BrokenOff(self.after)


def breaking_lake(settings: Settings, at: Break) -> Lake:
    """The real lake, which ends there."""

    class BreakingDelta(DeltaLake):
        def _commit(self, target: DeltaTable, table: Table, rows: pa.Table, transaction: Transaction) -> None:
            at.refuse_if_ended()
            super()._commit(target, table, rows, transaction)
            at.passed(table.name)

        def replace(self, table: Table, rows: pa.Table, window: Window, note: str = "") -> int:
            version = super().replace(table, rows, window, note)
            at.passed(table.name)
            return version

    class BreakingStore(LocalStore):
        def put_if_absent(self, path: str, payload: bytes) -> bool:
            if path.startswith(POINTER):
                at.passed("pointer")
            return super().put_if_absent(path, payload)

    lake = Lake(settings)
    delta, store = BreakingDelta(settings), BreakingStore(settings.lake_url)
    parts = {
        "delta": delta, "store": store, "bronze": Bronze(delta, store), "releases": Releases(store),
        "spark": Spark(settings, delta),
    }  # fmt: skip
    lake.__dict__.update(parts)  # where the lake keeps its parts once made
    return lake


def run_until(settings: Settings, day: date, after: str) -> None:
    """The day's jobs, until the break."""
    lake = breaking_lake(settings, Break(after))
    definitions, held = build(settings, lake), instance(settings)

    def run_jobs() -> None:
        for job in (*(INGEST[exchange] for exchange in exchanges_of(lake, day)), BUILD):
            definitions.resolve_job_def(job).execute_in_process(
                instance=held, tags=selected_sessions(f"{day}", f"{day}"),
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )  # fmt: skip

    with pytest.raises(BrokenOff, match=after):
        run_jobs()


@pytest.mark.slow
def test_broken_off_between_any_two_commits_the_day_runs_through_to_the_same_digests(
    desk, sessions, settings_at, tmp_path
):
    day = sessions[-3]
    calm = settings_at(tmp_path / "calm")
    shutil.copytree(desk.settings.lake_url, calm.lake_url)
    undisturbed = replace(desk, runner=Runner(calm), settings=calm)
    undisturbed.runner.day(day)

    desk.runner.move_clock(day)
    for place in ("bronze.krx_daily", "silver.prices", "gold.features_daily", "pointer"):
        run_until(desk.settings, day, place)
    desk.runner.day(day)
    assert desk.digests() == undisturbed.digests()
    assert desk.lake.releases.current().last_session == f"{day}"
    assert len(desk.rows("ops.quarantine")) == len(undisturbed.rows("ops.quarantine"))
