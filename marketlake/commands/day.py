"""`day`, `backfill`: the sessions that a person asks for, run in this process and recorded in Dagster's instance."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from market.errors import Permanent
from marketlake import console, environment
from marketlake.commands.guard import example

if TYPE_CHECKING:
    from jobs.run import Runner


def register(app: typer.Typer) -> None:
    """Add the commands."""
    example(app, "day", "day", "day 2024-05-03")(day)
    example(app, "backfill", "backfill 2024-01-02 2024-05-03")(backfill)


def day(
    session: Annotated[
        str | None, typer.Argument(metavar="[DATE]", help="Session; by default all that are due.")
    ] = None,
) -> None:
    """Run one trading day, from ingestion to the online store. Running it again changes nothing."""
    given = parse(session) if session else None
    if given is not None:
        _refuse_closed(given)
    with running() as runner:
        days = [given] if given else _due(runner)
        for one in days:
            console.say(f"day {one}")
            runner.day(one)
        if not days:
            console.say("nothing is due: the current release holds every session that the sources owe by now")
        _tell_release(runner)


def _refuse_closed(day: date) -> None:
    """A day on which no exchange is open is refused before anything is loaded."""
    from market import calendars

    closed = {name: calendars.why_closed(name, day) for name in calendars.EXCHANGES}
    if all(closed.values()):
        found = "; ".join(f"{name}: {why}" for name, why in closed.items())
        raise Permanent(f"day {day}", expected="a session", found=found)


def backfill(
    first: Annotated[str, typer.Argument(metavar="FROM", help="First session.")],
    last: Annotated[str, typer.Argument(metavar="TO", help="Last session.")],
) -> None:
    """Take every covered session of a range that the lake lacks, in as few runs as possible."""
    start, end = parse(first), parse(last)
    if start > end:
        raise typer.BadParameter(f"FROM is after TO: {start} > {end}")
    from market import calendars

    with running() as runner:
        if not any(runner.lake.world.sessions(name, start, end) for name in calendars.EXCHANGES):
            raise Permanent(f"backfill {start} {end}", expected="covered sessions", found=_covered(runner))
        taken = runner.backfill(start, end)
        console.say(f"took {len(taken)} sessions" if taken else "nothing to take: the current release holds them all")
        _tell_release(runner)


@contextmanager
def running(**instead: object) -> Iterator["Runner"]:
    """A runner of the settings' lake whose steps are told; Spark's and other children's noise goes to the log.

    Parameters
    ----------
    instead : settings for this run alone.
    """
    from marketlake.interrupts import interruptible

    settings = environment.opened().model_copy(update=instead)
    with interruptible(), environment.quiet_children(settings):
        from jobs.run import Runner

        steps = console.Steps()
        with steps.watched():
            yield Runner(settings, steps)


def parse(text: str) -> date:
    """The date of YYYY-MM-DD; bad usage otherwise."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"expected a date such as 2024-05-03, was {text!r}") from None


def _covered(runner: "Runner") -> str:
    world, settings = runner.lake.world, runner.lake.settings
    return f"none; {world.name} covers {settings.first_session} to {settings.last_session or 'today'}"


def _due(runner: "Runner") -> list[date]:
    from jobs.due import due_sessions

    return due_sessions(runner.lake, runner.lake.world.clock()())


def _tell_release(runner: "Runner") -> None:
    release = runner.lake.releases.current()
    if release is None:
        raise Permanent("release", expected="a published one", found="none", do="Run `marketlake backfill FROM TO`")
    console.say(
        f"release {release.release_id} ({release.kind}): sessions {release.first_session} to {release.last_session}"
    )
