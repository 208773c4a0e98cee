"""Versions: an equal answer is no news, a different one is a row of its own, known from when it came."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from market import bitemporal

CLOSE = pd.Timestamp("2024-05-03T06:30Z")


def told(*answers):
    """One fact told several times: values by hour of the fetch."""
    return pd.DataFrame(
        {"key": "A", "value": list(answers), "payload_digest": [f"p{v}" for v in answers], "row_no": 0,
         "fetched_at": [CLOSE + pd.Timedelta(hours=1 + i) for i in range(len(answers))], "first_known_at": CLOSE}
    )  # fmt: skip


def versions(*answers):
    return bitemporal.versions(told(*answers), ["key"], ["value"])


def test_the_first_version_is_known_from_the_fact_itself():
    rows = versions(1.0)
    assert rows["known_at"].tolist() == [CLOSE]
    assert rows["known_until"].isna().all()


def test_an_equal_answer_is_no_news():
    assert len(versions(1.0, 1.0, 1.0)) == 1


def test_a_different_answer_closes_the_one_before():
    rows = versions(1.0, 2.0)
    assert rows["value"].tolist() == [1.0, 2.0]
    assert rows["known_until"].iloc[0] == rows["known_at"].iloc[1] == CLOSE + pd.Timedelta(hours=2)


def test_an_answer_that_comes_back_is_a_third_version():
    assert versions(1.0, 2.0, 1.0)["value"].tolist() == [1.0, 2.0, 1.0]


def test_unknown_equals_unknown():
    assert len(versions(None, None)) == 1


def test_rows_repeated_in_one_payload_are_left_to_the_checks():
    rows = told(1.0)
    doubled = pd.concat([rows, rows.assign(row_no=1)])
    assert len(bitemporal.versions(doubled, ["key"], ["value"])) == 2


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_at_every_instant_exactly_one_version_is_true_and_it_is_the_last_told(answers):
    rows = versions(*map(float, answers))
    for i, answer in enumerate(answers):
        instant = CLOSE + pd.Timedelta(hours=1 + i)
        believed = bitemporal.true_at(rows, instant)
        assert believed["value"].tolist() == [float(answer)]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(answers, random):
    rows = told(*map(float, answers))
    order = list(range(len(rows)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(
        bitemporal.versions(rows.iloc[order], ["key"], ["value"]), bitemporal.versions(rows, ["key"], ["value"])
    )
