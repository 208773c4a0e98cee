"""The one place that loads and runs Great Expectations: quietly, in memory, telling nobody.

What does not belong here: what is expected (`expectations.suite`) and what follows from a result (`expectations.judge`).
"""

import importlib
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from market.errors import Permanent

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult

GROUPS_IN_PATTERN = "This pattern is interpreted as a regular expression, and has match groups"
FRAMES = "frames"
LOADING = threading.Lock()
SPARK_CONNECT = ("pyspark.sql.connect.dataframe", "pyspark.sql.connect.session")


@lru_cache(maxsize=1)
def great_expectations() -> Any:
    """The library, loaded on the first call (seconds, more with cold files)."""
    with LOADING, _without_spark():
        return importlib.import_module("great_expectations")


def part(name: str) -> Any:
    """A module inside the library: `part("expectations")` is `great_expectations.expectations`."""
    great_expectations()
    return importlib.import_module(f"great_expectations.{name}")


def context(**settings: Any) -> Any:
    """A context that lives in memory, sends no analytics and draws no progress bars.

    Parameters
    ----------
    settings : further fields of the library's `DataContextConfig`, such as `data_docs_sites`.
    """
    config = part("data_context.types.base")
    return great_expectations().get_context(
        mode="ephemeral",
        project_config=config.DataContextConfig(
            store_backend_defaults=config.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            analytics_enabled=False,
            progress_bars=config.ProgressBarsConfig(globally=False, metric_calculations=False),
            **settings,
        ),
    )


def validate(
    suite: "ExpectationSuite", rows: pd.DataFrame, shown: Sequence[str] = ()
) -> "ExpectationSuiteValidationResult":
    """What every expectation of the suite says about the rows.

    Parameters
    ----------
    rows : indexed 0 to n - 1: the index is the row's position, and what `failing` returns for every row that fails.
    shown : instead of all positions, the first failing rows with these columns of theirs.

    Raises
    ------
    Permanent
        An expectation could not be evaluated at all, which is neither a pass nor a failure.
    """
    wanted: dict[str, Any] = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
    if shown:
        wanted |= {"result_format": "SUMMARY", "unexpected_index_column_names": list(shown)}
    sources = context().data_sources
    definition = sources.add_pandas(FRAMES).add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe(FRAMES)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", GROUPS_IN_PATTERN, UserWarning)
        result: ExpectationSuiteValidationResult = definition.get_batch({"dataframe": rows}).validate(
            suite, result_format=wanted
        )
    sources.delete(FRAMES)  # the library remembers its last context, and with it the frame
    for one in result.results:
        refuse_if_not_evaluated(suite.name, one)
    return result


def refuse_if_not_evaluated(table: str, one: Any) -> None:
    """Raise where the library met an error of its own instead of an answer."""
    raised = [text for text in _errors(one.exception_info or {}) if text]
    if raised:
        raise Permanent(
            table,
            expected=f"an answer to {one.expectation_config.type} {one.expectation_config.kwargs}",
            found=raised[0],
            do="The contract's rule does not fit the column's type: correct one of them.",
        )


def failing(one: Any) -> np.ndarray:
    """Positions (int64, ascending) of the rows that one expectation refused; empty for expectations about whole tables."""
    return np.sort(np.asarray(one.result.get("unexpected_index_list") or (), dtype=np.int64))


def _errors(info: dict[str, Any]) -> Iterator[str]:
    if "raised_exception" in info:
        yield str(info.get("exception_message") or "an error without a message") if info["raised_exception"] else ""
    else:
        for nested in info.values():
            yield from _errors(nested)


@contextmanager
def _without_spark() -> Iterator[None]:
    """Spark's modules look absent while the library loads.

    The suites run on pandas. Loading Spark for them costs a second, and Spark Connect ends the process with exit code 0 when
    the main module has neither file nor spec, as in `python -c` and in spawned workers.
    """
    hidden = [name for name in SPARK_CONNECT if name not in sys.modules]
    if "pyspark" not in sys.modules:
        hidden.append("pyspark")
    absent: Any = None
    sys.modules.update(dict.fromkeys(hidden, absent))
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
