"""How many partitions a build of Spark has: as the session says, or more where many rows are read."""

from dataclasses import replace
from datetime import date

import pytest

from lake import spark, windows
from lake.delta import DeltaLake
from market import registry
from market.table import Window
from tests.support.small_lake import NOW, SmallLake

WINDOW = Window(date(2024, 5, 2), date(2024, 5, 3), NOW)


class _Session:
    """What is asked of the session."""

    def __init__(self) -> None:
        self.conf = {"spark.sql.shuffle.partitions": "4"}


@pytest.fixture
def of_spark(small_lake: SmallLake, monkeypatch: pytest.MonkeyPatch) -> spark.Spark:
    monkeypatch.setattr(spark, "_session", lambda settings: _Session())
    return spark.Spark(small_lake.settings, DeltaLake(small_lake.settings))


def test_rows_of_each_month_are_those_of_the_table(small_lake: SmallLake) -> None:
    delta = DeltaLake(small_lake.settings)
    days = delta.read(registry.table("gold.prices"), columns=["session_month"])["session_month"].to_pylist()
    assert windows.rows_a_month(delta, "gold.prices") == {month: days.count(month) for month in set(days)}
    n = delta.read(registry.table("silver.securities")).num_rows
    assert windows.rows_a_month(delta, "silver.securities") == {"": n} and n > 0
    assert windows.rows_a_month(delta, "gold.nothing_here") == {}


def test_a_partition_holds_so_many_rows_and_there_are_never_fewer_than_the_session_says(
    of_spark: spark.Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = next(one for one in registry.table("gold.features_daily").reads if one.role == "main")
    assert of_spark._partitions(read, WINDOW) == 4
    rows = windows.rows_a_month(DeltaLake(of_spark._settings), read.table)
    monkeypatch.setattr(spark, "ROWS_TOGETHER", 10)
    whole = replace(read, history=None)
    assert of_spark._partitions(whole, WINDOW) == -(-sum(rows.values()) // 10) > 4
    short = replace(read, history=0)
    assert (
        of_spark._partitions(short, WINDOW) == max(4, -(-rows["2024-05"] // 10)) < of_spark._partitions(whole, WINDOW)
    )
