"""Command line of the exchange: ``python -m exchange serve | truth | sentences | convert``.

What does not belong here: what the commands do (exchange.cli).
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from exchange import cli
from exchange.faults.fault import PARAMETERS
from market.errors import MarketlakeError

_RAW = argparse.RawDescriptionHelpFormatter


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its work, 1 when it failed (2, by argparse, on bad usage)."""
    given = _parser().parse_args(arguments)
    try:
        if given.command == "serve":
            _serve(given)
        elif given.command == "truth":
            cut = {"symbols": given.symbols, "us_symbols": given.us_symbols, "sessions": given.sessions}
            print(cli.truth(given.world, **cut))
        elif given.command == "sentences":
            print(cli.sentences(given.world), end="")
        else:
            print(cli.convert(given.source, given.folder, symbols=given.symbols))
    except MarketlakeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _serve(given: argparse.Namespace) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cli.serve(
        given.world,
        port=given.port,
        faults=given.fault,
        symbols=given.symbols,
        us_symbols=given.us_symbols,
        sessions=given.sessions,
        real_pace=given.real_pace,
        plain_numbers=given.plain_numbers,
        say=lambda text: print(text, flush=True),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m exchange", description="A simulated outside world over HTTP.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_serve(commands)
    _add_truth(commands)
    _add_sentences(commands)
    _add_convert(commands)
    return parser


def _add_world(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--world", default=cli.DEFAULT_WORLD, help="synthetic:SEED or recorded:FOLDER (default %(default)s)"
    )
    command.add_argument("--symbols", type=int, help="Korean symbols to keep, well-known ones first")
    command.add_argument("--us-symbols", type=int, help="US symbols to keep (synthetic worlds)")
    command.add_argument("--sessions", type=int, help="last sessions to keep")


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    faults = "\n".join(
        f"  {name:14} {', '.join(f'{k}={v}' for k, v in parameters.items())}" for name, parameters in PARAMETERS.items()
    )
    serve = commands.add_parser(
        "serve",
        help="serve a world until interrupted",
        formatter_class=_RAW,
        description="Serve a world on 127.0.0.1. Base URLs end in /krx, /yahoo, /dart, /naver, /kakao, /sec, /krx_market.",
        epilog=f"faults and their own parameters (all take source=, date=, first=):\n{faults}\n\n"
        "examples:\n  python -m exchange serve --world synthetic:7 --port 8899\n"
        "  python -m exchange serve --fault rate-limit:source=krx,first=2 --fault slow:source=dart,delay=1",
    )
    _add_world(serve)
    serve.add_argument("--port", type=int, default=cli.DEFAULT_PORT, help="port on 127.0.0.1 (default %(default)s)")
    serve.add_argument("--fault", action="append", default=[], metavar="NAME[:k=v,...]", help="may be repeated")
    serve.add_argument("--real-pace", action="store_true", help="quotas and paces as the real hosts'")
    serve.add_argument("--plain-numbers", action="store_true", help="KRX numbers without thousands commas")


def _add_truth(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    truth = commands.add_parser(
        "truth",
        help="print the known truth of a world as JSON",
        formatter_class=_RAW,
        description="Print splits, dividends, halts, listings, delistings and the planted signal. For tests.",
        epilog="example:\n  python -m exchange truth --world synthetic:7 --symbols 20 --sessions 60",
    )
    _add_world(truth)


def _add_sentences(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sentences = commands.add_parser(
        "sentences",
        help="print headlines that a synthetic world's desk has labelled, as CSV",
        formatter_class=_RAW,
        description="Print what a model of headlines is taught with: CSV with the columns text and label.",
        epilog="example:\n  python -m exchange sentences --world synthetic:7 > var/labelled.csv",
    )
    sentences.add_argument("--world", default=cli.DEFAULT_WORLD, help="synthetic:SEED (default %(default)s)")


def _add_convert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    convert = commands.add_parser(
        "convert",
        help="make a recording from published price files",
        formatter_class=_RAW,
        description="Make a recording for recorded:FOLDER. Files are known by their columns, not their names.",
        epilog="example:\n  python -m exchange convert ../shared/data/krx_marcap_windows var/recordings/marcap",
    )
    convert.add_argument("source", type=Path, help="folder of price files")
    convert.add_argument("folder", type=Path, help="where the recording goes")
    convert.add_argument("--symbols", type=int, help="keep only the N largest codes")


if __name__ == "__main__":
    sys.exit(main())
