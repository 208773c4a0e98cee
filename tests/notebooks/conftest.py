"""The small lake of `tests/support`, for the notebook."""

import importlib.util
import sys
from pathlib import Path

import pytest

_FILE = Path(__file__).resolve().parents[1] / "support" / "small_lake.py"


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory):
    """The lake, built once per test run whoever asks first."""
    if "support_small_lake" not in sys.modules:
        spec = importlib.util.spec_from_file_location("support_small_lake", _FILE)
        sys.modules["support_small_lake"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["support_small_lake"])
    return sys.modules["support_small_lake"].small_lake(tmp_path_factory.getbasetemp() / "small-lake")
