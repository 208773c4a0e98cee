"""`demo`, `up`, `down`, `status`: the main job, and the services of the embedded stack."""

from dataclasses import asdict
from typing import Annotated

import typer

from marketlake import console, environment
from marketlake.commands.guard import Json, example


def register(app: typer.Typer) -> None:
    """Add the commands."""
    example(app, "demo", "demo", "demo --symbols 50 --sessions 120", "demo --world recorded:~/recordings/mine")(demo)
    example(app, "up", "up")(up)
    example(app, "down", "down")(down)
    example(app, "status", "status", "status --json")(status)


def demo(
    world: Annotated[str, typer.Option(help="synthetic:SEED or recorded:FOLDER.")] = "synthetic:7",
    symbols: Annotated[int | None, typer.Option(min=1, help="Korean symbols to keep; all by default.")] = None,
    sessions: Annotated[int | None, typer.Option(min=3, help="Last sessions to keep; all by default.")] = None,
) -> None:
    """Run the main job to its end: exchange, backfill, training, the last two days one by one, a summary.

    A second run takes only what is missing, and says what it skipped.
    """
    from marketlake import demo as job
    from marketlake.interrupts import interruptible
    from marketlake.worlds import Outside

    with interruptible():
        job.run(environment.opened(), Outside.named(world, symbols, sessions))


def up() -> None:
    """Start the exchange, the API, Dagster, Data Docs and MLflow's UI in the background; what runs already stays."""
    from marketlake import services

    services.up(environment.opened(), console.say)
    console.say("\nlogs and process ids: `marketlake status`; end them: `marketlake down`")


def down() -> None:
    """End what `up` started, and nothing else. Data stays."""
    from marketlake import services

    if not services.down(environment.opened(), console.say):
        console.say("nothing was running")


def status(as_json: Json = False) -> None:
    """What runs: state, port, process, memory, address, log."""
    from marketlake import services

    states = [asdict(state) for state in services.status(environment.opened())]
    if not as_json:  # a port and a process id are names: no thousands
        states = [{**state, **{name: str(state[name] or "-") for name in ("port", "pid")}} for state in states]
    console.show(states, as_json=as_json)
