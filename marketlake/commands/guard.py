"""What every command has in common: an example in its help, one line on stderr when it fails, the exit codes 0, 1 and 2.

What does not belong here: any command in particular.
"""

import sys
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from market.errors import MarketlakeError
from marketlake import console, environment
from marketlake.interrupts import TOLD

Command = TypeVar("Command", bound=Callable[..., Any])

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def example(app: typer.Typer, name: str, *lines: str) -> Callable[[Command], Command]:
    """Register the decorated function as a command with examples in its help."""
    word = "Example" if len(lines) == 1 else "Examples"
    return app.command(name, epilog=f"{word}:\n\n" + "\n\n".join(f"  marketlake {line}" for line in lines))


def group(app: typer.Typer, name: str, meaning: str) -> typer.Typer:
    """A group of commands under that name."""
    made = typer.Typer(help=meaning, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(made, name=name)
    return made


class Guarded(TyperGroup):
    """The whole command line: no error leaves it but as a line on stderr."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; 1 where it failed, in the words of the error."""
        try:
            return super().invoke(ctx)
        except MarketlakeError as error:
            _in_the_log(error, ctx.params.get("verbose", False))
            console.print_error(error)
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            console.warn(TOLD)
            raise typer.Exit(1) from None
        except BrokenPipeError:
            sys.stderr.close()  # the reader of a pipe has gone: nobody is left to tell
            raise typer.Exit(1) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if type(error).__module__.startswith(("typer", "click")):
                raise
            log = _in_the_log(error, ctx.params.get("verbose", False))
            console.warn(f"error: unexpected {type(error).__name__}: {_first_line(error)}. The whole of it is in {log}")
            raise typer.Exit(1) from error


def _in_the_log(error: BaseException, verbose: bool) -> str:
    """The error with its traceback into the log; where that is."""
    from loguru import logger

    try:
        settings = environment.open_settings()
    except MarketlakeError:  # the settings themselves are the failure: nothing says where a log would be
        return "no log"
    environment.configure_log(settings, verbose=verbose)
    bound = logger if verbose else logger.bind(only="file")
    bound.opt(exception=error).error("command failed", argv=sys.argv[1:])
    return str(environment.log_file(settings))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "no message"
