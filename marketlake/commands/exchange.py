"""`exchange serve|truth|sentences|convert`: the simulated outside world by hand."""

from pathlib import Path
from typing import Annotated

import typer

from marketlake import console, environment
from marketlake.commands.guard import example, group

World = Annotated[str, typer.Option(help="synthetic:SEED or recorded:FOLDER.")]
Symbols = Annotated[int | None, typer.Option(min=1, help="Korean symbols to keep, well-known ones first.")]
Sessions = Annotated[int | None, typer.Option(min=1, help="Last sessions to keep.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    made = group(app, "exchange", "The simulated outside world: real wire formats on loopback.")
    example(made, "serve", "exchange serve --world synthetic:7 --fault rate-limit:source=krx,first=2")(serve)
    example(made, "truth", "exchange truth --world synthetic:7 --symbols 20 --sessions 60")(truth)
    example(made, "sentences", "exchange sentences --world synthetic:7 > var/labelled.csv")(sentences)
    example(made, "convert", "exchange convert ~/downloads/prices ~/recordings/mine")(convert)


def serve(
    world: World = "synthetic:7",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; MARKETLAKE_EXCHANGE_PORT by default.")
    ] = None,
    symbols: Symbols = None,
    sessions: Sessions = None,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME[:k=v,...]", help="A fault; may be repeated.")] = None,
    real_pace: Annotated[bool, typer.Option("--real-pace", help="Quotas and paces as the real hosts'.")] = False,
) -> None:
    """Serve a world until interrupted."""
    from exchange import cli
    from marketlake.worlds import Outside

    settings = environment.opened()
    named = Outside.named(world).world
    cli.serve(named, port=port or settings.exchange_port, faults=fault or [], symbols=symbols, sessions=sessions,
              real_pace=real_pace, say=console.say)  # fmt: skip


def truth(world: World = "synthetic:7", symbols: Symbols = None, sessions: Sessions = None) -> None:
    """Print the known truth of a world as JSON; for tests, no client may read it."""
    from exchange import cli
    from marketlake.worlds import Outside

    console.say(cli.truth(Outside.named(world).world, symbols=symbols, sessions=sessions))


def sentences(world: World = "synthetic:7") -> None:
    """Print headlines that the desk of a synthetic world has labelled, as CSV: what MARKETLAKE_SENTIMENT_LABELS takes."""
    from exchange import cli
    from marketlake.worlds import Outside

    console.say(cli.sentences(Outside.named(world).world).rstrip("\n"))


def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder of price files.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the recording goes.")],
    symbols: Annotated[int | None, typer.Option(min=1, help="Keep only the N largest codes.")] = None,
) -> None:
    """Make a recording for recorded:FOLDER from published price files; they are known by their columns."""
    from exchange import cli

    console.say(str(cli.convert(environment.given_path(source), environment.given_path(folder), symbols=symbols)))
