"""A window holds the newest rows of its own security, never a later one, and does not depend on the other rows of the frame."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from training.inputs import Inputs, reach


def _inputs(rows: list[tuple[str, int]], meant: list[bool] | None = None) -> Inputs:
    keys = pd.DataFrame(
        {"security_id": [name for name, _ in rows],
         "session_date": pd.Timestamp("2024-01-01") + pd.to_timedelta([day for _, day in rows], unit="D")}
    )  # fmt: skip
    numbers = pd.DataFrame({"day": [float(day) for _, day in rows]})
    return Inputs(keys, numbers, np.ones(len(rows), dtype=bool) if meant is None else np.array(meant, dtype=bool))


def _windows(inputs: Inputs, width: int) -> list[list[float]]:
    made = inputs.windows(width)
    return [made.values[first : place + 1, 0].tolist() for first, place in zip(made.firsts, made.places, strict=True)]


def test_a_window_is_the_newest_rows_of_its_security():
    rows = [("B", 3), ("A", 1), ("A", 3), ("B", 1), ("A", 2)]
    assert _windows(_inputs(rows), 2) == [[1.0, 3.0], [1.0], [2.0, 3.0], [1.0], [1.0, 2.0]]


def test_only_the_rows_that_are_meant_have_one_and_it_reaches_into_the_others():
    rows = [("A", 1), ("A", 2), ("A", 3)]
    assert _windows(_inputs(rows, [False, False, True]), 3) == [[1.0, 2.0, 3.0]]


def test_rows_from_before_a_long_halt_are_not_in_it():
    far = int(reach(3).astype(int))
    assert _windows(_inputs([("A", 0), ("A", far)]), 3)[1] == [0.0, float(far)]
    assert _windows(_inputs([("A", 0), ("A", far + 1)]), 3)[1] == [float(far + 1)]


def test_a_width_of_one_is_the_row_itself():
    assert reach(1) == np.timedelta64(0, "D")
    assert _windows(_inputs([("A", 1), ("A", 2)]), 1) == [[1.0], [2.0]]


def test_no_rows_have_no_windows():
    made = _inputs([]).windows(5)
    assert made.places.size == made.values.shape[0] == 0


_ROWS = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 120)), unique=True, min_size=1, max_size=40)


@given(_ROWS, st.integers(1, 8))
def test_a_window_is_what_its_security_alone_up_to_its_session_gives(rows, width):
    for (name, day), window in zip(rows, _windows(_inputs(rows), width), strict=True):
        far = int(reach(width).astype(int))
        own = sorted(d for n, d in rows if n == name and day - far <= d <= day)
        assert window == [float(d) for d in own[-width:]]
