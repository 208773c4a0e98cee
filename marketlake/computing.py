"""Features computed from bars of a release, with the bits that gold has or would have held.

What does not belong here: which bars (`marketlake.reading`), the features themselves (`market.features`).
"""

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd

from market import calendars, registry
from market.errors import Permanent
from market.features import units
from market.features.catalogue import find
from market.features.definition import Feature
from market.features.engine import Program
from market.features.inputs import CALENDAR, SECTOR, inputs_of
from market.features.nodes import Expr
from market.features.parse import parse
from market.features.qlib import parse_qlib
from market.features.sections import Staged, compile_features


def feature_of(expression: str | Expr) -> Feature:
    """The expression as a feature: a name of a library, a text in our syntax or (with `$close`) in Qlib's, or an expression already.

    Raises
    ------
    Permanent
        It cannot be read, names an unknown column, looks ahead, or adds what cannot be added (a price and shares).
    """
    named = find(expression) if isinstance(expression, str) else None
    if named is not None:
        return named
    is_qlib = isinstance(expression, str) and "$" in expression
    expr = parse(str(parse_qlib(str(expression)) if is_qlib else expression), _readable())
    return Feature("value", expr, "An expression of a notebook.", units.told(units.unit_of(expr)), "ours")


def _readable() -> set[str]:
    prices = registry.table("gold.prices").public
    return {*CALENDAR, SECTOR, *(column.name for column in prices if column.type in ("float64", "int64"))}


def looks_across(feature: Feature) -> bool:
    """Whether a value hangs on the other securities of its session, so that all of them must be there."""
    return isinstance(compile_features((feature,)), Staged)


def computed(feature: Feature, rows: pd.DataFrame, sectors: pd.DataFrame | None = None) -> np.ndarray:
    """(n,) the feature on forward-adjusted bars of whole series, ordered by security and session; NaN where not known."""
    return values(compile_features((feature,)), rows, sectors)[feature.name]


def values(program: Program, rows: pd.DataFrame, sectors: pd.DataFrame | None = None) -> Mapping[str, np.ndarray]:
    """By name, each feature of the program on forward-adjusted bars of whole series, ordered by security and session.

    The same program over the same rows as gold.features_daily, so the values have equal bits.

    Raises
    ------
    Permanent
        It reads what bars do not hold: a session's stories.
    """
    if beyond := [name for name in program.inputs if name not in _readable()]:
        raise Permanent(
            "a feature computed from bars", expected=f"inputs among {', '.join(sorted(_readable()))}", found=", ".join(beyond),
            do="What headlines say is kept in gold.sentiment: read it there",
        )  # fmt: skip
    starts = np.flatnonzero(~rows["security_id"].duplicated().to_numpy())
    offsets = np.append(starts, len(rows)).astype(np.int64)
    columns = inputs_of(program, rows, sectors)
    exchanges = np.unique(rows["exchange"].to_numpy()[starts], return_inverse=True)[1]
    return program.run(
        columns, offsets, session_numbers=_session_numbers(rows), threads=os.cpu_count() or 1, keeps_state=False,
        exchanges=exchanges,
    ).values  # fmt: skip


def _session_numbers(rows: pd.DataFrame) -> np.ndarray:
    """(n,) place of each row's session in its exchange's calendar; where it jumps, a series starts anew."""
    keys = list(zip(rows["exchange"], rows["session_date"], strict=True))
    numbers = {key: calendars.session_no(*key) for key in set(keys)}
    return np.array([numbers[key] for key in keys], dtype=np.int64)
