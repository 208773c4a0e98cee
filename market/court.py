"""The leak court: a row that says it was known at an instant has the value that the facts known by then give, or it looks ahead.

How it works: 1 the computation runs over the facts known by an instant, then over all facts; 2 again over those of the instant (so
that what it remembers is noticed), and over all facts with the numbers of those known later scrambled; 3 rows that say they were
known by that instant must be there in both, with equal bits. One rule catches a shifted label, a window that is centred, a z-score
of the whole sample, a price adjusted to today, an amended filing told as the original and news that came late alike, for all of
them claim to have known what came after.

What it cannot see: anything that was fitted or chosen outside of the computation, a list of survivors in its code or a scaler made
before. What does not belong here: the computations (`market.features`), whether a value is any good.

Source: the prefix and the poison test are ours; what they are after is called leakage in S. Kaufman, S. Rosset, C. Perlich, Leakage in Data
Mining, KDD 2011.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd

from market.errors import Permanent

Facts = Mapping[str, pd.DataFrame]
"""Tables by name, each with `known_at`."""
Computation = Callable[[Facts], pd.DataFrame]
"""From facts to rows with a key, `known_at` and float columns."""

KNOWN_AT = "known_at"


@dataclass(frozen=True)
class Leak:
    """One row that knew too much.

    Parameters
    ----------
    test : `prefix`: the later facts were not there; `poison`: they were other ones.
    instant : by which the row says it was known.
    key, column : of the row; column is empty where the row itself came or went.
    known, then : its value with all facts, and with those of the instant.
    """

    test: Literal["prefix", "poison"]
    instant: datetime
    key: tuple[object, ...]
    column: str
    known: float
    then: float

    def __str__(self) -> str:
        what = f"{self.column} was {self.then:.10g} and is {self.known:.10g}" if self.column else "it came or went"
        return f"{' '.join(map(str, self.key))}, known by {self.instant:%Y-%m-%d %H:%M}: {what} ({self.test})"


def judged(
    compute: Computation, facts: Facts, key: Sequence[str], instants: Sequence[datetime], seed: int = 0
) -> list[Leak]:
    """The leaks of a computation, the first of each test, instant and column; none: it never looked ahead on these facts.

    Parameters
    ----------
    compute : rows of its own making; the facts that it is given are copies, and whatever it fits it must fit to them.
    key : columns that name a row of its result.
    instants : at which it is tried, at least one.

    Raises
    ------
    Permanent
        Facts or rows without `known_at`, or rows that repeat their key.
    """
    for name, rows in facts.items():
        if KNOWN_AT not in rows:
            raise Permanent(f"facts {name}", expected="a column known_at", found=f"{list(rows)}")
    early = {name: rows[rows[KNOWN_AT] <= instants[0]] for name, rows in facts.items()}
    fresh = _rows(compute, early, key)  # before it has seen anything else
    whole = _rows(compute, facts, key)
    found = _differing("prefix", instants[0], whole, fresh)
    for instant in instants:
        tests: dict[Literal["prefix", "poison"], Facts] = {
            "prefix": {name: rows[rows[KNOWN_AT] <= instant] for name, rows in facts.items()},
            "poison": {name: _scrambled(rows, instant, seed) for name, rows in facts.items()},
        }
        for test, told in tests.items():
            found += _differing(test, instant, whole, _rows(compute, told, key))
    return found


def _rows(compute: Computation, facts: Facts, key: Sequence[str]) -> pd.DataFrame:
    made = compute({name: rows.copy().reset_index(drop=True) for name, rows in facts.items()})
    if KNOWN_AT not in made or made.duplicated(list(key)).any():
        raise Permanent(
            "the computation", expected=f"rows with known_at, once for each {', '.join(key)}", found=f"{list(made)}"
        )
    return made.set_index(list(key)).sort_index()


def _scrambled(rows: pd.DataFrame, instant: datetime, seed: int) -> pd.DataFrame:
    """The rows, floats of those known after the instant changed to what they never were: times 2 to 9 and one more, some negative.

    Whole numbers, text and dates stay: they name rows and order them.
    """
    later = (rows[KNOWN_AT] > instant).to_numpy()
    changed = rows.copy()
    rng = np.random.default_rng(seed)
    for name in rows.select_dtypes("float"):
        values = rows[name].to_numpy(dtype=np.float64, na_value=np.nan).copy()
        factor = rng.uniform(2.0, 9.0, len(values)) * np.where(rng.random(len(values)) < 0.2, -1.0, 1.0)
        values[later] = np.where(np.isnan(values), 1.0, values)[later] * factor[later] + 1.0
        changed[name] = values
    return changed


def _differing(
    test: Literal["prefix", "poison"], instant: datetime, whole: pd.DataFrame, then: pd.DataFrame
) -> list[Leak]:
    """Rows known by the instant that were not so then; a row of then that is told anew since, with a later known_at, may differ."""
    left, right = (rows[rows[KNOWN_AT] <= instant].drop(columns=KNOWN_AT) for rows in (whole, then))
    alone = left.index.difference(right.index).union(right.index.difference(whole.index))
    found = [Leak(test, instant, _key(alone[0]), "", np.nan, np.nan)] if len(alone) else []
    both = left.index.intersection(right.index)
    for name in left.columns:
        ours, theirs = (rows.loc[both, name].to_numpy(dtype=np.float64) for rows in (left, right))
        differs = np.flatnonzero(~((ours == theirs) | (np.isnan(ours) & np.isnan(theirs))))
        if len(differs):
            at = differs[0]
            found.append(Leak(test, instant, _key(both[at]), name, float(ours[at]), float(theirs[at])))
    return found


def _key(at: object) -> tuple[object, ...]:
    return at if isinstance(at, tuple) else (at,)
