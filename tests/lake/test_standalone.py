"""Spark's backends: a standalone cluster, which asks for its secret, makes the rows that this process makes."""

from collections.abc import Iterator

import psutil
import pyarrow as pa
import pytest
from pydantic import SecretStr

from lake import spark
from lake.delta import DeltaLake
from lake.settings import Settings
from market import registry
from market.errors import Transient
from market.table import Window
from tests.support.small_lake import FIRST, LAST, NOW, SmallLake
from tests.support.spark_cluster import spark_cluster

SECRET = "a-secret-of-this-test"
TABLES = ("silver.prices", "gold.features_daily")
"""Spread by session and by security; with a join, and with state."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with spark_cluster(tmp_path_factory.mktemp("cluster"), 2, SECRET) as master:
        yield master


def built(settings: Settings) -> dict[str, pa.Table]:
    engine = spark.Spark(settings, DeltaLake(settings))
    found = {}
    for name in TABLES:
        table = registry.table(name)
        found[name] = engine.candidate(table, Window(FIRST, LAST, NOW)).sort_by(
            [(key, "ascending") for key in table.key]
        )
    return found


def test_a_cluster_has_the_rows_of_this_process_and_its_secret_is_on_no_command_line(
    small_lake: SmallLake, cluster: str
) -> None:
    here = built(small_lake.settings.model_copy(update={"spark_master": "local[2]"}))
    spark.stop()
    try:
        there = built(
            small_lake.settings.model_copy(update={"spark_master": cluster, "spark_secret": SecretStr(SECRET)})
        )
        lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    finally:
        spark.stop()
    assert {name: rows.num_rows > 0 for name, rows in here.items()} == dict.fromkeys(TABLES, True)
    assert {name: there[name].equals(rows) for name, rows in here.items()} == dict.fromkeys(TABLES, True)
    assert any("CoarseGrainedExecutorBackend" in line for line in lines)
    assert not any(SECRET in line for line in lines)


@pytest.mark.slow
def test_whoever_does_not_know_the_secret_is_given_no_executor(small_lake: SmallLake, cluster: str) -> None:
    for secret in ("", "another"):
        spark.stop()
        with pytest.raises(Transient, match="its servers to be there"):
            built(small_lake.settings.model_copy(update={"spark_master": cluster, "spark_secret": SecretStr(secret)}))
