"""What is printed as JSON can be read by every reader of JSON."""

import json
from datetime import date

import numpy as np
import pytest

from marketlake import console


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan"), np.float32("nan")])
def test_what_is_no_number_is_null_wherever_it_stands(value, capsys):
    console.show_json({"a": value, "b": [1.5, value, {"c": (value, np.int64(2))}], "day": date(2024, 5, 3)})
    told = capsys.readouterr().out
    assert json.loads(told, parse_constant=lambda name: pytest.fail(name)) == {
        "a": None, "b": [1.5, None, {"c": [None, 2]}], "day": "2024-05-03",
    }  # fmt: skip
