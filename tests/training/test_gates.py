"""Gates compare what was logged and say their numbers; what is not known does not pass."""

import pytest

from training.gates import GATES, PROBABILITY_GATES, judge

GOOD = {
    "leaks": 0,
    "rank_ic_mean": 0.05,
    "rank_ic_bar": 0.02,
    "deflated_rank_ic": 0.99,
    "rank_ic_over_naive": 0.02,
    "rank_ic_over_naive_se": 0.01,
    "rank_ic_over_linear": -0.01,
    "rank_ic_over_linear_se": 0.006,
    "replay_differs": 0,
    "rank_ic_worst_slice_t": 0.5,
    "sessions_behind": 3,
}
COMMON_GOOD = {**GOOD, "rank_ic_common": 0.05}


@pytest.mark.parametrize(
    ("changed", "champion", "refused"),
    [
        ({}, None, set()),
        ({"rank_ic_mean": 0.02}, None, {"signal"}),
        ({"rank_ic_mean": -0.05}, None, {"signal"}),
        ({"rank_ic_bar": float("nan")}, COMMON_GOOD, {"signal"}),
        ({"rank_ic_bar": None}, COMMON_GOOD, {"signal"}),
        ({"rank_ic_bar": 0.0}, COMMON_GOOD, {"signal"}),
        ({"deflated_rank_ic": 0.94}, None, {"beyond_trials"}),
        ({"rank_ic_over_naive": 0.01}, None, {"beats_naive"}),
        ({"leaks": 1}, None, {"no_leak"}),
        ({"leaks": None}, None, {"no_leak"}),
        ({"rank_ic_over_naive": 0.0}, None, {"beats_naive"}),
        ({"rank_ic_over_naive": None}, None, {"beats_naive"}),
        ({"rank_ic_over_linear": -0.0121}, None, {"holds_against_linear"}),
        ({"rank_ic_over_linear": 0.01}, None, set()),
        ({"rank_ic_worst_slice_t": -1.9}, None, set()),
        ({"rank_ic_worst_slice_t": -2.0}, None, {"holds_in_slices"}),
        ({"rank_ic_worst_slice_t": None}, None, {"holds_in_slices"}),
        ({"replay_differs": 1}, None, {"replays"}),
        ({"replay_differs": None}, None, {"replays"}),
        ({"sessions_behind": 20}, None, set()),
        ({"sessions_behind": 21}, None, {"fresh"}),
        ({"sessions_behind": None}, None, {"fresh"}),
        ({}, {"rank_ic_common": 0.0549}, set()),
        ({}, {"rank_ic_common": 0.0560}, {"not_worse"}),
        ({"rank_ic_common": None}, {"rank_ic_mean": 0.0}, {"not_worse"}),
    ],
)
def test_each_gate_refuses_exactly_what_it_says(changed, champion, refused):
    challenger = {name: value for name, value in (COMMON_GOOD | changed).items() if value is not None}
    assert {outcome.gate for outcome in judge(GATES, challenger, champion) if not outcome.passed} == refused


def test_the_reason_holds_the_numbers():
    (_, signal, *_) = judge(GATES, {"rank_ic_mean": 0.015, "rank_ic_bar": 0.02}, None)
    assert signal.reason == ("signal refused: rank_ic_mean 0.01500, needs > 0.02000 (zero +1 x rank_ic_bar 0.02000)")


@pytest.mark.parametrize(("error", "refused"), [(0.05, []), (0.051, ["calibrated"]), (None, ["calibrated"])])
def test_a_probability_comes_true_about_as_often_as_it_says(error, refused):
    metrics = GOOD | ({} if error is None else {"calibration_error": error})
    assert [outcome.gate for outcome in judge(PROBABILITY_GATES, metrics, None) if not outcome.passed] == refused
