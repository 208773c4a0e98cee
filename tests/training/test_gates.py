"""Gates compare what was logged and say their numbers; what is not known does not pass."""

import pytest

from training.gates import GATES, judge

GOOD = {"rank_ic_mean": 0.05, "rank_ic_se": 0.01}
COMMON_GOOD = {**GOOD, "rank_ic_common": 0.05}


def _verdicts(challenger, champion):
    return {outcome.gate: outcome.passed for outcome in judge(GATES, challenger, champion)}


@pytest.mark.parametrize(
    ("challenger", "champion", "expected"),
    [
        (GOOD, None, {"signal": True, "not_worse": True}),
        ({"rank_ic_mean": 0.02, "rank_ic_se": 0.01}, None, {"signal": False, "not_worse": True}),
        ({"rank_ic_mean": -0.05, "rank_ic_se": 0.01}, None, {"signal": False, "not_worse": True}),
        (COMMON_GOOD, {"rank_ic_common": 0.0549}, {"signal": True, "not_worse": True}),
        (COMMON_GOOD, {"rank_ic_common": 0.0560}, {"signal": True, "not_worse": False}),
        ({"rank_ic_mean": 0.05, "rank_ic_common": 0.05}, COMMON_GOOD, {"signal": False, "not_worse": True}),
        ({**COMMON_GOOD, "rank_ic_se": float("nan")}, COMMON_GOOD, {"signal": False, "not_worse": True}),
        (GOOD, {"rank_ic_mean": 0.0}, {"signal": True, "not_worse": False}),
    ],
)
def test_each_gate_passes_exactly_what_it_says(challenger, champion, expected):
    assert _verdicts(challenger, champion) == expected


def test_the_reason_holds_the_numbers():
    (signal, _) = judge(GATES, {"rank_ic_mean": 0.015, "rank_ic_se": 0.01}, None)
    assert signal.reason == ("signal refused: rank_ic_mean 0.01500, needs > 0.02000 (zero +2 x rank_ic_se 0.01000)")
