"""Splits in time whose training labels share nothing with the test: purged walk-forward, and combinations of blocks.

What does not belong here: how a label is made (market.labels), fitting and judging (training, market.evaluation).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

Dates = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Fold:
    """One step of a walk-forward.

    Parameters
    ----------
    train, test : sorted unique session dates (datetime64[D]); every train date lies before every test date.
    label_cutoff : a training label must end before this date: the test's first date, less the embargo.
    """

    train: Dates
    test: Dates
    label_cutoff: np.datetime64

    def train_rows(self, session_dates: npt.ArrayLike, label_ends: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """(n,) which rows may be fitted: their date is a train date and their own label ends before the cutoff.

        ``session_dates`` and ``label_ends`` are (n,) dates; a label end that is NaT is later than everything.
        The second condition bites where two exchanges share a frame: one's holidays stretch its labels.
        """
        dates, ends = _days(session_dates), _days(label_ends)
        return np.isin(dates, self.train) & ~np.isnat(ends) & (ends < self.label_cutoff)

    def test_rows(self, session_dates: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """(n,) which rows are judged: their date is a test date."""
        return np.isin(_days(session_dates), self.test)


def purged_walk_forward(
    session_dates: npt.ArrayLike, *, n_folds: int, horizon: int, embargo: int, min_train: int
) -> tuple[Fold, ...]:
    """Expanding training windows, each followed by the next block of dates as its test.

    The tests are adjacent, equally long to within one date, and together reach the last date.  A train date i is kept only
    if its label, which ends ``horizon`` sessions later, ends before the test's first date less ``embargo`` sessions.

    Parameters
    ----------
    session_dates : (n,) sorted, unique session dates.
    n_folds : number of tests, at least 1.
    horizon : sessions that a label looks ahead, at least 1.
    embargo : further sessions between the end of the last training label and the test, at least 0.
    min_train : dates that the first fold trains on at least, after purging; at least 1.

    Returns
    -------
    ``n_folds`` folds, oldest first.

    Raises
    ------
    ValueError
        A parameter is out of its range, the dates are not sorted and unique, or there are too few of them.

    Source
    ------
    M. Lopez de Prado, *Advances in Financial Machine Learning* (2018), section 7.4 (purging and embargo).  Training lies
    wholly before the test here, so the embargo widens the gap before it.
    """
    dates = _days(session_dates)
    _check("purged_walk_forward", dates, n_folds=n_folds, horizon=horizon, embargo=embargo, min_train=min_train)
    gap = horizon + embargo
    first_test = min_train + gap
    if dates.size < first_test + n_folds:
        raise ValueError(
            f"purged_walk_forward: expected at least {first_test + n_folds} session dates (min_train {min_train} + horizon"
            f" {horizon} + embargo {embargo} + one for each of {n_folds} folds), was {dates.size}."
            " Give more history, or lower min_train or n_folds"
        )
    blocks = np.array_split(np.arange(first_test, dates.size), n_folds)
    return tuple(
        Fold(train=dates[: block[0] - gap], test=dates[block], label_cutoff=dates[block[0] - embargo])
        for block in blocks
    )


@dataclass(frozen=True)
class Combination:
    """One choice of test blocks out of a history; whatever does not touch them is trained on, before and after.

    Parameters
    ----------
    blocks : numbers of the test blocks, rising.
    tests : sorted unique session dates of each of them (datetime64[D]).
    dates : all session dates of the history, sorted and unique.
    horizon, embargo : sessions, as ``combinatorial_purged`` takes them.
    """

    blocks: tuple[int, ...]
    tests: tuple[Dates, ...]
    dates: Dates
    horizon: int
    embargo: int

    def train_rows(self, session_dates: npt.ArrayLike, label_ends: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """(n,) which rows may be fitted: their label ends before a block less the embargo, or they begin after its labels do.

        ``session_dates`` and ``label_ends`` are (n,) dates of all rows, those of the tests included; a NaT is later than all.
        """
        days, ends = _days(session_dates), _days(label_ends)
        allowed = ~np.isnat(ends)
        for test in self.tests:
            allowed &= self._before(ends, test) | self._after(days, ends, test)
        return allowed

    def test_rows(self, session_dates: npt.ArrayLike, number: int) -> npt.NDArray[np.bool_]:
        """(n,) which rows are judged in the test block of that place among ``blocks``."""
        return np.isin(_days(session_dates), self.tests[number])

    def _before(self, ends: Dates, test: Dates) -> npt.NDArray[np.bool_]:
        at = int(np.searchsorted(self.dates, test[0])) - self.embargo
        return ends < self.dates[at] if at >= 0 else np.zeros(ends.size, dtype=bool)

    def _after(self, days: Dates, ends: Dates, test: Dates) -> npt.NDArray[np.bool_]:
        tested = ends[np.isin(days, test) & ~np.isnat(ends)]  # a row without an end has no label, and is not judged
        last = int(np.searchsorted(self.dates, test[-1])) + self.horizon
        if tested.size:
            last = max(last, int(np.searchsorted(self.dates, tested.max())))
        at = last + self.embargo
        return days > self.dates[at] if at < self.dates.size else np.zeros(days.size, dtype=bool)


def combinatorial_purged(
    session_dates: npt.ArrayLike, *, n_blocks: int, n_test: int, horizon: int, embargo: int
) -> tuple[Combination, ...]:
    """Every choice of ``n_test`` of ``n_blocks`` adjacent blocks of dates as the test, so that each date is tested many times.

    Each block is tested in ``comb(n_blocks - 1, n_test - 1)`` combinations; the i-th time that each was makes path i.

    Parameters
    ----------
    session_dates : (n,) sorted, unique session dates.
    n_blocks : at least 3, equally long to within one date.
    n_test : blocks tested at a time, at least 1 and below ``n_blocks - 1``.
    horizon : sessions that a label looks ahead, at least 1.
    embargo : sessions between training labels and a test, and again between a test's labels and training; at least 0.

    Returns
    -------
    The combinations, in the order of their blocks.

    Raises
    ------
    ValueError
        A parameter is out of its range, the dates are not sorted and unique, or a block is not longer than horizon and
        embargo together.

    Source
    ------
    M. Lopez de Prado, *Advances in Financial Machine Learning* (2018), chapter 12.  It trains on what came later as well: a
    test of stability over many histories, not of what could have been traded.
    """
    dates = _days(session_dates)
    _check("combinatorial_purged", dates, horizon=horizon, embargo=embargo)
    if n_blocks < 3 or not 1 <= n_test < n_blocks - 1:
        raise ValueError(
            f"combinatorial_purged: expected n_blocks >= 3 and 1 <= n_test < n_blocks - 1, was {n_blocks} and {n_test}"
        )
    if dates.size < n_blocks * (horizon + embargo + 1):
        raise ValueError(
            f"combinatorial_purged: expected at least {n_blocks * (horizon + embargo + 1)} session dates (n_blocks {n_blocks}"
            f" x (horizon {horizon} + embargo {embargo} + 1)), was {dates.size}. Give more history, or lower n_blocks"
        )
    blocks = np.array_split(dates, n_blocks)
    return tuple(
        Combination(chosen, tuple(blocks[number] for number in chosen), dates, horizon, embargo)
        for chosen in combinations(range(n_blocks), n_test)
    )


def label_ends(session_dates: npt.ArrayLike, exchanges: npt.ArrayLike, horizon: int) -> Dates:
    """Date of the session at whose close each row's label is known: ``horizon`` sessions later on the row's own exchange.

    Parameters
    ----------
    session_dates : (n,) session dates, in any order.
    exchanges : (n,) exchange of each row.
    horizon : sessions that the label looks ahead, at least 1.

    Returns
    -------
    (n,) datetime64[D]; NaT where the exchange's later session is not among the rows.  Sessions are counted among the dates
    present: a hole in them makes the end later than it is, never earlier.

    Raises
    ------
    ValueError
        ``horizon`` below 1.
    """
    if horizon < 1:
        raise ValueError(f"label_ends: expected a horizon of at least 1 session, was {horizon}")
    dates = _days(session_dates)
    ends = np.full(dates.size, np.datetime64("NaT", "D"), dtype="datetime64[D]")
    codes, names = pd.factorize(np.asarray(exchanges))
    for code in range(len(names)):
        rows = np.flatnonzero(codes == code)
        own, position = np.unique(dates[rows], return_inverse=True)
        padded = np.append(own[horizon:], np.full(min(horizon, own.size), np.datetime64("NaT", "D")))
        ends[rows] = padded[position]
    return ends


def _days(dates: npt.ArrayLike) -> Dates:
    return np.asarray(pd.to_datetime(np.asarray(dates)).to_numpy().astype("datetime64[D]"))


def _check(where: str, dates: Dates, **parameters: int) -> None:
    for name, value in parameters.items():
        least = 0 if name == "embargo" else 1
        if value < least:
            raise ValueError(f"{where}: expected {name} of at least {least}, was {value}")
    if np.isnat(dates).any() or (np.diff(dates) <= np.timedelta64(0, "D")).any():
        raise ValueError(f"{where}: expected sorted unique session dates, was not; pass np.unique(dates)")
