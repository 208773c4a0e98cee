"""Running jobs in this process, with what happens told as it happens: what the command line and the demo call.

The same jobs run from the Dagster UI; these runs are recorded in the same instance, so the UI shows them.
"""

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from dagster import AssetCheckEvaluation, AssetKey, DagsterEventType, DagsterInstance, EventLogEntry

from assets.resources import open_lake
from jobs import metrics
from jobs.build import build
from jobs.due import exchanges_of, ingested, missing, rows_a_month
from jobs.names import BUILD, INGEST, READ, SCORE, TRAIN, selected_sessions
from lake import aws
from lake.clock import ExchangeClock
from lake.settings import Settings
from market import calendars
from market.errors import Permanent, Transient
from market.sources import session_due_at

TOGETHER = 500_000
"""Rows of prices that are built at once: with their features they pass through the driver and the checks."""
TEMPLATE = Path(__file__).with_name("dagster.yaml")


@dataclass(frozen=True)
class Step:
    """One step of a run as it ends, or a line of it as it works.

    Parameters
    ----------
    name : job and step, such as `build: silver_prices`.
    seconds : how long it took; None while it works.
    note : rows and the like, or the line.
    """

    name: str
    seconds: float | None
    note: str


Tell = Callable[[Step], None]


def say_nothing(step: Step) -> None:
    """For callers who do not watch."""


class Runner:
    """Runs jobs of one lake in this process.

    Parameters
    ----------
    settings : of the lake; its partitions follow first_session and last_session.
    tell : called as steps end.
    """

    def __init__(self, settings: Settings, tell: Tell = say_nothing) -> None:
        self.lake = open_lake(settings)
        self._tell = tell
        self._defs = build(settings, self.lake)
        self._instance = instance(settings)

    def day(self, session: date) -> None:
        """One trading day, ingest to online: both publications, with whatever champion there is.

        Raises
        ------
        Permanent
            No exchange has a session that day, or the day was blocked.
        Transient
            A source was away; running it again may help.
        """
        exchanges = exchanges_of(self.lake, session)
        if not exchanges:
            raise no_session(session)
        self.move_clock(session)
        for exchange in exchanges:
            self.run(INGEST[exchange], session, session)
        self.run(BUILD, session, session)

    def backfill(self, first: date, last: date) -> list[date]:
        """Every covered session within [first, last] that the lake lacks, as few runs; the sessions taken.

        What bronze has is not asked again, and what the current release holds is not built again. A long history of a whole market is
        built part by part, each of which is published: what one build holds in memory has a limit.
        """
        self.move_clock(last)
        taken: set[date] = set()
        for exchange, job in INGEST.items():
            wanted = self.lake.world.sessions(exchange, first, last)
            lacking = sorted(set(wanted) - ingested(self.lake, exchange, wanted))
            for start, end in spans(lacking, wanted):
                self.run(job, start, end)
            taken.update(lacking)
        build = sorted({*taken, *missing(self.lake, first, last)})
        for start, end in parts(build, rows_a_month(self.lake)):
            self.run(BUILD, start, end)
        return build

    def train(self, *names: str) -> None:
        """These models on the current release; every one where none is named."""
        self._execute(TRAIN, {}, [AssetKey(["models", name]) for name in names])

    def read_headlines(self) -> None:
        """Every headline of the current release, where a champion among their models has not read them yet; else nothing."""
        from assets.sentiment import is_waiting

        release = self.lake.releases.current()
        if release is not None and is_waiting(self.lake):
            self.run(READ, date.fromisoformat(release.first_session), date.fromisoformat(release.last_session))

    def score(self, session: date) -> None:
        """Predictions of one session by the champions, published, and the online store behind them."""
        self.run(SCORE, session, session)

    def run(self, job: str, first: date, last: date, tags: Mapping[str, str] | None = None) -> None:
        """One job over a range of sessions as a single run, with further run tags."""
        self._execute(job, {**selected_sessions(f"{first}", f"{last}"), **(tags or {})})

    def move_clock(self, session: date) -> None:
        """Set a simulated world's clock to when the session is due from all sources; never before what the lake knows or asked: a day that
        is corrected after a later one was asked for is told later, too."""
        world = self.lake.world
        clock = world.clock()
        if isinstance(clock, ExchangeClock):
            known = [release.as_of for release in self.lake.releases.list()]  # also of those that were rolled back
            asked = self.lake.bronze.asked_last(f"{session:%Y-%m}", world.simulated)
            clock.move(max([session_due_at(session), *known, *([asked] if asked else [])]))

    def _execute(self, job: str, tags: dict[str, str], assets: Sequence[AssetKey] = ()) -> None:
        run_id = str(uuid.uuid4())
        watcher = _Watcher(job, self._tell)
        self._instance.add_event_listener(run_id, watcher)
        result = self._defs.resolve_job_def(job).execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=self._instance, tags=tags, run_id=run_id, raise_on_error=False, asset_selection=list(assets) or None,
        )  # fmt: skip
        metrics.keep(self.lake, self._instance)
        if not result.success:
            raise watcher.failure(f"{job} {run_id}")


class _Watcher:
    """Turns Dagster's events into steps, and remembers why a run failed."""

    def __init__(self, job: str, tell: Tell) -> None:
        self._job, self._tell = job, tell
        self._began: dict[str, float] = {}
        self._notes: dict[str, str] = {}
        self._blocked: dict[str, str] = {}
        self._failed: list[tuple[str, str, bool]] = []

    def __call__(self, entry: EventLogEntry) -> None:
        event, key = entry.dagster_event, entry.step_key or ""
        if event is None:
            self._tell(Step(f"{self._job}: {key}", None, entry.user_message))
        elif event.event_type == DagsterEventType.STEP_START:
            self._began[key] = monotonic()
            self._tell(Step(f"{self._job}: {key}", None, ""))
        elif event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            # a run over many partitions tells the same of each
            self._notes.setdefault(key, _note(event.step_materialization_data.materialization.metadata))
        elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            self._check(key, event.asset_check_evaluation_data)
        elif event.event_type == DagsterEventType.STEP_SUCCESS:
            seconds = monotonic() - self._began.get(key, monotonic())
            self._tell(Step(f"{self._job}: {key}", seconds, self._notes.get(key, "")))
        elif event.event_type == DagsterEventType.STEP_FAILURE:
            self._failed.append((key, *_cause(event.step_failure_data.error)))

    def failure(self, where: str) -> Permanent | Transient:
        """What the run failed of, in the words of the first step that did."""
        if not self._failed:
            return Permanent(where, expected="the run to succeed", found="a failed run without a failed step")
        key, told, may_pass = self._failed[0]
        kind = Transient if may_pass else Permanent
        return kind(f"{where} step {key}", expected="to succeed", found=self._blocked.get(key, told),
                    do="The last good release stays current")  # fmt: skip

    def _check(self, key: str, evaluation: AssetCheckEvaluation) -> None:
        if not evaluation.passed:
            failed = evaluation.metadata.get("failed")
            self._blocked[key] = (
                f"blocked by its checks: {failed.value if failed is not None else evaluation.check_name}"
            )


def _note(metadata: Mapping[str, Any]) -> str:
    names = {"dagster/row_count": "rows", "new_rows": "new rows", "quarantined_rows": "quarantined", "release_id": "release",
             "rows": "rows", "promoted": "promoted"}  # fmt: skip
    shown = [(word, metadata[name].value) for name, word in names.items() if name in metadata]
    return ", ".join(f"{value:,} {word}" if isinstance(value, int) and not isinstance(value, bool) else f"{word} {value}"
                     for word, value in shown if value != 0 or word != "quarantined")  # fmt: skip


def _cause(error: Any) -> tuple[str, bool]:
    """The words of the first cause that is ours, or else of the innermost, and whether a rerun may help."""
    ours = (Transient.__name__, Permanent.__name__, "Failure")
    while error is not None and error.cause is not None and error.cls_name not in ours:
        error = error.cause
    if error is None:
        return "no error on record", False
    frames = ("\t", " ", "at ", "java.", "scala.", "org.apache.", "... ")  # of a trace, Python's or Java's
    lines = [line for line in error.message.splitlines() if line.strip() and not line.startswith(frames)]
    told = lines[-1].split(": ", 1)[-1] if len(lines) > 2 else error.message.strip().split(": ", 1)[-1]
    return told, error.cls_name == Transient.__name__


def instance(settings: Settings) -> DagsterInstance:
    """Dagster's instance at DAGSTER_HOME, made where it is missing."""
    aws.lead_to_s3(settings, os.environ)  # the compute logs' store on S3 reads its keys nowhere else
    home = settings.path(settings.dagster_home)
    home.mkdir(parents=True, exist_ok=True)
    target = home / "dagster.yaml"
    if not target.exists():
        target.write_text(TEMPLATE.read_text().replace("BASE_DIR", str(home / "event_log")))
    return DagsterInstance.from_config(str(home))


def spans(missing: Sequence[date], all_sessions: Sequence[date]) -> list[tuple[date, date]]:
    """Runs of missing sessions that follow each other among all sessions, as (first, last)."""
    position = {day: i for i, day in enumerate(all_sessions)}
    found: list[tuple[date, date]] = []
    for day in missing:
        if found and position[day] == position[found[-1][1]] + 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def parts(days: Sequence[date], rows: Mapping[str, int], limit: int | None = None) -> list[tuple[date, date]]:
    """The days as runs of whole months, as (first, last), each over at most so many rows; a month of more is a run of its own.

    Parameters
    ----------
    days : ascending.
    rows : of prices, by month such as `2024-05`.
    limit : TOGETHER unless given.
    """
    limit = TOGETHER if limit is None else limit
    found: list[tuple[date, date]] = []
    held, months = 0, {f"{day:%Y-%m}": day for day in days}
    first = {f"{day:%Y-%m}": day for day in reversed(days)}
    for month, last in months.items():
        n = rows.get(month, 0)
        between = f"{found[-1][1]:%Y-%m}" if found else month  # what lies between two days of a run is built, too
        passed = sum(k for one, k in rows.items() if between < one < month)
        if found and held + passed + n <= limit:
            found[-1], held = (found[-1][0], last), held + passed + n
        else:
            found.append((first[month], last))
            held = n
    return found


def no_session(session: date) -> Permanent:
    """The refusal of a day on which nothing trades, with each calendar's reason."""
    reasons = "; ".join(
        f"{exchange}: {calendars.why_closed(exchange, session) or 'not covered by this world'}"
        for exchange in calendars.EXCHANGES
    )
    return Permanent(f"day {session}", expected="a session", found=reasons)


def parse_day(text: str) -> date:
    """The date of YYYY-MM-DD."""
    return datetime.strptime(text, "%Y-%m-%d").date()
