"""Ranks on Spark's executors end with the bits of one process."""

from dataclasses import replace

import pytest

from lake.lake import Lake
from lake.settings import Settings
from tests.support.planted import planted
from training.distributed import Launch
from training.lstm import Lstm

pytestmark = [pytest.mark.ranks, pytest.mark.slow]


@pytest.fixture
def spark(tmp_path):
    settings = Settings(
        lake_url=str(tmp_path / "lake"), spark_master="local[2]", state_dir=tmp_path / "var", _env_file=None
    )
    lake = Lake(settings)
    yield lake.spark.session
    lake.spark.session.stop()


def test_two_executors_give_the_bits_of_one_process(small_model, spark, tmp_path):
    parameters = {"window": 4, "hidden": 8, "n_epochs": 2, "batch": 64}
    model = replace(small_model, algorithm=Lstm(), parameters=parameters)
    panel = planted(seed=2, n_sessions=80, n_securities=13)
    told: list = []
    launch = Launch(2, "spark", tmp_path / "work", cancel=spark.sparkContext.cancelAllJobs, told=told.append)
    assert model.launched(launch).fit(panel, seed=7) == model.fit(panel, seed=7)
    assert [one["epoch"] for one in told] == [1.0, 2.0]
