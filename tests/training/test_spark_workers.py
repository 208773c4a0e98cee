"""Trees by several workers on Spark: equal bits from equal numbers of workers, anywhere; of one process's within a tolerance."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import lake.spark
from assets.learning import launch
from lake.lake import Lake
from lake.settings import Settings
from market.errors import Permanent, Transient
from tests.support.planted import planted
from tests.support.spark_cluster import spark_cluster
from training.distributed import Launch
from training.evaluate import walk_forward
from training.gradient_boosting import load
from training.model import Stopping
from training.panel import prepare
from training.spark_workers import _laid

RANK_IC, RANKS = 0.01, 0.99
"""The tolerance, docs/evaluation.md: between rank ICs out of sample; least rank correlation between predictions."""


@pytest.fixture(scope="module")
def small(small_model):
    return replace(small_model, parameters={"n_rounds": 20, "max_depth": 3})


@pytest.fixture(scope="module")
def world():
    return planted(seed=3)


@pytest.fixture(scope="module")
def threads(tmp_path_factory):
    """A lake whose Spark is two threads of this process."""
    lake.spark.stop()
    yield Lake(settings(tmp_path_factory.mktemp("threads"), "local[2]"))
    lake.spark.stop()


@pytest.fixture(scope="module")
def two(small, threads):
    return small.launched(launch(threads))


@pytest.fixture(scope="module")
def fitted(two, world):
    return two.fit(world, seed=7)


def settings(folder, master, **more):
    return Settings(
        lake_url=str(folder / "lake"), state_dir=folder / "var", spark_master=master, _env_file=None, **{"training_workers": 2, **more}
    )  # fmt: skip


def rank_ic(model, world):
    panel = prepare("model", world, model.features, model.label)
    found = walk_forward(model, panel, model.parameters, 7, lambda done, total, what: None)
    return found.daily.mean()


def test_two_workers_repeat_their_bits_whatever_the_order_of_the_rows_and_their_batches(two, threads, world, fitted):
    assert two.parameters["n_workers"] == 2
    batches = "spark.sql.execution.arrow.maxRecordsPerBatch"
    usual = threads.spark.session.conf.get(batches)
    threads.spark.session.conf.set(batches, "1000")
    try:
        assert two.fit(world.sample(frac=1.0, random_state=5), seed=7) == fitted
    finally:
        threads.spark.session.conf.set(batches, usual)


def test_two_workers_predict_as_one_process_within_the_tolerance_and_not_by_its_bits(small, world, fitted):
    alone = small.fit(world, seed=7)
    assert alone != fitted, "else nothing was spread"
    scores = pd.DataFrame({"alone": small.predict(alone, world), "two": small.predict(fitted, world)})
    assert scores.corr(method="spearman").iloc[0, 1] > RANKS


def test_what_comes_after_does_not_know_the_difference(small, world, fitted):
    booster, alone = load(fitted), load(small.fit(world, seed=7))
    assert (booster.feature_names, booster.feature_types) == (alone.feature_names, alone.feature_types)
    assert booster.attributes() == alone.attributes()
    assert sum(small.algorithm.importance(fitted, small.features).values()) == pytest.approx(1.0)


def test_an_altered_row_and_another_seed_have_other_bits(two, world, fitted):
    altered = world.copy()
    altered.loc[700, "signal"] += 0.5
    assert two.fit(altered, seed=7) != fitted
    assert two.fit(world, seed=8) != fitted


def test_one_process_fits_a_lock_of_one_worker_on_a_cluster_too(small, two, world):
    assert two.fit(world, small.parameters, seed=7) == small.fit(world, seed=7)


def test_a_target_that_xgboost_refuses_is_told_as_in_one_process(two, world):
    said = []
    for n_workers in (1, 2):
        wrong = {"objective": "binary:logistic", "n_workers": n_workers}
        with pytest.raises(Permanent, match="a target for binary:logistic") as told:
            replace(two, target="value").fit(world, wrong, seed=7)
        said.append(str(told.value).replace("[", " ").split())
    assert set(said[0]) & set(said[1]) >= {"label", "must", "be"}


@pytest.mark.slow
def test_a_fit_that_takes_too_long_is_ended_and_the_next_one_fits(small, threads, world, fitted):
    hasty = small.launched(replace(launch(threads), limit_s=2.0))
    with pytest.raises(Transient, match="its end within 2 s"):
        hasty.fit(world, {"n_rounds": 10_000}, seed=7)
    assert small.launched(launch(threads)).fit(world, seed=7) == fitted


def test_more_workers_than_slots_are_refused_at_once(small, threads, world):
    many = small.launched(replace(launch(threads), workers=3))
    with pytest.raises(Permanent, match=r"3 slots at once.*was 2\..*local\[N\]"):
        many.fit(world, seed=7)


@pytest.mark.slow
def test_two_workers_find_the_rank_ic_of_one_process_and_stop_early_too(small, two, world):
    assert rank_ic(two, world) == pytest.approx(rank_ic(small, world), abs=RANK_IC)
    long = {"n_rounds": 300, "learning_rate": 0.2}
    lengths = [
        load(replace(one, stopping=Stopping(patience=10)).fit(world, long, seed=7)).num_boosted_rounds()
        for one in (small, two)
    ]
    assert all(2 <= length < 150 for length in lengths)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_standalone_cluster_has_the_bits_of_two_threads_here(small, world, fitted, tmp_path):
    lake.spark.stop()
    with spark_cluster(tmp_path, 2) as master:
        there = Lake(settings(tmp_path, master, training_workers=0))
        try:
            model = small.launched(launch(there))
            assert model.parameters["n_workers"] == 2, "a cluster's default"
            assert model.fit(world, seed=7) == fitted
        finally:
            lake.spark.stop()


def test_where_spark_is_this_process_or_elsewhere_one_worker_is_the_default(small, tmp_path):
    for master, wanted in (("local[*]", 0), ("emr-serverless://00abc", 2)):
        spread = launch(Lake(settings(tmp_path, master, training_workers=wanted)))
        assert spread.workers == 1
        assert small.launched(spread).parameters == small.parameters


def test_without_a_spark_a_lock_of_two_workers_says_what_to_set(small, world):
    with pytest.raises(Permanent, match=r"a Spark with 2 slots.*MARKETLAKE_SPARK_MASTER"):
        small.fit(world, {"n_workers": 2}, seed=7)


def test_executors_without_the_packages_are_told(small, world):
    class Bare:
        def slots(self, wanted):
            return wanted

        def working(self, where, limit_s):
            return nullcontext()

        def parted(self, rows, by, n):
            raise RuntimeError("Traceback …\nModuleNotFoundError: No module named 'xgboost'\n")

    with pytest.raises(Permanent, match=r"No module named 'xgboost'.*MARKETLAKE_SPARK_PYTHON"):
        small.launched(Launch(workers=2, executors=Bare())).fit(world, seed=7)


def test_each_worker_has_every_nth_row_of_what_is_fitted_and_of_what_is_watched(small, world):
    panel = prepare("model", world.head(70), small.features, small.label)
    early = np.arange(70) < 40
    train, watch = (small._inputs(panel, early), np.arange(40.0)), (small._inputs(panel, ~early), np.arange(30.0))
    rows = _laid(train, watch, 3).to_pandas()
    for watched, n in ((False, 40), (True, 30)):
        part = rows[rows["watched"] == watched]
        assert part["target"].tolist() == list(range(n))
        assert part["worker"].tolist() == [place % 3 for place in range(n)]
    with pytest.raises(Permanent, match="a row for each of 50 workers"):
        _laid(train, watch, 50)
