"""Versions: an equal answer is no news, a different one is a row of its own, known from when it came."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
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


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 14)), min_size=1, max_size=8))
def test_versions_never_overlap_though_the_fact_itself_moves(answers):
    facts = [CLOSE + pd.Timedelta(hours=hours) for _, hours in answers]
    rows = bitemporal.versions(
        told(*(float(value) for value, _ in answers)).assign(first_known_at=facts), ["key"], ["value"]
    )
    assert (rows["known_until"].isna() | (rows["known_until"] > rows["known_at"])).all()
    assert rows["known_until"].tolist()[:-1] == rows["known_at"].tolist()[1:]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(-1, 14))
def test_nothing_is_known_before_the_fact_however_early_it_was_told(answers, hours):
    fact = CLOSE + pd.Timedelta(hours=hours)
    rows = bitemporal.versions(told(*map(float, answers)).assign(first_known_at=fact), ["key"], ["value"])
    assert rows["known_at"].min() == fact
    assert (rows["known_until"].isna() | (rows["known_until"] > rows["known_at"])).all()
    for i in range(len(answers)):
        instant = max(fact, CLOSE + pd.Timedelta(hours=1 + i))
        last_told = max(n for n in range(len(answers)) if n <= i or CLOSE + pd.Timedelta(hours=1 + n) <= fact)
        assert bitemporal.true_at(rows, instant)["value"].tolist() == [float(answers[last_told])]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(answers, random):
    rows = told(*map(float, answers))
    order = list(range(len(rows)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(
        bitemporal.versions(rows.iloc[order], ["key"], ["value"]), bitemporal.versions(rows, ["key"], ["value"])
    )


HOUR = pd.Timedelta(hours=1)


def from_answers(*answers, request="GET /a"):
    """What (request, {key: value}) or {key: value} answers tell, one an hour, each complete for its request."""
    asked, rows = [], []
    for hour, answer in enumerate(answers, 1):
        name, held = answer if isinstance(answer, tuple) else (request, answer)
        delivery = {"request": name, "payload_digest": f"p{hour}", "fetched_at": CLOSE + hour * HOUR}
        asked.append(delivery)
        told = [
            (key, value) for key, values in held.items() for value in (values if isinstance(values, list) else [values])
        ]
        rows += [
            {"key": k, "value": v, "row_no": n, "first_known_at": CLOSE, **delivery} for n, (k, v) in enumerate(told)
        ]
    columns = ["key", "value", "row_no", "first_known_at", "request", "payload_digest", "fetched_at"]
    told = pd.DataFrame(rows, columns=columns)
    told = told.astype({"fetched_at": "datetime64[ns, UTC]", "first_known_at": "datetime64[ns, UTC]"})
    return bitemporal.versions(told, ["key"], ["value"], pd.DataFrame(asked))


def spans(rows):
    """(key, value, known from, known until) in hours after the close."""

    def hours(instants):
        return [None if pd.isna(at) else round((at - CLOSE) / HOUR) for at in instants]

    return list(zip(rows["key"], rows["value"], hours(rows["known_at"]), hours(rows["known_until"]), strict=True))


def test_a_row_that_a_complete_answer_lacks_ends_with_it():
    assert spans(from_answers({"A": 1, "B": 2}, {"A": 1})) == [("A", 1, 0, None), ("B", 2, 0, 2)]


def test_a_row_that_comes_back_is_a_version_of_its_own_although_it_says_the_same():
    assert spans(from_answers({"A": 1, "B": 2}, {"A": 1}, {"A": 1}, {"A": 1, "B": 2})) == [
        ("A", 1, 0, None), ("B", 2, 0, 2), ("B", 2, 4, None),
    ]  # fmt: skip


def test_a_row_that_an_earlier_answer_lacked_begins_with_the_answer_that_told_it():
    assert spans(from_answers({"A": 1}, {"A": 1, "B": 2})) == [("A", 1, 0, None), ("B", 2, 2, None)]
    assert spans(from_answers(("GET /a", {"A": 1}), ("GET /a", {"A": 2}), ("GET /b", {"B": 2})))[-1] == (
        "B",
        2,
        0,
        None,
    )


def test_a_row_that_came_late_is_not_known_before_its_fact():
    """Two answers of the hours before the close: the second one has a row more."""
    asked = pd.DataFrame(
        {"request": "GET /a", "payload_digest": ["p1", "p2"], "fetched_at": [CLOSE - 4 * HOUR, CLOSE - 3 * HOUR]}
    )
    rows = pd.DataFrame({"key": ["A", "A", "B"], "value": 1, "row_no": 0, "first_known_at": CLOSE})
    rows = pd.concat([rows, asked.iloc[[0, 1, 1]].reset_index(drop=True)], axis=1)
    assert spans(bitemporal.versions(rows, ["key"], ["value"], asked)) == [("A", 1, 0, None), ("B", 1, 0, None)]


def test_an_answer_to_another_request_takes_nothing_back():
    told = from_answers(("GET /a", {"A": 1}), ("GET /b", {"B": 2}), ("GET /b", {"C": 3}))
    assert spans(told) == [("A", 1, 0, None), ("B", 2, 0, 3), ("C", 3, 3, None)]


def test_a_row_that_moved_to_another_request_does_not_end_when_the_old_one_lacks_it():
    told = from_answers(("GET /a", {"A": 1}), ("GET /b", {"A": 2, "B": 9}), ("GET /a", {"C": 3}))
    assert spans(told) == [("A", 1, 0, 2), ("A", 2, 2, None), ("B", 9, 0, None), ("C", 3, 3, None)]


def test_a_contradiction_in_a_later_payload_is_news_whichever_row_comes_first():
    assert spans(from_answers({"A": 1}, {"A": [1, 2]})) == [("A", 1, 0, 2), ("A", 1, 2, None), ("A", 2, 2, None)]


def test_a_contradiction_told_again_is_no_news():
    assert spans(from_answers({"A": [1, 2]}, {"A": [1, 2]})) == [("A", 1, 0, None), ("A", 2, 0, None)]


@given(st.lists(st.dictionaries(st.sampled_from("ABC"), st.integers(0, 1)), min_size=1, max_size=8))
def test_at_every_instant_exactly_what_the_last_complete_answer_held_is_believed(answers):
    rows = from_answers(*answers)
    for hour, answer in enumerate(answers, 1):
        believed = bitemporal.true_at(rows, CLOSE + hour * HOUR)
        assert dict(zip(believed["key"], believed["value"], strict=True)) == answer


def observed(*told):
    """Versions of one thing: (day of the observation, value, known from), in hours."""
    rows = pd.DataFrame(told, columns=["day", "value", "known_at"])
    rows["known_at"] = CLOSE + rows["known_at"] * HOUR
    return bitemporal.changes(rows.assign(key="A", payload_digest="p", row_no=0), ["key"], ["value"], "day")


def test_equal_observations_are_one_row_from_the_first():
    assert spans(observed((1, "old", 0), (2, "old", 24), (3, "new", 48))) == [
        ("A", "old", 0, 48),
        ("A", "new", 48, None),
    ]


def test_a_corrected_observation_is_believed_from_its_correction_on():
    assert spans(observed((1, "old", 0), (1, "new", 60))) == [("A", "old", 0, 60), ("A", "new", 60, None)]


def test_a_correction_of_an_observation_that_a_newer_one_has_replaced_changes_nothing():
    assert spans(observed((1, "old", 0), (2, "old", 24), (1, "other", 60))) == [("A", "old", 0, None)]


def test_observations_that_contradict_each_other_are_left_to_the_checks():
    rows = observed((1, "old", 0), (1, "other", 0), (2, "old", 24))
    assert spans(rows) == [("A", "old", 0, 24), ("A", "other", 0, 24), ("A", "old", 24, None)]


def test_two_sides_are_together_while_both_are_believed():
    left = pd.DataFrame({"key": "A", "value": [1, 2], "known_at": [0, 5], "known_until": [5, None]})
    right = pd.DataFrame({"key": "A", "other": [7, 8], "known_at": [3, 5], "known_until": [5, 9]})
    for rows in (left, right):
        for name in ("known_at", "known_until"):
            rows[name] = CLOSE + pd.to_timedelta(rows[name], unit="h")
    both = bitemporal.together(left, right, ["key"])
    assert both["other"].tolist() == [7, 8]
    assert spans(both) == [("A", 1, 3, 5), ("A", 2, 5, 9)]


def versions_of(*told: tuple[str, int | None, int | None]) -> pa.Table:
    """Versions as (fact, known at, known until)."""
    names = ("security_id", "known_at", "known_until")
    types = (pa.string(), pa.int64(), pa.int64())
    columns = zip(*told, strict=True) if told else ((), (), ())
    return pa.table({n: pa.array(list(c), t) for n, c, t in zip(names, columns, types, strict=True)})


@pytest.mark.parametrize(
    ("good", "refused", "until"),
    [
        ([("a", 1, 5)], [("a", 5, None)], [None]),
        ([("a", 1, 5), ("a", 9, None)], [("a", 5, 9)], [9, None]),
        ([("a", 1, 3)], [("a", 3, 5), ("a", 5, None)], [None]),
        ([("a", 1, 5), ("a", 5, None)], [("a", 5, None)], [5, None]),  # a repeat of a good row was refused
        ([("a", 1, 5), ("b", 1, None)], [("b", 5, None)], [5, None]),
        ([("a", 5, None)], [("a", None, 5)], [None]),  # refused for want of an instant: it closes nothing either
        ([("a", 1, 5), ("a", 5, None)], [], [5, None]),
        ([], [("a", 1, None)], []),
    ],
)
def test_a_refused_version_closes_nothing(good: Any, refused: Any, until: list[int | None]) -> None:
    found = bitemporal.reopened(versions_of(*good), versions_of(*refused), ["security_id"])
    assert found["known_until"].to_pylist() == until
    assert found["known_at"].to_pylist() == [known_at for _, known_at, _ in good]


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)), max_size=4),
    st.integers(0, 8),
    st.one_of(st.none(), st.integers(1, 9)),
)
def test_apart_and_together_divide_the_time_of_a_version_between_them(spans, start, length):
    def frame(times):
        made = pd.DataFrame(times, columns=["known_at", "known_until"], dtype="float64")
        return pd.DataFrame({name: CLOSE + pd.to_timedelta(made[name], unit="h") for name in made}).assign(key="A")

    ends, others = 0, []
    for gap, hours in spans:  # versions of one key do not overlap
        others.append((ends + gap, ends + gap + hours))
        ends += gap + hours
    rows, others = frame([(start, None if length is None else start + length)]).assign(value=1.0), frame(others)
    met, alone = bitemporal.together(rows, others, ["key"]), bitemporal.apart(rows, others, ["key"])
    for hour in range(40):
        instant = CLOSE + pd.Timedelta(hours=hour + 0.5)
        is_met, is_alone = (len(bitemporal.true_at(part, instant)) for part in (met, alone))
        was_there, is_its_time = (len(bitemporal.true_at(part, instant)) for part in (others, rows))
        expected = (was_there, 1 - was_there) if is_its_time else (0, 0)
        assert (is_met, is_alone) == expected
