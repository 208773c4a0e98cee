"""Champion and shadow are held against each other on the rows of both, and the one that knows more is seen to."""

import math

import numpy as np
import pandas as pd
import pytest

from tests.support.planted import HORIZON, planted
from training.comparison import compare


@pytest.fixture(scope="module")
def rows():
    """A shadow that says the planted signal, and a champion that says it with as much noise."""
    frame = planted(3, n_sessions=140)
    rng = np.random.default_rng(4)
    noisy = frame["signal"] + rng.standard_normal(len(frame))
    return pd.DataFrame(
        {"security_id": frame["security_id"], "session_date": frame["session_date"], "exchange": "XKRX",
         "champion": noisy, "shadow": frame["signal"], "outcome": frame["forward_return_5d"]}
    )  # fmt: skip


def test_the_better_one_leads_by_more_than_its_error(rows):
    found = compare(rows, HORIZON)
    assert found.sessions == 135, "the last five have no outcome yet"
    assert found.shadow.rank_ic > found.champion.rank_ic > 0
    assert found.difference == pytest.approx(found.shadow.rank_ic - found.champion.rank_ic)
    assert 0 < found.lower < found.difference < found.upper
    assert found.difference > 2 * found.standard_error
    assert found.correlation == pytest.approx(math.sqrt(0.5), abs=0.05)
    assert 0 < found.shadow.turnover < found.champion.turnover < 1, "noise is bought and sold"


def test_a_shadow_that_says_the_same_is_no_different(rows):
    found = compare(rows.assign(shadow=rows["champion"]), HORIZON)
    assert (found.difference, found.correlation) == (0.0, pytest.approx(1.0))
    assert found.shadow == found.champion


def test_only_rows_that_both_scored_count(rows):
    halved = rows.assign(shadow=rows["shadow"].where(rows["session_date"] >= "2023-04-03"))
    found = compare(halved, HORIZON)
    assert found.rows == halved.dropna().shape[0] < rows.dropna().shape[0]
    assert found.champion != compare(rows, HORIZON).champion


def test_an_interval_of_few_sessions_is_not_known(rows):
    found = compare(rows[rows["session_date"] < "2023-03-01"], HORIZON)
    assert math.isnan(found.lower) and found.sessions < found.needed == 100
    assert found.difference > 0


def test_without_a_row_nothing_is_known(rows):
    found = compare(rows.head(0), HORIZON)
    assert (found.sessions, found.rows) == (0, 0)
    assert math.isnan(found.difference) and math.isnan(found.champion.rank_ic) and math.isnan(found.shadow.turnover)
