"""The sectors of a synthetic world's truth beside those that silver has.

What does not belong here: every other kind of truth (`bench.counted`).
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import pandas as pd

from exchange.model import MARKETS, World


def sides(world: World, rows: pd.DataFrame) -> dict[str, tuple[Iterable[Any], Iterable[Any]]]:
    """What the truth holds and what silver has: the sector of each security's first session, every other one since, and SEC's.

    Parameters
    ----------
    rows : silver.sectors as it is believed now.
    """
    ours = rows.assign(code=rows["security_id"].str[5:], day=rows["session_date"].astype(str)).sort_values(
        "session_date"
    )
    korean, american = (ours[ours["sector_scheme"] == scheme] for scheme in ("krx", "sic"))
    is_first = ~korean.duplicated("code")
    return {
        "sectors at first (code, session, industry)": (_firsts(world), _told(korean[is_first], "code", "day", "sector")),
        "sectors changed (code, session, industry)": (
            ((one["code"], one["date"], one["to"]) for one in world.truth["krx"]["sectors"]),
            _told(korean[~is_first], "code", "day", "sector"),
        ),
        "SIC (symbol, code, words)": (
            ((symbol, *one["sic"]) for symbol, one in world.truth["sec"].items()),
            _told(american, "code", "sector_code", "sector"),
        ),
    }  # fmt: skip


def _firsts(world: World) -> Iterator[tuple[str, str, str]]:
    """The first session of each security on a board that is divided, and its industry then."""
    daily, seen = world.daily, set[str]()
    for n, day in enumerate(daily.sessions):
        for at in range(int(daily.offsets[n]), int(daily.offsets[n + 1])):
            code = daily.codes[int(daily.code[at])]
            if code not in seen and MARKETS[int(daily.market[at])] != "KONEX":
                seen.add(code)
                yield code, f"{day}", _industry(world, code, day)


def _industry(world: World, code: str, day: date) -> str:
    return [industry for since, industry in world.industries[code] if since <= day][-1]


def _told(rows: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    return rows[list(names)].itertuples(index=False, name=None)
