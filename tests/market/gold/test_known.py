"""The latest of several instants, whatever zones and units an engine hands them over in."""

import pandas as pd

from market.datasets.gold._known import latest


def test_the_latest_counts_and_an_instant_that_is_not_there_does_not() -> None:
    utc = pd.to_datetime(pd.Series(["2024-05-03T06:30Z", "2024-05-07T06:30Z", None]), utc=True)
    seoul = pd.to_datetime(pd.Series(["2024-05-03T16:00+09:00", None, None]), utc=True).dt.tz_convert("Asia/Seoul")
    rows = pd.DataFrame({"a": utc.astype("datetime64[us, UTC]"), "b": seoul, "c": pd.NaT})
    found = latest(rows, "a", "b", "c")
    assert found.dtype == "datetime64[us, UTC]"
    assert found[0] == pd.Timestamp("2024-05-03T07:00Z")
    assert found[1] == pd.Timestamp("2024-05-07T06:30Z")
    assert found[2] is pd.NaT


def test_no_rows_give_no_instants_of_the_same_type() -> None:
    rows = pd.DataFrame({"a": [], "b": []})
    assert latest(rows, "a", "b").dtype == "datetime64[us, UTC]"
