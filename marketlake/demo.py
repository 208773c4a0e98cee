"""The main job end to end: the exchange started, sessions backfilled, models trained, the last days run one by one, a summary.

Run again it takes what is missing and says what it skipped. What does not belong here: what a day does (`jobs.run`), what
the summary says (`marketlake.summary`).
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from time import monotonic
from typing import TYPE_CHECKING

from market.errors import Permanent
from market.sources import SOURCES
from marketlake import console, environment, processes, services, worlds
from marketlake.service import answers
from marketlake.worlds import Outside

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.run import Runner
    from lake.settings import Settings

READY_S = 120.0
DAYS_ALONE = 2
"""Sessions at the end that are run day by day, as a schedule would."""


@dataclass
class Timing:
    """Seconds by stage, in order."""

    stages: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=monotonic)

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Counts what happens inside, and says where the stage begins."""
        console.say(f"\n{stage}" if self.stages else stage)
        began = monotonic()
        try:
            yield
        finally:
            self.stages[stage] = self.stages.get(stage, 0.0) + monotonic() - began

    def tell(self) -> None:
        """Seconds by stage, and of all of it."""
        rows: list[dict[str, object]] = [{"stage": name, "seconds": f"{s:.1f}"} for name, s in self.stages.items()]
        console.say()
        console.table([*rows, {"stage": "all", "seconds": f"{monotonic() - self.began:.1f}"}], ["stage", "seconds"])


def run(settings: "Settings", outside: Outside, served: str = "") -> None:
    """The demo from the first delivery to its summary; the exchange that it started ends with it, however it ends.

    Parameters
    ----------
    served : the address of an exchange of this world that runs, and that the settings know; empty: start one.

    Raises
    ------
    Permanent
        The lake holds another world, or a day was blocked.
    Transient
        The exchange did not come up.
    """
    from lake.objects import lake_store

    timing = Timing()
    store = lake_store(settings)
    worlds.refuse_another(store, outside)
    with ExitStack() as stack:
        with timing.of("exchange"):
            url = served or stack.enter_context(_exchange(settings, outside))
            days = _days(url)
            worlds.claim(store, outside)  # only now: a world that cannot be served must not bind the lake
            if not served:
                services.know_exchange(settings, url, outside)
            settings = _prepared(settings, url, outside)
            console.say(f"  {outside} at {url}: {len(days)} sessions from {days[0]} to {days[-1]}")
        stack.enter_context(environment.quiet_children(settings))
        _work(settings, days, timing)


def _work(settings: "Settings", days: list[date], timing: Timing) -> None:
    from marketlake import summary

    with timing.of("start"):
        console.say("  loading Spark, Dagster, Great Expectations, Feast, MLflow")
        from jobs.run import Runner

        steps = console.Steps()
        runner = Runner(settings, steps)
    backfilled, alone = days[:-DAYS_ALONE], days[-DAYS_ALONE:]
    with steps.watched():
        with timing.of(f"backfill {backfilled[0]} to {backfilled[-1]}"):
            _backfill(runner, backfilled)
        with timing.of("models"):
            _train(runner, backfilled[-1])
        for day in alone:
            with timing.of(f"day {day}"):
                _day(runner, day)
    console.say("\nsummary")
    following = summary.tell(runner.lake)
    timing.tell()
    console.say(f"\n{following}")


def _backfill(runner: "Runner", days: list[date]) -> None:
    taken = runner.backfill(days[0], days[-1])
    if skipped := len(days) - len(taken):
        console.say(f"  skipped {skipped} of {len(days)} sessions: the current release holds them")


def _train(runner: "Runner", last: date) -> None:
    """Every model, unless each has a version that was trained on this lake; then the scores of the last session."""
    from assets.learning import tracking_uri
    from training.catalogue import declared, left_out, models
    from training.registry import champion

    uri, absent = tracking_uri(runner.lake), left_out()
    untrained = sorted(set(declared()) - trained_here(runner, last) - set(absent))
    if absent:
        lacks = ", ".join(f"{name} ({package})" for name, package in absent.items())
        console.say(f"  left out, for packages that are not installed: {lacks}; `make demo DEEP=1` adds them")
    if short := [told for name in untrained if (told := _too_short(runner, name))]:
        console.say("\n".join(f"  not trained: {told}" for told in short))
    elif untrained:
        runner.train()
    else:
        console.say(
            f"  skipped training of {', '.join(sorted(set(declared()) - set(absent)))}: trained on a release with sessions to {last}"
        )
    runner.read_headlines()
    if not any(champion(uri, name) for name in models()):
        console.say("  no champion: nothing is scored")
    elif _is_scored(runner, last):
        console.say(f"  skipped scoring of {last}: the current release holds its predictions")
    else:
        runner.score(last)


def _too_short(runner: "Runner", name: str) -> str:
    """Why a model cannot be judged on the current release; empty where it can."""
    import pyarrow.compute as pc

    from market import registry
    from training.catalogue import models

    declared, labels = models().get(name), registry.table("gold.labels")
    if declared is None:  # it reads headlines, of which a few are enough
        return ""
    wanted = (
        declared.validation.min_train + declared.horizon + declared.validation.embargo + declared.validation.n_folds
    )
    rows = runner.lake.delta.read(labels, columns=["session_date", declared.label])
    n = len(pc.unique(rows.filter(pc.is_valid(rows[declared.label]))["session_date"]))
    return (
        f"{name} needs {wanted} sessions with a known outcome for its walk-forward, there are {n}" if n < wanted else ""
    )


def trained_here(runner: "Runner", last: date) -> set[str]:
    """Names of the models that have a version trained on a release of this lake with sessions to `last` or beyond."""
    from assets.learning import tracking_uri
    from training.registry import list_models

    releases = {release.release_id: release for release in runner.lake.releases.list()}
    versions = [
        (str(held["name"]), releases.get(str(held["release_id"]))) for held in list_models(tracking_uri(runner.lake))
    ]
    return {name for name, release in versions if release and date.fromisoformat(release.last_session) >= last}


def _day(runner: "Runner", day: date) -> None:
    if _is_done(runner, day):
        console.say(f"  skipped {day}: the current release holds it")
    else:
        runner.day(day)


def _is_done(runner: "Runner", day: date) -> bool:
    release = runner.lake.releases.current()
    if release is None or release.last_session < f"{day}":
        return False
    return release.last_session > f"{day}" or _is_scored(runner, day) or not _has_champion(runner)


def _has_champion(runner: "Runner") -> bool:
    return any(path.endswith("/champion.json") for path in runner.lake.store.list("models/"))


def _is_scored(runner: "Runner", day: date) -> bool:
    from lake.windows import between
    from market import registry

    release = runner.lake.releases.current()
    version = release.tables.get("gold.predictions") if release else None
    if version is None:
        return False
    table = registry.table("gold.predictions")
    return bool(
        runner.lake.delta.read(table, version=version, where=between(day, day), columns=["session_date"]).num_rows
    )


@contextmanager
def _exchange(settings: "Settings", outside: Outside) -> Iterator[str]:
    """The address of an exchange that serves the world: a running one of the stack, or one of our own while it lasts."""
    if url := services.running_exchange(settings, outside):
        console.say("  the running exchange serves this world")
        yield url
        return
    wanted = settings.exchange_port
    port = wanted if processes.is_free(wanted) else processes.free_port()
    if port != wanted:
        console.say(f"  port {wanted} is taken by something else: using {port}")
    process = processes.start(
        outside.command(port), log=services.log_file(settings, "exchange"), environment=environment.as_environment(settings),
        cwd=environment.ROOT, port=port, dies_with_us=True,
    )  # fmt: skip
    url = f"http://{processes.HOST}:{port}"
    try:
        processes.wait_ready(process, lambda: answers(f"{url}/_exchange/health"), name="exchange", timeout_s=READY_S)
        yield url
    finally:
        processes.stop(process)


def _prepared(settings: "Settings", url: str, outside: Outside) -> "Settings":
    """The settings of the demo: this exchange, its keys and sessions, and no live source, whatever the environment says.

    A model of headlines is taught with what the world's desk has labelled, unless a setting names something else.
    """
    told = services.told_by(url)
    values = {name.lower(): value for name, value in worlds.stack_values(settings, url, told).items()}
    if outside.world.startswith("synthetic:") and not settings.sentiment_labels:
        values["sentiment_labels"] = str(_labelled(settings, outside))
    return environment.open_settings(**values, **{source.setting("base_url"): "" for source in SOURCES.values()})


def _labelled(settings: "Settings", outside: Outside) -> "Path":
    from exchange import cli

    file = settings.path(settings.state_dir) / "labelled" / f"{outside.world.replace(':', '-')}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(cli.sentences(outside.world))
    return file


def _days(url: str) -> list[date]:
    days = worlds.sessions_of(services.told_by(url))
    if len(days) <= DAYS_ALONE:
        raise Permanent(f"exchange {url}", expected=f"more than {DAYS_ALONE} covered sessions", found=f"{len(days)}",
                        do="Ask for more by --sessions")  # fmt: skip
    return days
