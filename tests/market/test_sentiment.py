"""What a session's stories say together: each counts once, as it was first told, and nothing depends on what came later."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.sentiment import DAYS, MADE, by_session
from market.stories import most_alike

BEGIN = pd.Timestamp("2024-05-03", tz="UTC")
TITLES = (
    "공급계약 체결 소식",
    "영업손실 어닝 쇼크",
    "신제품 흥행 기대감",
    "정기 주주총회 개최",
    "공급계약 체결 소식 왜",
)


def told(*rows: tuple[int, str, float]) -> pd.DataFrame:
    """Headlines of one security, a minute apart: session, title, level; equal titles are one story of their session."""
    return pd.DataFrame(
        {
            "security_id": "XKRX:005930", "session_no": [no for no, _, _ in rows], "title": [title for _, title, _ in rows],
            "story_id": [f"{no} {title}" for no, title, _ in rows], "level": [level for _, _, level in rows],
            "url": [f"https://p/{i}" for i in range(len(rows))],
            "known_at": [BEGIN + pd.Timedelta(minutes=i) for i in range(len(rows))],
        }
    )  # fmt: skip


FEW = settings(max_examples=25)  # an example is several frames of pandas
headlines = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(TITLES), st.floats(-1, 1)), min_size=1, max_size=25
).map(lambda rows: told(*rows))


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Equal bits; an empty frame's keys have no type."""
    pd.testing.assert_frame_equal(one.reset_index(), other.reset_index(), check_exact=True, check_dtype=len(one) > 0)


def test_a_hand_worked_session():
    made = by_session(told((0, TITLES[0], 0.8), (0, TITLES[1], -0.4), (0, TITLES[0], -1.0), (1, TITLES[4], 0.5)))
    first, second = made.iloc[0], made.iloc[1]
    assert (first["n_stories"], first["level"], first["dispersion"]) == (2, pytest.approx(0.2), pytest.approx(0.6))
    assert first["novelty"] == 1.0 and first["read_at"] == BEGIN + pd.Timedelta(minutes=1)  # the copy adds nothing
    # 공급계약체결소식 has 8 letters, so 6 shingles; 왜 adds one
    assert second["novelty"] == pytest.approx(1 - 6 / 7)
    assert second["n_stories"] == 1 and np.isnan(second["dispersion"])


def test_words_are_new_again_after_so_many_sessions():
    far, near = (by_session(told((0, TITLES[0], 0.1), (no, TITLES[0], 0.1))).iloc[-1] for no in (DAYS + 1, DAYS))
    assert (far["novelty"], near["novelty"]) == (1.0, 0.0)


def test_another_security_s_words_make_nothing_old():
    rows = told((0, TITLES[0], 0.1), (1, TITLES[0], 0.1))
    rows.loc[0, "security_id"] = "XKRX:000660"
    assert by_session(rows)["novelty"].tolist() == [1.0, 1.0]


@FEW
@given(headlines, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_bit(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    same(by_session(rows.iloc[order]), by_session(rows))


@FEW
@given(headlines, st.integers(0, 9))
def test_nothing_depends_on_later_sessions(rows, cut):
    whole = by_session(rows)
    earlier = rows[rows["session_no"] <= cut]
    expected = whole[whole.index.get_level_values("session_no") <= cut]
    same(by_session(earlier), expected)


@FEW
@given(headlines, st.integers(0, 9))
def test_sessions_further_back_than_words_stay_old_do_not_count(rows, day):
    whole = by_session(rows)
    near = rows[(rows["session_no"] >= day - DAYS) & (rows["session_no"] <= day)]
    expected = whole[whole.index.get_level_values("session_no") == day]
    made = by_session(near)
    same(made[made.index.get_level_values("session_no") == day], expected)


@FEW
@given(headlines)
def test_what_is_said_lies_within_its_bounds(rows):
    made = by_session(rows)
    assert made["level"].between(-1, 1).all() and made["novelty"].between(0, 1).all()
    assert made["dispersion"].dropna().between(0, 1 + 1e-12).all() and (made["n_stories"] >= 1).all()
    assert set(MADE) <= set(made.columns)


def test_nothing_told_makes_nothing():
    assert by_session(told().assign(known_at=pd.to_datetime([], utc=True))).empty
    assert most_alike([], np.empty(0, np.int64), np.empty(0, np.int64), 5).size == 0
