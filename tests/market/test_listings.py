"""The spells of a listing: what was believed at each moment, against the plainest way to say it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.listings import HELD, NOT, UNTOLD, Version, gaps, liquidation, versions

MINUTE = np.timedelta64(1, "m")
START = np.datetime64("2024-05-03T06:30", "us")


def at(minute: int) -> pd.Timestamp:
    return pd.Timestamp(START + minute * MINUTE, tz="UTC")


def told(*observations: tuple[int, int, int]) -> list[Version]:
    """Versions of (session, what it says, minute from which it is known)."""
    session_no, says, minute = (np.array(part) for part in zip(*observations, strict=True))
    return versions(session_no, says, START + minute * MINUTE)


def plainly(observations: list[tuple[int, int, int]], minute: int) -> dict[int, int | None]:
    """The spells believed at a minute: the last word on each session, then runs of those that hold."""
    word: dict[int, int] = {}
    for session, says, _ in sorted((o for o in observations if o[2] <= minute), key=lambda o: o[2]):
        word[session] = says
    spells: dict[int, int | None] = {}
    begun = last = None
    for session in sorted(s for s, says in word.items() if says != UNTOLD):
        if word[session] == HELD:
            begun, last = session if begun is None else begun, session
        elif begun is not None:
            spells[begun], begun = last, None
    return spells if begun is None else {**spells, begun: None}


OBSERVED = st.lists(st.tuples(st.integers(0, 9), st.sampled_from([HELD, NOT, UNTOLD]), st.integers(0, 6)),
                    min_size=1, max_size=30, unique_by=lambda o: (o[0], o[2]))  # fmt: skip


@given(OBSERVED)
def test_at_every_instant_the_versions_say_what_was_known_then(observed: list[tuple[int, int, int]]) -> None:
    found = told(*observed)
    for minute in range(8):
        now = at(minute)
        believed = [v for v in found if v.known_at <= now and (v.known_until is None or v.known_until > now)]
        assert {v.first: v.last for v in believed} == plainly(observed, minute)
        assert len({v.first for v in believed}) == len(believed)


@given(OBSERVED, st.integers(0, 6))
def test_what_is_told_later_changes_nothing_that_was_believed_before(
    observed: list[tuple[int, int, int]], minute: int
) -> None:
    early = [o for o in observed if o[2] <= minute]
    if early:
        shown = [v for v in told(*observed) if v.known_at <= at(minute)]
        cut = [v._replace(known_until=None) if v.known_until and v.known_until > at(minute) else v for v in shown]
        assert cut == told(*early)


def test_a_halt_is_open_until_the_session_that_trades_again() -> None:
    assert told((1, NOT, 1), (2, HELD, 2), (3, HELD, 3), (4, NOT, 4)) == [
        Version(2, None, at(2), at(4)),
        Version(2, 3, at(4), None),
    ]


def test_a_bar_that_was_only_missing_does_not_cut_a_halt_in_two() -> None:
    believed = told((1, HELD, 1), (2, NOT, 2), (2, UNTOLD, 3), (3, HELD, 3), (4, NOT, 4))
    assert [(v.first, v.last) for v in believed if v.known_until is None] == [(1, 3)]


def test_absence_counts_only_where_the_exchange_answered() -> None:
    present, answered = np.array([1, 2, 6]), np.array([1, 2, 6, 7])
    assert gaps(present, answered).tolist() == [7]  # 3 to 5 were never answered
    assert gaps(present, np.array([1, 2, 4, 6])).tolist() == [4]
    assert gaps(present, np.empty(0, np.int64)).tolist() == []


@pytest.mark.parametrize(
    ("halted", "found"),
    [
        ([0, 1, 1, 0, 0, 0, 0, 0, 0, 0], (3, 9)),
        ([0, 1, 1, 0], (3, 3)),
        ([0, 1, 1], None),  # merged: it never traded again
        ([0, 0, 0], None),
        ([1] + [0] * 8, None),  # eight sessions are no liquidation
    ],
)
def test_liquidation_is_what_traded_after_the_last_halt(halted: list[int], found: tuple[int, int] | None) -> None:
    assert liquidation(np.arange(len(halted)), np.array(halted, bool)) == found
