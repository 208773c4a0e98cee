"""What a model must beat looks at nothing that was not known, and finds what is plainly there."""

import numpy as np
import pandas as pd
import pytest

from market.evaluation import session_rank_ic
from training.baselines import BASELINES, MOMENTUM_SPANS
from training.panel import prepare, session_days

HORIZON = 2


def _panel(label):
    """(sessions, names) outcomes as a prepared panel with one feature."""
    label = np.asarray(label, dtype=float)
    n = label.shape[1]
    frame = pd.DataFrame(
        {
            "security_id": np.tile([f"XKRX:{i:02d}" for i in range(n)], len(label)),
            "session_date": np.repeat(pd.bdate_range("2024-01-02", periods=len(label)), n),
            "feature": np.arange(label.size, dtype=float) % 7,
            "outcome": label.ravel(),
        }
    )
    return prepare("test", frame, ("feature",), "outcome")


def _split(panel, at):
    days = np.unique(session_days(panel))
    return session_days(panel) < days[at - HORIZON], session_days(panel) >= days[at]


def test_last_value_momentum_and_mean_by_hand():
    rising = np.outer(np.arange(40), [1.0, -1.0]) + np.array([0.0, 100.0])
    panel = _panel(rising)
    train, test = _split(panel, 30)
    first = {
        name: BASELINES[name](panel, train, test, HORIZON)[:2].tolist() for name in ("last_value", "momentum", "mean")
    }
    assert first["last_value"] == [28.0, 100.0 - 28.0]
    back = np.mean([30 - HORIZON * span for span in range(1, MOMENTUM_SPANS + 1)])
    assert first["momentum"] == [back, 100.0 - back]
    assert first["mean"] == [np.mean(np.arange(28)), 100.0 - np.mean(np.arange(28))]


def test_momentum_bears_some_unknown_outcomes_and_not_too_many():
    label = np.outer(np.arange(60.0), [1.0, -1.0])
    label[20, 0] = np.nan
    label[:30, 1] = np.nan
    panel = _panel(label)
    _, test = _split(panel, 40)
    first, second = BASELINES["momentum"](panel, test, test, HORIZON)[:2]
    back = [40 - HORIZON * span for span in range(1, MOMENTUM_SPANS + 1) if 40 - HORIZON * span != 20]
    assert first == np.mean(back) and np.isnan(second)


def test_linear_finds_a_line_and_its_sign():
    rng = np.random.default_rng(2)
    feature = rng.standard_normal((60, 30))
    panel = _panel(-feature + 0.1 * rng.standard_normal((60, 30)))
    panel["feature"] = feature.ravel()
    train, test = _split(panel, 40)
    scores = BASELINES["linear"](panel, train, test, HORIZON)
    judged = panel[test]
    assert session_rank_ic(scores, judged["label"], session_days(judged), judged["exchange"]).mean() > 0.95


@pytest.mark.parametrize("name", BASELINES)
def test_no_baseline_looks_at_an_outcome_that_was_not_known(name):
    """Outcomes from the judged session on, and those that reach into it, may be anything."""
    rng = np.random.default_rng(3)
    label = rng.standard_normal((60, 8))
    panel = _panel(label)
    train, test = _split(panel, 40)
    first = np.flatnonzero(session_days(panel[test]) == session_days(panel[test])[0])
    before = BASELINES[name](panel, train, test, HORIZON)[first]
    poisoned = label.copy()
    poisoned[40 - HORIZON + 1 :] = 99.0  # the outcome of session 38 is known at session 40, that of 39 is not
    after = BASELINES[name](_panel(poisoned), train, test, HORIZON)[first]
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", BASELINES)
def test_a_security_without_a_past_has_no_score_or_a_neutral_one(name):
    panel = _panel(np.random.default_rng(4).standard_normal((60, 6)))
    born = (panel["security_id"] != "XKRX:05") | (session_days(panel) >= np.unique(session_days(panel))[40])
    panel = panel[born].reset_index(drop=True)
    train, test = _split(panel, 40)
    scores = BASELINES[name](panel, train, test, HORIZON)
    assert scores.shape == (test.sum(),)
    if name != "linear":
        assert np.isnan(scores[(panel["security_id"][test] == "XKRX:05").to_numpy()][0])
