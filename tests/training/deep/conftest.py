"""Tests of the deep models: left out, with the reason, where their packages are not installed."""

from importlib.util import find_spec

import pytest

LACKS = "{} is not installed: `make .venv/bin/.deep` adds the deep models' packages"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs torch; what is marked `ranks` needs Horovod too."""
    for item in items:
        if "training/deep" not in item.path.as_posix():
            continue
        if find_spec("torch") is None:
            item.add_marker(pytest.mark.skip(reason=LACKS.format("torch")))
        elif item.get_closest_marker("ranks") and find_spec("horovod") is None:
            item.add_marker(pytest.mark.skip(reason=LACKS.format("Horovod")))
