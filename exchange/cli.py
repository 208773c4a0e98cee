"""The exchange's commands as functions: serve, truth, sentences, convert. Any command line may call them.

What does not belong here: parsing arguments (exchange.__main__).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from exchange.pace import REAL_PACE
from exchange.recorded.convert import Conversion
from exchange.recorded.convert import convert as convert_folder
from exchange.server import HOST, make_exchange, run
from exchange.synthetic import labelled
from exchange.worlds import open_world
from market.errors import Permanent

DEFAULT_WORLD, DEFAULT_PORT = "synthetic:7", 8899


def serve(
    world: str = DEFAULT_WORLD,
    *,
    port: int = DEFAULT_PORT,
    faults: Iterable[str] = (),
    symbols: int | None = None,
    us_symbols: int | None = None,
    sessions: int | None = None,
    real_pace: bool = False,
    plain_numbers: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Serve a world until interrupted.

    Raises
    ------
    Permanent : an unknown world or fault, or a port that is taken.
    """
    opened = open_world(world, symbols=symbols, us_symbols=us_symbols, sessions=sessions)
    pace = REAL_PACE if real_pace else None
    exchange = make_exchange(opened, faults=list(faults), pace=pace, krx_commas=not plain_numbers)
    daily = opened.daily
    say(
        f"exchange serves {opened.name} at http://{HOST}:{port}: {len(daily.codes)} Korean and {len(opened.charts)} US "
        f"symbols, {len(daily.sessions)} sessions {daily.sessions[0]} to {daily.sessions[-1]}"
    )
    run(exchange, port)


def truth(
    world: str = DEFAULT_WORLD,
    *,
    symbols: int | None = None,
    us_symbols: int | None = None,
    sessions: int | None = None,
) -> str:
    """The known truth of a world as JSON text; for tests, no client may read it."""
    opened = open_world(world, symbols=symbols, us_symbols=us_symbols, sessions=sessions)
    return json.dumps(opened.truth, ensure_ascii=False, indent=1)


def sentences(world: str = DEFAULT_WORLD) -> str:
    """Headlines that the desk of a synthetic world has labelled, as CSV text with the columns text and label.

    Raises
    ------
    Permanent : the world is a recording, which has no desk.
    """
    kind, _, seed = world.partition(":")
    if kind != "synthetic" or not seed.isdigit():
        raise Permanent(f"world {world}", expected="synthetic:SEED, which has labelled headlines", found=kind)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("text", "label"), *labelled.sentences(int(seed))])
    return text.getvalue()


def convert(source: Path, folder: Path, *, symbols: int | None = None) -> Conversion:
    """Make a recording in ``folder`` from the price files in ``source``; the result prints its counts."""
    return convert_folder(source, folder, symbols=symbols)
