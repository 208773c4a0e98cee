"""The best-scored names as a book: what it earns over all names, what it trades, what that costs."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import rulebook
from market.deciles import capacity, listed_cost, top_tranches


def _rows(scores, outcomes, exchange="XKRX"):
    """(sessions, names) matrices as rows."""
    scores, outcomes = np.asarray(scores, dtype=float), np.asarray(outcomes, dtype=float)
    days = pd.bdate_range("2024-01-02", periods=len(scores))
    n = scores.shape[1]
    return pd.DataFrame(
        {
            "session_date": np.repeat(days, n),
            "exchange": exchange,
            "security_id": np.tile([f"{exchange}:{i}" for i in range(n)], len(scores)),
            "score": scores.ravel(),
            "outcome": outcomes.ravel(),
        }
    )


def _free(day, exchange):
    return 0.0, 0.0


def test_a_hand_worked_book_of_halves():
    """Four names, the best two bought; on the second session one of them changes."""
    scores = [[4, 3, 2, 1], [4, 1, 3, 2], [4, 1, 3, 2]]
    outcomes = [[0.04, 0.02, 0.0, -0.02], [0.1, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    made = top_tranches(_rows(scores, outcomes), 1, n_quantiles=2, cost=lambda day, exchange: (0.001, 0.003))
    np.testing.assert_allclose(made["gross"], [0.03 - 0.01, 0.05 - 0.025, 0.0])
    np.testing.assert_allclose(made["turnover"], [1.0, 0.5, 0.0])
    np.testing.assert_allclose(made["cost"], [0.001, 0.5 * 0.001 + 0.5 * 0.003, 0.0])
    np.testing.assert_allclose(made["net"], made["gross"] - made["cost"])
    assert made["names"].tolist() == [2, 2, 2]


def test_a_tranche_is_renewed_after_its_horizon_only():
    scores = np.tile([4.0, 3.0, 2.0, 1.0], (5, 1))
    made = top_tranches(_rows(scores, np.zeros((5, 4))), 3, n_quantiles=2, cost=lambda day, exchange: (0.01, 0.01))
    np.testing.assert_allclose(made["turnover"], [1, 1, 1, 0, 0])


def test_a_korean_sale_pays_fee_and_taxes_of_its_day_and_an_american_one_the_fee():
    day = date(2024, 5, 2)
    fee = rulebook.brokerage_fee(day, "KOSPI")
    assert listed_cost(day, "XKRX") == (fee, fee + 0.0018)
    assert listed_cost(date(2025, 5, 2), "XKRX") == (fee, pytest.approx(fee + 0.0015))
    assert listed_cost(day, "XNAS") == (fee, fee)


def test_the_two_korean_boards_pay_the_same_since_2019():
    for day in pd.date_range("2019-06-03", "2026-06-01", freq="MS").date:
        assert rulebook.sell_tax(day, "KOSPI") == pytest.approx(rulebook.sell_tax(day, "KOSDAQ"))


def test_of_equal_scores_at_the_end_of_the_tenth_each_is_bought_in_part():
    made = top_tranches(_rows([[2, 1, 1, 1]] * 2, [[0.0, 0.3, 0.0, 0.0]] * 2), 1, n_quantiles=2, cost=_free)
    # two of four: the first whole, a third of each of the three that are tied
    np.testing.assert_allclose(made["gross"], 0.5 * 0.0 + 0.5 * 0.1 - 0.075)
    np.testing.assert_allclose(made["turnover"], [1.0, 0.0])
    same = top_tranches(_rows([[1, 1, 1, 1]], [[0.1, 0.3, 0.0, 0.0]]), 1, n_quantiles=2, cost=_free)
    np.testing.assert_allclose(same["gross"], 0.0, atol=1e-15)


def test_what_ran_out_is_sold_where_nothing_takes_its_place():
    rows = _rows([[4, 3, 2, 1], [4, 3, 2, 1], [4, 3, 2, 1]], np.zeros((3, 4)))
    days = sorted(rows["session_date"].unique())
    rows = rows[(rows["session_date"] != days[1]) | (rows["security_id"] == "XKRX:0")]  # one name alone has an outcome
    made = top_tranches(rows, 1, n_quantiles=2, cost=lambda day, exchange: (0.01, 0.03))
    np.testing.assert_allclose(made["cost"], [0.01, 0.03, 0.01])
    np.testing.assert_allclose(made["turnover"], [1.0, 0.0, 1.0])
    assert made["names"].tolist() == [2, 0, 2] and made["gross"].tolist() == [0, 0, 0]


def test_exchanges_are_weighed_by_their_names_and_never_ranked_together():
    small = _rows([[1.0, 2.0]], [[0.0, 0.1]], "XNAS")
    large = _rows([[4, 3, 2, 1]], [[0.0, 0.0, 0.0, 0.0]])
    made = top_tranches(pd.concat([large, small]), 1, n_quantiles=2, cost=_free)
    np.testing.assert_allclose(made["gross"], [(2 * 0.05 + 4 * 0.0) / 6])
    assert made["names"].tolist() == [3]


def test_too_few_names_and_unknown_outcomes_have_no_tranche():
    made = top_tranches(_rows([[1.0, 2.0], [1.0, np.nan]], [[0.0, 0.1], [0.1, 0.1]]), 1, n_quantiles=2, cost=_free)
    assert made["names"].tolist() == [1, 0]  # the second session sells alone what the first had bought
    assert top_tranches(_rows([[np.nan]], [[1.0]]), 1).empty


@given(st.integers(0, 1_000), st.integers(1, 6), st.integers(2, 10))
def test_turnover_is_a_part_costs_are_never_negative_and_scores_are_only_ordered(seed, horizon, n_quantiles):
    rng = np.random.default_rng(seed)
    scores, outcomes = rng.standard_normal((2, 12, 15))
    rows = _rows(scores, outcomes)
    made = top_tranches(rows, horizon, n_quantiles=n_quantiles)
    assert made["turnover"].between(-1e-12, 1 + 1e-12).all() and (made["cost"] >= -1e-15).all()
    stretched = top_tranches(rows.assign(score=np.exp(rows["score"]) * 3 - 9), horizon, n_quantiles=n_quantiles)
    pd.testing.assert_frame_equal(made, stretched)
    shuffled = top_tranches(rows.sample(frac=1, random_state=seed), horizon, n_quantiles=n_quantiles)
    pd.testing.assert_frame_equal(made, shuffled, rtol=1e-9, atol=1e-12)


@given(st.integers(0, 500), st.integers(2, 10))
def test_what_came_later_does_not_change_an_earlier_tranche(seed, cut):
    rng = np.random.default_rng(seed)
    scores, outcomes = rng.standard_normal((2, 12, 15))
    rows = _rows(scores, outcomes)
    whole = top_tranches(rows, 3, n_quantiles=5)
    until = rows[rows["session_date"] <= whole.index[cut]]
    pd.testing.assert_frame_equal(whole.iloc[: cut + 1], top_tranches(until, 3, n_quantiles=5))


def test_a_wrong_parameter_says_so():
    with pytest.raises(ValueError, match="horizon >= 1 and n_quantiles >= 2"):
        top_tranches(_rows([[1.0]], [[1.0]]), 0)


def test_the_capacity_of_a_book_is_the_money_at_which_it_buys_little_of_each_name():
    """Four names, the best two bought in halves: the less traded of them decides, a hundredth of it is half of the tranche."""
    rows = _rows([[4, 3, 2, 1]] * 3, np.zeros((3, 4)))
    traded = rows.assign(value_traded=np.tile([1e6, 1e6, 5.0, 5.0], 3))
    assert capacity(traded, 5, n_quantiles=2).to_dict() == {"XKRX": pytest.approx(0.01 * 1e6 / 0.5 * 5)}
    thin = rows.assign(value_traded=np.tile([1e6, 1e3, 5.0, 5.0], 3))
    assert capacity(thin, 1, n_quantiles=2)["XKRX"] == pytest.approx(2 * (1e1 + 0.05 * (1e4 - 1e1)))
    assert capacity(thin, 1, n_quantiles=2, participation=0.1)["XKRX"] == pytest.approx(
        10 * capacity(thin, 1, n_quantiles=2)["XKRX"]
    )


def test_the_capacity_is_of_each_exchange_and_unknown_where_no_trading_is_known():
    korea, abroad = (_rows([[4, 3, 2, 1]], np.zeros((1, 4)), name) for name in ("XKRX", "XNYS"))
    rows = pd.concat([korea.assign(value_traded=1e6), abroad.assign(value_traded=np.nan)])
    assert capacity(rows, 1, n_quantiles=2).index.tolist() == ["XKRX"]
