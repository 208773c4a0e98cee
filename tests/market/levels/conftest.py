"""Shared by the tests of levels: markets drawn from a seed, with ticks, halts and unknown rows, so that a failing one is a short description."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import strategies as st

NAMES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Market:
    """Bars of a few securities laid end to end, and the spacing of round prices."""

    columns: dict[str, np.ndarray]
    step: np.ndarray
    offsets: np.ndarray

    @property
    def bars(self) -> tuple[np.ndarray, ...]:
        """What every public function begins with: open, high, low, close, volume."""
        return tuple(self.columns.values())

    def rows(self, begin: int, end: int) -> "Market":
        """The rows of one stretch as a security of their own."""
        columns = {name: column[begin:end] for name, column in self.columns.items()}
        return Market(columns, self.step[begin:end], np.array([0, end - begin]))

    def scaled(self, factor: float) -> "Market":
        prices = {name: self.columns[name] * factor for name in NAMES[:4]}
        return replace(self, columns=prices | {"volume": self.columns["volume"]}, step=self.step * factor)

    def scrambled_after(self, row: int, seed: int) -> "Market":
        """Another market from that row on, in every security."""
        other = _market(np.diff(self.offsets).tolist(), seed, 0.02, 100.0)
        is_kept = np.arange(len(self.step)) <= row
        columns = {name: np.where(is_kept, column, other.columns[name]) for name, column in self.columns.items()}
        return replace(self, columns=columns, step=np.where(is_kept, self.step, other.step))


def _market(lengths: list[int], seed: int, halted: float, tick: float) -> Market:
    rng, rows = np.random.default_rng(seed), sum(lengths)
    path = 20_000 * np.exp(np.cumsum(rng.normal(0, 0.01, (rows, 6)), axis=None)).reshape(rows, 6)
    path = np.maximum(np.round(path / tick), 1.0) * tick
    prices = [path[:, 0], path.max(axis=1, initial=0), path.min(axis=1, initial=np.inf), path[:, -1]]
    opened, high, low, close = (price.copy() for price in prices)
    volume = np.floor(np.exp(rng.normal(12, 0.7, rows)))
    is_halted = rng.random(rows) < halted
    unknown = np.where(rng.random(rows) < 0.5, 0.0, np.nan)
    for column in (opened, high, low):
        column[is_halted] = unknown[is_halted]
    volume[is_halted] = 0.0
    close[is_halted & (rng.random(rows) < 0.2)] = np.nan
    step = np.where(rng.random(rows) < 0.01, np.nan, 2_500.0)
    columns = dict(zip(NAMES, (opened, high, low, close, volume), strict=True))
    return Market(columns, step, np.concatenate(([0], np.cumsum(lengths))))


@pytest.fixture(scope="session")
def markets() -> st.SearchStrategy[Market]:
    """One to three securities of 0 to 500 sessions."""
    lengths = st.lists(st.one_of(st.integers(0, 500), st.just(400)), min_size=1, max_size=3)
    return st.builds(
        _market, lengths, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.005, 0.1]), st.sampled_from([1.0, 100.0])
    )


@pytest.fixture(scope="session")
def long_markets() -> st.SearchStrategy[Market]:
    """One security of 600 sessions: more than the lookback, twice."""
    return st.builds(
        _market, st.just([600]), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.005, 0.05]), st.just(50.0)
    )
