"""The command line: `marketlake`. It finds the commands, and turns every failure into one line on stderr and an exit code.

What does not belong here: what a command does (`marketlake.commands`). Heavy libraries are imported by the command that
needs them, so that `--help` answers at once.
"""

import atexit
import os
import sys
import threading
from contextlib import suppress

import typer

from marketlake import environment
from marketlake.commands import (
    data,
    day,
    doctor,
    exchange,
    features,
    models,
    quarantine,
    release,
    replay,
    rulebook,
    stack,
    symbol,
    upkeep,
)
from marketlake.commands.guard import Guarded

app = typer.Typer(
    cls=Guarded,
    name="marketlake",
    help="A stock-market lakehouse for Korean and US equities in which every number can be explained and replayed.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

for module in (
    day,
    stack,
    doctor,
    data,
    release,
    features,
    symbol,
    rulebook,
    models,
    replay,
    quarantine,
    exchange,
    upkeep,
):
    module.register(app)


@app.callback()
def main(
    verbose: bool = typer.Option(
        False, "--verbose", "-v", help="Log lines of all levels to stderr, errors with traceback."
    ),
) -> None:
    """A stock-market lakehouse in which every number can be explained and replayed."""
    environment.prepare()


def run() -> None:
    """The program: a command, what was registered for the end, and out, with no teardown of the interpreter.

    Threads of Arrow's that read through delta-rs may still be about; in the teardown they meet no interpreter and abort the
    process (apache/arrow#34314, delta-rs#2184), which would turn a command that succeeded into a failure.
    """
    code = 0
    try:
        app()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    threading._shutdown()  # type: ignore[attr-defined]  # as the interpreter does: waits for threads that are no daemons
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError, ValueError):  # its reader has gone, or it is closed
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
