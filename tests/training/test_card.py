"""A card says what happened, and what speaks against a version; it hides nothing and makes nothing up."""

import math
from dataclasses import replace

import pytest

from market.exports import CARD
from training import tracking
from training.card import weaknesses
from training.train import train

GOOD = {
    "rank_ic_lower": 0.02,
    "rank_ic_sessions": 165.0,
    "rank_ic_over_linear": 0.01,
    "rank_ic_over_linear_se": 0.004,
    "top_net": 0.002,
    "deflated_sharpe": 0.97,
    "trials": 3.0,
    "rank_ic_worst_fold": 0.01,
    "path_rank_ic_worst": 0.01,
}


def test_a_version_without_fault_has_the_weaknesses_of_all(small_model):
    assert len(weaknesses(GOOD, [])) == 3


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rank_ic_lower": -0.01}, "reaches down to -0.0100"),
        ({"rank_ic_lower": math.nan, "rank_ic_sessions": 32.0}, "Only 32 sessions were judged"),
        ({"rank_ic_over_linear": 0.007}, "Not shown to be better than a straight line"),
        ({"rank_ic_over_linear": math.nan}, "Not shown to be better than a straight line"),
        ({"top_net": -0.001}, "loses after costs (-0.1000% per tranche)"),
        ({"top_net": math.nan}, "loses after costs"),
        ({"deflated_sharpe": 0.5}, "may be luck (probability 0.50 that it is none, discounted by 3 trials)"),
        ({"rank_ic_worst_fold": -0.02}, "One fold had a rank IC of -0.0200"),
        ({"path_rank_ic_worst": -0.02}, "One path through the blocks"),
    ],
)
def test_each_weakness_is_said_with_its_number(changed, said):
    first, *rest = weaknesses(GOOD | changed, [])
    assert said in first and len(rest) == 3


def test_the_card_of_a_run_has_its_folds_numbers_and_features(small_model, panel, new_lock, tracking_uri):
    carded = replace(small_model, name="carded")
    trained = train(
        carded, panel, new_lock(carded, panel), tracking_uri, "cards", accused=["universe: 3 of 60 names are missing"]
    )
    told = tracking.artifact(tracking.client(tracking_uri), trained.run_id, CARD).decode()
    assert told.startswith("# carded\n\nFinds the planted signal")
    assert told.count("| 2023-01-02 to ") == 3  # folds
    assert f"{trained.metrics['rank_ic_mean']:+.4f}, error {trained.metrics['rank_ic_se']:.4f}" in told
    assert "| `signal` | 9" in told  # nine tenths of the gain
    assert "- Leak court: universe: 3 of 60 names are missing." in told
    assert "paths through blocks | not known, worst not known" in told
