"""Rows that lie about their outcomes, leave names out or know corrections too early are named."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.support.planted import HORIZON
from training.witnesses import against

FACTOR = 0.5


@pytest.fixture(scope="module")
def world():
    """Twelve names over forty sessions: their prices, one of them split, and the frame that is made of them."""
    rng = np.random.default_rng(1)
    days = pd.bdate_range("2024-01-02", periods=40)
    close = 100 * np.exp(0.02 * rng.standard_normal((40, 12)).cumsum(axis=0))
    factor = np.ones((40, 12))
    factor[20:, 3] = FACTOR
    names = [f"XKRX:{i:06d}" for i in range(12)]
    keys = {"security_id": np.tile(names, 40), "session_date": np.repeat(days, 12), "exchange": "XKRX"}
    prices = pd.DataFrame({**keys, "close": (close * factor).ravel(), "cumulative_factor": factor.ravel()})
    label = np.full((40, 12), np.nan)
    label[:-HORIZON] = close[HORIZON:] / close[:-HORIZON] - 1
    noise = {name: rng.standard_normal(480) for name in ("signal", "noise_a", "noise_b")}
    frame = pd.DataFrame({**keys, "forward_return_5d": label.ravel(), **noise})
    frame["session_date"] = frame["session_date"].dt.date  # as the lake hands it out
    at = pd.to_datetime(frame["session_date"]).dt.tz_localize("UTC")
    known = frame[["security_id", "session_date"]].assign(
        features_known_at=at + pd.Timedelta("1D"), label_known_at=at + pd.Timedelta("8D")
    )
    return frame, prices, known[frame["forward_return_5d"].notna()], frame.head(240)


def test_nothing_is_said_against_honest_rows_a_split_among_them(small_model, world):
    assert against(small_model, *world) == []


@pytest.mark.parametrize("shift", [-1, 1, 5])
def test_a_label_of_other_sessions_is_found(small_model, world, shift):
    frame, prices, known, again = world
    moved = frame.assign(forward_return_5d=frame.groupby("security_id")["forward_return_5d"].shift(shift))
    (told,) = against(small_model, moved, prices, known, again)
    assert told.startswith("label: ") and "XKRX:" in told


def test_a_horizon_that_is_not_the_labels_is_found(small_model, world):
    (told,) = against(replace(small_model, horizon=1), *world)
    assert "not the return over the next 1 sessions" in told


def test_a_label_of_unadjusted_prices_is_found(small_model, world):
    frame, prices, known, again = world
    (told,) = against(small_model, frame, prices.assign(cumulative_factor=1.0), known, again)
    assert told.startswith(f"label: {HORIZON} of ") and "XKRX:000003" in told


def test_a_universe_of_today_is_found(small_model, world):
    frame, prices, known, again = world
    gone = (prices["security_id"] == "XKRX:000007") & (prices["session_date"] > "2024-02-01")
    left_out = frame[frame["security_id"] != "XKRX:000007"]
    (told,) = against(small_model, left_out, prices[~gone], known, again)
    assert told == "universe: 1 of 12 names with prices are left out, 1 of them gone since: XKRX:000007"


def test_corrected_values_in_place_of_the_first_are_found_and_a_few_corrections_are_none(small_model, world):
    frame, prices, known, again = world
    later = known["features_known_at"] + pd.Timedelta("300D")

    def corrected(share):
        rows = np.arange(len(known)) < share * len(known)
        return known.assign(features_known_at=known["features_known_at"].where(~rows, later))

    (told,) = against(small_model, frame, prices, corrected(0.05), again)
    assert told.startswith("hindsight: 21 of 420 labelled rows") and "known 2024-10-29" in told
    assert against(small_model, frame, prices, corrected(0.009), again) == []


def test_a_feature_that_holds_the_future_is_found_and_one_that_is_not_known_yet_is_none(small_model, world):
    frame, prices, known, again = world
    leaking = frame.assign(signal=frame.groupby("security_id")["signal"].shift(-1))
    (told,) = against(small_model, leaking, prices, known, again)
    assert told.startswith("future: signal has another value in 240 of 240 rows")
    empty = frame.assign(signal=np.nan)
    assert against(small_model, empty, prices, known, empty.head(240)) == []
