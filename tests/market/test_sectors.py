"""Where a sector begins, against the plain rule read anew at every instant, in whatever order sessions were told and corrected."""

from datetime import date, timedelta
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from market import sectors
from market.bitemporal import true_at

FIRST = date(2024, 5, 6)
MADE = pd.Timestamp("2024-05-06 06:30", tz="UTC")

answers = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 9), st.sampled_from("AB")),
    min_size=1, max_size=14, unique_by=lambda one: one[:2],
)  # fmt: skip
"""Session, day after it on which it was told, and what: more than one answer of a session are corrections."""


def told(given_: list[tuple[int, int, str]]) -> pd.DataFrame:
    rows = [
        {
            "security_id": "XKRX:005930", "sector_scheme": "krx", "session_date": FIRST + timedelta(days=session),
            "sector_code": None, "sector": what, "first_known_at": MADE + pd.Timedelta(days=session),
            "fetched_at": MADE + pd.Timedelta(days=session + late, hours=1), "payload_digest": f"{n:064d}", "row_no": 0,
        }
        for n, (session, late, what) in enumerate(given_)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def plainly(versions: pd.DataFrame, instant: pd.Timestamp) -> list[tuple[Any, ...]]:
    """The sessions believed at the instant that say something else than the one before."""
    rows = true_at(versions, instant).sort_values("session_date")
    return list(
        rows.loc[rows["sector"] != rows["sector"].shift(), ["session_date", "sector"]].itertuples(
            index=False, name=None
        )
    )


@given(answers)
def test_at_every_instant_the_rows_are_the_sessions_that_say_something_new(given_: list[tuple[int, int, str]]) -> None:
    rows = told(given_)
    versions = sectors.bitemporal.versions(rows, sectors.FACT, sectors.VALUES)
    found = sectors.told(rows)
    for instant in sorted({*versions["known_at"], *versions["known_until"].dropna()}):
        believed = true_at(found, instant)
        assert list(believed[["session_date", "sector"]].itertuples(index=False, name=None)) == plainly(
            versions, instant
        )
    assert not found.duplicated([*sectors.FACT, "known_at"]).any()
    assert (found["known_until"].isna() | (found["known_until"] > found["known_at"])).all()


@given(answers, st.randoms())
def test_the_order_of_the_rows_does_not_matter(given_: list[tuple[int, int, str]], random: Any) -> None:
    shuffled = told(given_).sample(frac=1, random_state=random.randrange(2**31), ignore_index=True)
    pd.testing.assert_frame_equal(sectors.told(shuffled), sectors.told(told(given_)))


@given(answers)
def test_what_is_told_later_changes_nothing_that_was_believed_before(given_: list[tuple[int, int, str]]) -> None:
    rows = told(given_)
    cut = rows["fetched_at"].sort_values().iloc[len(rows) // 2]
    whole, early = sectors.told(rows), sectors.told(rows[rows["fetched_at"] <= cut])
    late = rows[rows["fetched_at"] > cut]
    begun = set(late["session_date"]) - set(rows.loc[rows["fetched_at"] <= cut, "session_date"])
    if not begun:  # the first answer of a session counts from its close, however late it came
        shown = ["session_date", "sector"]
        pd.testing.assert_frame_equal(
            true_at(whole, cut)[shown].reset_index(drop=True), true_at(early, cut)[shown].reset_index(drop=True)
        )
