"""The indicators of volume analysis: against their sources written in pandas, and counted by hand."""

import numpy as np
import pandas as pd
import pytest

from market.features.indicators.volume_analysis import FEATURES
from market.features.sections import compile_features

PROGRAM = compile_features(FEATURES)


def days(p: pd.DataFrame, side: int) -> pd.Series:
    is_one = (side * p.close.pct_change() >= 0.002) & (p.volume.diff() > 0)
    return is_one.astype(float).where(p.close.shift().notna()).rolling(25).sum()


def surprise(p: pd.DataFrame) -> pd.Series:
    volume = np.log(p.volume.where(p.volume > 0))
    centre = volume.rolling(60, min_periods=40).median()
    spread = (volume - centre).abs().rolling(60, min_periods=40).median()
    return (volume - centre.shift()) / (1.4826 * spread.shift())


PANDAS = {
    "accumulation_days_25": lambda p: days(p, 1),
    "distribution_days_25": lambda p: days(p, -1),
    "volume_surprise_60": surprise,
}


def found(prices: pd.DataFrame) -> dict[str, np.ndarray]:
    columns = {name: prices[name].to_numpy() for name in prices}
    return PROGRAM.run(columns, np.array([0, len(prices)])).values


def walk(halted: bool) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    close = 1e4 * np.exp(np.cumsum(rng.normal(0, 0.01, 300)))
    volume = np.floor(np.exp(rng.normal(12, 0.5, 300)))
    if halted:
        volume[rng.random(300) < 0.05] = 0.0
    return pd.DataFrame({"close": close, "volume": volume})


@pytest.mark.parametrize("halted", [False, True])
@pytest.mark.parametrize("name", PANDAS)
def test_agrees_with_the_source_written_in_pandas(name: str, halted: bool) -> None:
    prices = walk(halted)
    np.testing.assert_allclose(found(prices)[name], PANDAS[name](prices), rtol=1e-9, atol=1e-9)


def test_every_one_is_held_against_something() -> None:
    assert set(PANDAS) == {feature.name for feature in FEATURES}


def test_days_are_counted_by_move_and_volume_by_hand() -> None:
    close, volume = np.full(30, 1000.0), np.full(30, 100.0)
    close[26:] = [1002.0, 1004.5, 1002.0, 1001.0]  # +0.2 %, +0.25 %, -0.25 %, -0.1 %
    volume[26:] = [101.0, 101.0, 102.0, 103.0]  # more, as much, more, more
    values = found(pd.DataFrame({"close": close, "volume": volume}))
    assert values["accumulation_days_25"][25:].tolist() == [0.0, 1.0, 1.0, 1.0, 1.0]
    assert values["distribution_days_25"][25:].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]


def test_a_volume_of_its_median_is_no_surprise_and_a_halt_has_none() -> None:
    volume = np.tile([90.0, 100.0, 110.0], 40)
    volume[100], volume[105] = 0.0, 10_000.0
    values = found(pd.DataFrame({"close": np.full(120, 1000.0), "volume": volume}))["volume_surprise_60"]
    assert np.isnan(values[100]) and values[103] == 0.0 and values[105] > 10
    assert np.isnan(values[:40]).all()
