"""The canonical digest: equal for equal rows whatever their form, different for one bit."""

import numpy as np
import pyarrow as pa
import pytest

from market.digest import digest

ROWS = pa.table({
    "key": ["b", "a", "c"], "value": [1.5, float("nan"), None], "count": pa.array([1, 2, None], pa.int32()),
    "at": pa.array([1, 2, 3], pa.timestamp("us", tz="UTC")), "is_so": [True, None, False],
    "state": pa.array([[1.0, 2.0], None, []], pa.list_(pa.float64())),
})  # fmt: skip
NAMES = ROWS.column_names


def of(rows):
    return digest(rows, ["key"], NAMES)


def test_row_order_chunks_and_column_order_do_not_matter():
    shuffled = ROWS.take([2, 0, 1]).select(NAMES[::-1])
    chunked = pa.concat_tables([ROWS.slice(0, 1), ROWS.slice(1)])
    assert of(ROWS) == of(shuffled) == of(chunked)


def test_the_order_of_rows_with_equal_keys_does_not_matter_nor_when_they_were_fetched():
    """One answer may be the same for two sessions, fetched at one instant or at two."""
    rows = pa.table({"key": ["a", "a", None, None], "day": [1, 2, 3, 4], "at": [5, 5, 5, 5]})
    found = {
        digest(rows.take(order).set_column(2, "at", pa.array(at)), ["key", "at"], ["key", "day"])
        for order in ([0, 1, 2, 3], [1, 0, 2, 3], [3, 1, 2, 0])
        for at in ([5, 5, 5, 5], [5, 6, 7, 8], [8, 7, 6, 5])
    }
    assert len(found) == 1
    other = rows.set_column(1, "day", pa.array([1, 1, 3, 4]))
    assert digest(other, ["key", "at"], ["key", "day"]) not in found


@pytest.mark.parametrize(
    ("name", "kind"),
    [("key", pa.dictionary(pa.int32(), pa.string())), ("key", pa.large_string()), ("count", pa.int64()),
     ("at", pa.timestamp("us", tz="Asia/Seoul"))],
)  # fmt: skip
def test_the_same_values_in_another_representation_are_the_same(name, kind):
    at = NAMES.index(name)
    assert of(ROWS.set_column(at, name, ROWS[name].cast(kind))) == of(ROWS)


def test_one_unit_in_the_last_place_is_seen():
    changed = ROWS.set_column(1, "value", pa.array([np.nextafter(1.5, 2), float("nan"), None]))
    assert of(changed) != of(ROWS)


def test_null_is_not_nan_and_minus_zero_is_zero():
    zero = pa.table({"key": ["a"], "value": [0.0]})
    minus = pa.table({"key": ["a"], "value": [-0.0]})
    assert digest(zero, ["key"], ["value"]) == digest(minus, ["key"], ["value"])
    null, nan = (pa.table({"key": ["a"], "value": pa.array([v], pa.float64())}) for v in (None, float("nan")))
    assert digest(null, ["key"], ["value"]) != digest(nan, ["key"], ["value"])


def test_text_cannot_move_from_one_row_to_the_next():
    one, other = (pa.table({"key": ["1", "2"], "text": texts}) for texts in (["ab", "c"], ["a", "bc"]))
    assert digest(one, ["key"], ["text"]) != digest(other, ["key"], ["text"])
