"""silver.sectors of the exchange's world through Spark: whatever the window, and from a lake that was filled before SEC's industry was kept."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from deltalake import write_deltalake

from lake.spark import Spark
from market import registry
from market.digest import digest
from market.table import Window

TABLE = registry.table("silver.sectors")
NOW = datetime(2024, 7, 1, tzinfo=UTC)


@pytest.fixture
def filled(intake: Any) -> Any:
    """Bronze of both sources and the sessions; every session of the world was asked for."""
    days = intake.sessions("krx_market")
    intake.take("krx_market", days)
    intake.take("sec", intake.sessions("sec"))
    sessions = registry.table("silver.sessions")
    assert sessions.build is not None
    rows = sessions.build({}, Window(days[0], days[-1], NOW))
    write_deltalake(intake.delta.uri(sessions), rows, partition_by=["session_month"])
    return intake


@pytest.mark.slow  # in tests/market a build of one session is held against the whole for every table
def test_any_window_gives_the_same_rows_and_a_lake_of_before_the_rows_that_it_can_tell(filled: Any) -> None:
    days, spark = filled.sessions("krx_market"), Spark(filled.settings, filled.delta)
    whole = spark.candidate(TABLE, Window(days[0], days[-1], NOW))
    last = spark.candidate(TABLE, Window(days[-1], days[-1], NOW))
    assert digest(whole, TABLE.key, TABLE.digested) == digest(last, TABLE.key, TABLE.digested)
    told = [(row["security_id"], row["session_date"], row["sector"]) for row in whole.to_pylist()]
    assert ("XKRX:263180", date(2024, 6, 4), "반도체") in told
    american = {(row["security_id"], row["sector_code"]) for row in whole.to_pylist() if row["exchange"] == "XNYS"}
    assert american == {("XNYS:AAPL", "3571")}, "of the three companies it alone filed within these sessions"

    submissions = registry.table("bronze.sec_submissions")
    before = filled.delta.read(submissions).drop_columns(["sic", "sicDescription"])
    write_deltalake(
        filled.delta.uri(submissions), before, partition_by=["session_month"], mode="overwrite", schema_mode="overwrite"
    )
    old = spark.candidate(TABLE, Window(days[0], days[-1], NOW))
    assert {row["exchange"] for row in old.to_pylist()} == {"XKRX"}
    assert old.num_rows == sum(security.startswith("XKRX") for security, _, _ in told)
