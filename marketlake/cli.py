"""The command line: `marketlake`. It finds the commands, and turns every failure into one line on stderr and an exit code.

What does not belong here: what a command does (`marketlake.commands`). Heavy libraries are imported by the command that
needs them, so that `--help` answers at once.
"""

import typer

from marketlake import environment
from marketlake.commands import data, day, doctor, exchange, features, models, quarantine, release, stack, upkeep
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

for module in (day, stack, doctor, data, release, features, models, quarantine, exchange, upkeep):
    module.register(app)


@app.callback()
def main(
    verbose: bool = typer.Option(
        False, "--verbose", "-v", help="Log lines of all levels to stderr, errors with traceback."
    ),
) -> None:
    """A stock-market lakehouse in which every number can be explained and replayed."""
    environment.prepare()


if __name__ == "__main__":
    app()
