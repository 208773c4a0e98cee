"""What scores show is computed from them alone, and every trial counts against a result."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training import tracking, trials
from training.evaluate import walk_forward
from training.evidence import NAIVE, as_probability, discounted, shown, tranches_of
from training.model import WalkForward
from training.panel import prepare
from training.train import train


@pytest.fixture(scope="module")
def judged(small_model, panel):
    prepared = prepare("test", panel, small_model.features, small_model.label)
    return walk_forward(small_model, prepared, small_model.parameters, 7, lambda done, total, what: None)


def test_rows_hold_every_score_made_out_of_sample_once(judged, panel, small_model):
    rows = judged.rows
    assert not rows.duplicated(["security_id", "session_date"]).any()
    assert len(rows) == sum(fold.n_test_rows for fold in judged.folds)
    assert rows["session_date"].min() == pd.Timestamp(judged.folds[0].test_from)
    known = panel.set_index(["security_id", "session_date"])[small_model.label]
    keys = pd.MultiIndex.from_frame(rows[["security_id", "session_date"]])
    np.testing.assert_array_equal(rows["outcome"], known.reindex(keys))


def test_a_book_holds_what_can_be_bought_of_its_names(judged):
    rows = judged.rows
    sizes = rows[["security_id"]].assign(session_date=rows["session_date"].dt.date, size=1e9)
    found = shown(judged, tranches_of(judged), sizes)
    assert found["capacity_XKRX"] == pytest.approx(0.01 * 1e9 * 6 * judged.horizon), (
        "of sixty names six are bought, in equal parts"
    )
    assert not [name for name in shown(judged, tranches_of(judged)) if name.startswith("capacity")], "not known"


def test_a_planted_signal_leads_decays_and_earns(judged):
    found = shown(judged, tranches_of(judged))
    assert found["rank_ic_lower"] < found["rank_ic_mean"] < found["rank_ic_upper"]
    assert found["rank_ic_over_naive"] > 5 * found["rank_ic_over_naive_se"]
    # the signal is carried on by 0.9 a session: 0.59 of it is left five sessions later
    assert found["rank_ic_lag_1"] == pytest.approx(0.59 * found["rank_ic_mean"], abs=0.05)
    assert found["rank_ic_lag_1"] > found["rank_ic_lag_2"] > found["rank_ic_lag_4"]
    assert found["top_net"] == pytest.approx(found["top_gross"] - found["top_cost"])
    assert 0 < found["top_net_lower"] < found["top_net"] < found["top_net_upper"]
    assert 0 < found["top_turnover"] < 1


def test_an_order_that_is_turned_round_in_one_exchange_is_told_though_the_whole_is_good(judged):
    rows = judged.rows
    abroad = rows["security_id"].str[-1].isin(["0", "1"]).to_numpy()  # a fifth of the names
    turned = np.where(abroad, -rows["score"], rows["score"])
    found = shown(
        replace(judged, rows=rows.assign(score=turned, exchange=np.where(abroad, "XNYS", "XKRX"))), tranches_of(judged)
    )
    assert found["rank_ic_of_XKRX"] > 5 * found["rank_ic_of_XKRX_se"]
    assert found["rank_ic_of_XNYS"] < -5 * found["rank_ic_of_XNYS_se"]
    assert found["rank_ic_worst_slice_t"] == found["rank_ic_of_XNYS"] / found["rank_ic_of_XNYS_se"] < -5


def test_an_order_that_is_turned_round_in_one_third_by_size_is_told(judged):
    rows = judged.rows
    size = rows["security_id"].str[-2:].astype(float)
    sizes = rows[["security_id"]].assign(session_date=rows["session_date"].dt.date, size=size)
    turned = np.where(size < 20, -rows["score"], rows["score"])  # of sixty names
    found = shown(replace(judged, rows=rows.assign(score=turned)), tranches_of(judged), sizes)
    assert found["rank_ic_of_small"] < 0 < min(found["rank_ic_of_middle"], found["rank_ic_of_large"])
    assert found["rank_ic_worst_slice_t"] == found["rank_ic_of_small"] / found["rank_ic_of_small_se"]
    assert shown(judged, tranches_of(judged), sizes.assign(size=np.nan))["rank_ic_worst_slice_t"] > 2, (
        "not known: no slice"
    )


def test_a_slice_of_few_rows_decides_nothing(judged):
    rows = judged.rows
    few = rows["security_id"].str[-2:].isin(["00", "10", "20", "30", "40"]).to_numpy()  # a twelfth of the names
    turned = rows.assign(score=np.where(few, -rows["score"], rows["score"]), exchange=np.where(few, "XNYS", "XKRX"))
    found = shown(replace(judged, rows=turned), tranches_of(judged))
    assert "rank_ic_of_XNYS" not in found and found["rank_ic_worst_slice_t"] > 2


def test_scores_without_meaning_earn_what_they_cost(judged):
    rng = np.random.default_rng(5)
    noise = replace(judged, rows=judged.rows.assign(score=rng.standard_normal(len(judged.rows))))
    found = shown(noise, tranches_of(noise))
    assert abs(found["top_gross"]) < 0.004
    assert found["top_cost"] > 0.0015 and found["top_turnover"] > 0.8
    assert max(abs(found[f"rank_ic_lag_{lag}"]) for lag in (1, 2, 3, 4)) < 0.05


def test_the_ledger_counts_every_fit_once_failed_ones_too(small_model, panel, new_lock, tracking_uri):
    experiment, client = "ledger", tracking.client(tracking_uri)
    small_model = replace(small_model, name="ledgered", validation=WalkForward(n_folds=2, embargo=5, min_train=200))
    assert trials.ledger(client, experiment) == []
    first = train(small_model, panel, new_lock(small_model, panel), tracking_uri, experiment)
    again = train(small_model, panel, new_lock(small_model, panel), tracking_uri, experiment)
    other = train(small_model, panel, new_lock(small_model, panel, seed=8), tracking_uri, experiment)
    client.set_terminated(client.create_run(tracking.experiment_id(client, experiment)).info.run_id, "FAILED")
    assert [run.metrics["trials"] for run in (first, again, other)] == [1, 1, 2]
    found = trials.ledger(client, experiment)
    assert [one.run_id for one in found][:2] == [again.run_id, other.run_id] and len(found) == 3
    assert np.isnan(found[2].sharpe)
    matrix = trials.tranches(client, found)
    assert matrix.shape[1] == 2  # the failed run was not judged
    net = tranches_of(_again(small_model, panel))["net"]
    np.testing.assert_allclose(matrix[found[0].trial], net)


def _again(model, panel):
    prepared = prepare("test", panel, model.features, model.label)
    return walk_forward(model, prepared, model.parameters, 7, lambda done, total, what: None)


def test_more_trials_lower_what_is_believed(judged):
    net = tranches_of(judged)["net"]
    net, daily = net - net.mean() + 0.005, judged.daily - judged.daily.mean() + 0.05
    varied = [
        trials.Trial(f"{n}", f"{n}", "tuning", "", ratio, ratio, ratio)
        for n, ratio in enumerate(np.linspace(-0.3, 0.3, 50))
    ]
    none = pd.DataFrame(index=net.index)
    few, many = (discounted(daily, net, 5, some, none) for some in (varied[:1], varied))
    assert few["trials"] == 1 and many["trials"] == 50
    for name in ("deflated_sharpe", "deflated_rank_ic"):
        assert many[name] < few[name] - 0.1 and few[name] > 0.9, name
    assert np.isnan(many["overfitting_probability"]) and many["overfitting_trials"] == 0


def test_a_trial_judged_on_other_sessions_does_not_blind_the_others(judged):
    net = tranches_of(judged)["net"]
    rng = np.random.default_rng(8)
    every = pd.DataFrame({name: rng.standard_normal(len(net)) for name in "abc"}, index=net.index)
    other = every.assign(d=every["a"].iloc[:40])
    found = [discounted(judged.daily, net, 5, [], one) for one in (every, other)]
    assert found[0]["overfitting_probability"] == found[1]["overfitting_probability"]
    assert found[1]["overfitting_trials"] == 3


def test_a_lead_is_taken_on_the_rows_that_both_scored(judged):
    """A score that only tells which names the baseline knows nothing of leads nobody on the rows that both know."""
    young = judged.rows["security_id"].str[-1].isin(list("05"))
    outcome = judged.rows["outcome"] + 0.5 * young
    rows = judged.rows.assign(score=young.astype(float), outcome=outcome)
    unknown = rows.assign(**{name: rows[name].where(~young) for name in NAIVE})
    assert np.isnan(shown(replace(judged, rows=unknown), tranches_of(judged))["rank_ic_over_naive"])


def test_scores_that_are_probabilities_are_judged_as_such(small_model, panel):
    """A calibrated score of a fair game with known odds, against the same score pushed to the extremes."""
    rng = np.random.default_rng(6)
    said = rng.uniform(0.3, 0.7, 20_000)
    outcome = np.where(rng.random(20_000) < said, 0.01, -0.01)
    base = _again(small_model, panel)
    calm = as_probability(replace(base, rows=pd.DataFrame({"score": said, "outcome": outcome})))
    loud = as_probability(replace(base, rows=pd.DataFrame({"score": (said > 0.5) * 0.98 + 0.01, "outcome": outcome})))
    assert calm["calibration_error"] < 0.02 < 0.2 < loud["calibration_error"]
    assert calm["brier_skill"] > 0 > loud["brier_skill"]
    assert calm["auc"] == pytest.approx(0.615, abs=0.02) and calm["log_loss"] < loud["log_loss"]
    assert as_probability(replace(base, rows=pd.DataFrame({"score": said, "outcome": 0.01}))) == {}
