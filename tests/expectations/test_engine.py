"""The library is loaded late, tells nobody, draws nothing, and cannot end the process that loads it."""

import subprocess
import sys
from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pytest

from expectations import engine
from expectations.judge import judge
from market.errors import Permanent
from market.table import Table


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)


def test_importing_the_gate_does_not_load_the_library() -> None:
    packages = "judge, suite, quarantine, outcomes, reconcile, docs"
    code = f"import sys; from expectations import {packages}; print('great_expectations' in sys.modules)"
    assert run(code).stdout.strip() == "False"


@pytest.mark.slow
def test_a_process_without_a_main_file_survives_loading_the_library() -> None:
    code = "from expectations import engine; engine.great_expectations(); import pyspark.sql; print('alive')"
    assert run(code).stdout.strip() == "alive"


def test_nothing_is_sent_and_nothing_drawn(
    contract: Table, make_bars: Callable[..., pa.Table], capfd: pytest.CaptureFixture[str]
) -> None:
    config = engine.context().config
    assert config.analytics_enabled is False
    assert config.progress_bars["globally"] is False
    judge(contract, make_bars(50))
    assert capfd.readouterr() == ("", "")


def test_a_rule_that_cannot_be_evaluated_is_no_pass_and_no_failure() -> None:
    kinds = engine.part("expectations")
    suite = engine.great_expectations().ExpectationSuite(
        name="silver.odd", expectations=[kinds.ExpectColumnValuesToBeBetween(column="absent", min_value=0)]
    )
    with pytest.raises(Permanent, match=r"silver\.odd: expected an answer to expect_column_values_to_be_between"):
        engine.validate(suite, pd.DataFrame({"present": [1]}))
