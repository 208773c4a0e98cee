"""Verdicts follow from the bounds, which the training itself may widen; too little is not judged."""

import numpy as np
import pandas as pd
import pytest

from market.drift import Reference
from training.drift import LIVE, decay, shifts, worst, worst_first

PROMISED = {"rank_ic_mean": 0.05, "rank_ic_lower": 0.03, "rank_ic_sessions": 300.0}


def daily(mean: float, n: int = LIVE) -> pd.Series:
    noise = np.random.default_rng(2).standard_normal(n)
    return pd.Series(mean + 0.02 * (noise - noise.mean()))


@pytest.mark.parametrize(("mean", "verdict"), [(0.06, "steady"), (0.049, "steady"), (0.04, "moved"), (0.0, "drifted")])
def test_decay_is_judged_by_the_upper_end_of_the_live_interval(mean, verdict):
    found = decay(daily(mean), PROMISED, 5)
    assert found.verdict == verdict and found.lower < mean < found.upper
    assert (found.n_reference, found.n_current) == (300, LIVE)


def test_what_a_champion_did_long_ago_does_not_hide_what_it_does_now():
    history = pd.concat([daily(0.2, 400), daily(0.0)], ignore_index=True)
    assert decay(history, PROMISED, 5).verdict == "drifted"


def test_too_few_sessions_and_nothing_promised_are_not_judged():
    assert decay(daily(-0.5, 19), PROMISED, 5).verdict == "unknown"
    found = decay(daily(0.0), {"rank_ic_mean": None}, 5)
    assert found.verdict == "unknown" and "the walk-forward had not known" in found.found


def test_a_training_that_moved_itself_widens_the_bounds():
    rng = np.random.default_rng(0)
    sessions = np.repeat(np.arange(200), 50)
    noise, wave = rng.standard_normal(sessions.size), 2.0 * np.sin(sessions / 10.0)
    now = 1.5 + rng.standard_normal(1_000)
    calm, wild = (Reference.of(values, sessions, 20) for values in (noise, noise + wave))
    (psi, ks), (wild_psi, _) = (shifts("x", one, now, 20, 10) for one in (calm, wild))
    assert (psi.verdict, psi.moved_at, psi.drifted_at, ks.verdict) == ("drifted", 0.1, 0.25, "moved")
    assert wild_psi.moved_at == wild_psi.drifted_at == wild.usual_psi > 0.25 and wild_psi.verdict == "steady"


def test_the_nearest_to_its_bound_comes_first_within_a_verdict():
    def row(value, verdict):
        return {"metric": "psi", "value": value, "moved_at": 0.1, "verdict": verdict}

    rows = [row(0.02, "steady"), row(0.3, "drifted"), row(None, "unknown"), row(0.15, "moved"), row(0.5, "drifted")]
    assert [one["value"] for one in worst_first(rows)] == [0.5, 0.3, 0.15, None, 0.02]
    assert worst(rows) == "drifted" and worst(rows[:1]) == worst([]) == "steady"
