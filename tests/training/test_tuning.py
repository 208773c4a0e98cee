"""A search is judged by the walk-forward, counts every trial, and is not fooled by its own choosing."""

from dataclasses import replace

import pytest

from market.overfitting import probabilistic_sharpe
from training import tracking
from training.model import Stopping, WalkForward
from training.trials import ledger, trial_of
from training.tuning import tune

QUICK = WalkForward(n_folds=2, embargo=5, min_train=120)


@pytest.fixture(scope="module")
def quick(small_model):
    return replace(small_model, name="quick", validation=QUICK)


def _tuned(model, frame, lock, uri, n_trials, experiment, told=None):
    report = (lambda *step: told.append(step)) if told is not None else (lambda *step: None)
    return tune(model, frame, lock, uri, experiment, n_trials, report)


def test_the_declared_parameters_come_first_and_nothing_worse_is_chosen(quick, panel, new_lock, tracking_uri):
    told = []
    found = _tuned(quick, panel, new_lock(quick, panel), tracking_uri, 4, "tuning", told)
    assert dict(found.tried[0].parameters) == dict(quick.parameters)
    assert found.best.rank_ic == max(one.rank_ic for one in found.tried) >= found.tried[0].rank_ic
    assert found.trials == 4 and [step[:2] for step in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for one in found.tried[1:]:
        for name, (low, high, _) in quick.algorithm.search.items():
            assert low <= one.parameters[name] <= high


def test_a_search_goes_on_where_it_was_and_counts_no_trial_twice(quick, panel, new_lock, tracking_uri):
    lock = new_lock(quick, panel)
    first = _tuned(quick, panel, lock, tracking_uri, 2, "broken off")
    whole = _tuned(quick, panel, lock, tracking_uri, 3, "broken off")
    assert [one.known for one in whole.tried] == [True, True, False]
    assert [one.run_id for one in whole.tried[:2]] == [one.run_id for one in first.tried]
    assert len(ledger(tracking.client(tracking_uri), "broken off")) == 3


def test_what_is_found_is_discounted_by_the_whole_search(quick, new_panel, new_lock, tracking_uri):
    """Also where the declared parameters win, which were judged when nothing else had been tried."""
    weak = new_panel(31, strength=0.05)
    found = _tuned(quick, weak, new_lock(quick, weak), tracking_uri, 5, "weak")
    runs = tracking.client(tracking_uri)
    counted = [runs.get_run(one.run_id).data.metrics["trials"] for one in found.tried]
    assert counted == [1, 2, 3, 4, 5] and found.trials == 5
    by_itself = probabilistic_sharpe(tracking.daily_rank_ic(runs, found.best.run_id), overlap=quick.horizon)
    assert found.deflated_rank_ic < by_itself
    assert 0 <= found.overfitting_probability <= 1


def test_another_rule_of_stopping_is_another_trial_and_more_threads_are_none(quick, panel, new_lock):
    lock = new_lock(quick, panel)
    assert trial_of(quick, lock) != trial_of(replace(quick, stopping=Stopping()), lock)
    threads = replace(lock, parameters={**lock.parameters, "nthread": 2})
    assert trial_of(quick, lock) == trial_of(quick, threads)
