"""Opens a world by its name. What does not belong here: how worlds are made (exchange.synthetic, exchange.recorded)."""

from __future__ import annotations

from pathlib import Path

from exchange.model import World
from exchange.recorded.reader import read
from exchange.synthetic.build import N_SESSIONS, N_SYMBOLS, N_US_SYMBOLS, build
from market.errors import Permanent

_HOW = "Use synthetic:SEED (such as synthetic:7) or recorded:FOLDER (made by `exchange convert`)."


def open_world(
    world: str, *, symbols: int | None = None, us_symbols: int | None = None, sessions: int | None = None
) -> World:
    """The world called ``synthetic:SEED`` or ``recorded:FOLDER``, cut to some symbols and sessions if asked.

    Raises
    ------
    Permanent : a name of neither form, a count below one, or a folder that holds no recording.
    """
    kind, _, rest = world.partition(":")
    for name, count in (("symbols", symbols), ("sessions", sessions)):
        if count is not None and count < 1:
            raise Permanent(f"world {world}", expected=f"{name} of at least 1", found=str(count))
    if kind == "synthetic" and rest.isdigit():
        return build(
            int(rest),
            N_SYMBOLS if symbols is None else symbols,
            N_US_SYMBOLS if us_symbols is None else us_symbols,
            N_SESSIONS if sessions is None else sessions,
        )
    if kind == "recorded" and rest:
        return read(Path(rest), symbols=symbols, sessions=sessions)
    raise Permanent("world", expected="synthetic:SEED or recorded:FOLDER", found=repr(world), do=_HOW)
