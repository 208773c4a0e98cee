"""`doctor`: what is missing on this machine, and how to get it."""

from dataclasses import asdict
from typing import Annotated

import typer

from marketlake import console, environment
from marketlake.commands.guard import Json, example


def register(app: typer.Typer) -> None:
    """Add the command."""
    example(app, "doctor", "doctor", "doctor --live", "doctor --json")(doctor)


def doctor(
    live: Annotated[bool, typer.Option("--live", help="Ask each source once, with its key.")] = False,
    as_json: Json = False,
) -> None:
    """What is there, what is missing, and how to get it. Exit code 1 where something needed is missing."""
    from marketlake import checkup

    settings = environment.opened()
    found = [*checkup.every(settings), *(checkup.of_sources(settings) if live else ())]
    console.show([asdict(one) for one in found], as_json=as_json, columns=["what", "state", "found", "do"])
    if any(one.state == "missing" for one in found):
        raise typer.Exit(1)
