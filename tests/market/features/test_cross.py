"""Cross-sections: hand-worked cases, windows over them, a day at a time with the bits of the whole, and what cannot be written."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import Permanent
from market.features.algebra import (
    Expr,
    ExpressionError,
    col,
    corr,
    cs_demean,
    cs_rank,
    cs_winsorize,
    cs_zscore,
    delta,
    ema,
    mean,
)  # fmt: skip
from market.features.definition import Feature
from market.features.engine import Program
from market.features.parse import parse
from market.features.sections import compile_features

EXAMPLES = settings(max_examples=25, deadline=None)
NAN = float("nan")
CLOSE, VOLUME = col("close"), col("volume")


def program_of(*exprs: Expr) -> Program:
    return compile_features([Feature(f"x{i}", e, "Under test.", "ratio", "ours") for i, e in enumerate(exprs)])


def one_session(expr: Expr, exchanges: list[int] | None = None, **columns: list[float]) -> list[float]:
    """The expression in one session of as many securities as there are values."""
    n = len(next(iter(columns.values())))
    arrays = {name: np.array(values, dtype=float) for name, values in columns.items()}
    of = None if exchanges is None else np.array(exchanges)
    found = program_of(expr).run(arrays, np.arange(n + 1), session_numbers=np.full(n, 7), exchanges=of)
    return [float(value) for value in found.values["x0"]]


def test_a_rank_is_a_share_of_those_that_are_known_and_ties_share() -> None:
    found = one_session(cs_rank(CLOSE), close=[30.0, 10.0, NAN, 20.0, 20.0])
    np.testing.assert_array_equal(found, [1.0, 0.25, NAN, 0.625, 0.625])


def test_a_z_score_and_a_distance_from_the_mean() -> None:
    np.testing.assert_allclose(one_session(cs_demean(CLOSE), close=[1.0, 2.0, 6.0]), [-2.0, -1.0, 3.0])
    np.testing.assert_allclose(one_session(cs_zscore(CLOSE), close=[1.0, 2.0, 6.0]), np.array([-2, -1, 3]) / np.sqrt(7))
    assert np.isnan(one_session(cs_zscore(CLOSE), close=[5.0, 5.0, 5.0])).all(), "equal values have no spread"
    assert np.isnan(one_session(cs_zscore(CLOSE), close=[5.0])).all()


def test_winsorised_values_stay_within_the_quantiles() -> None:
    found = one_session(cs_winsorize(CLOSE, 0.25), close=[0.0, 1.0, 2.0, 3.0, 100.0])
    np.testing.assert_array_equal(found, [1.0, 1.0, 2.0, 3.0, 3.0])


def test_by_a_column_each_group_is_a_cross_section_and_a_row_without_a_group_is_in_none() -> None:
    sector = [1.0, 1.0, 2.0, 2.0, NAN]
    found = one_session(cs_demean(CLOSE, by="sector"), close=[1.0, 3.0, 10.0, 20.0, 5.0], sector=sector)
    np.testing.assert_array_equal(found, [-1.0, 1.0, -5.0, 5.0, NAN])
    assert program_of(cs_demean(CLOSE, by="sector")).inputs == ("close", "sector")


def test_exchanges_are_apart() -> None:
    found = one_session(cs_rank(CLOSE), exchanges=[0, 1, 0, 1], close=[1.0, 2.0, 3.0, 4.0])
    assert found == [0.5, 0.5, 1.0, 1.0]


@dataclass(frozen=True)
class Panel:
    """Rows by security, then session: some listed late, some gone early, some missing a session."""

    rows: pd.DataFrame
    n_sessions: int


def panel(n_sessions: int, n_securities: int, seed: int, missing: float = 0.1) -> Panel:
    rng = np.random.default_rng(seed)
    parts = []
    for security in range(n_securities):
        first, last = sorted(rng.integers(0, n_sessions + 1, 2)) if security % 3 == 1 else (0, n_sessions)
        days = np.arange(first, last)[rng.random(last - first) >= missing * (security % 2)]
        close = np.round(np.exp(4 + np.cumsum(rng.normal(0, 0.03, len(days)))), 1)
        close[rng.random(len(days)) < 0.05] = NAN
        parts.append(
            pd.DataFrame(
                {"security": security, "session": days, "close": close, "volume": rng.integers(1, 50, len(days)) * 1.0}
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    return Panel(rows.assign(sector=(rows["security"] % 2).astype(float), exchange=rows["security"] % 2), n_sessions)


def run(
    program: Program, rows: pd.DataFrame, new_from: int = 0, states: Mapping[int, Any] | None = None
) -> pd.DataFrame:
    """Features of the sessions from ``new_from`` on, with the state of each row where there are states."""
    starts = np.flatnonzero(~rows["security"].duplicated().to_numpy())
    offsets = np.append(starts, len(rows))
    is_new = (rows["session"] >= new_from).to_numpy()
    context = np.array([(~is_new[a:b]).sum() for a, b in pairwise(offsets)])
    state = None
    if states is not None:
        state = program.start_state(len(starts))
        for i, security in enumerate(rows["security"].to_numpy()[starts]):
            if (security, new_from - 1) in states:
                state[i] = states[security, new_from - 1]
            else:
                context[i] = 0
    columns = {name: rows[name].to_numpy() for name in program.inputs}
    found = program.run(
        columns, offsets, state, context, rows["session"].to_numpy(), exchanges=rows["exchange"].to_numpy()[starts]
    )
    emitted = np.concatenate([np.arange(a + c, b) for a, b, c in zip(offsets[:-1], offsets[1:], context, strict=True)])
    made = rows.iloc[emitted][["security", "session"]].assign(**found.values, state=list(found.state))
    return made[made["session"] >= new_from].reset_index(drop=True)


OVER_WINDOWS = (
    mean(cs_rank(CLOSE), 3),
    corr(cs_rank(CLOSE), cs_rank(VOLUME), 5),
    cs_zscore(delta(cs_rank(delta(CLOSE, 2)), 1), by="sector"),
    cs_winsorize(mean(CLOSE, 4), 0.1) + cs_demean(VOLUME),
)


def test_windows_over_cross_sections_are_what_pandas_says() -> None:
    rows = panel(30, 6, 3, missing=0.0).rows.assign(exchange=0)
    found = run(program_of(mean(cs_rank(CLOSE), 3)), rows)
    rank = rows.groupby("session")["close"].rank(pct=True)
    expected = rank.groupby(rows["security"]).rolling(3).mean().to_numpy()
    np.testing.assert_allclose(found["x0"], expected, rtol=1e-12)


@EXAMPLES
@given(seed=st.integers(0, 10_000))
def test_a_day_that_reads_the_lookback_has_the_bits_of_the_whole(seed: int) -> None:
    made, program = panel(26, 7, seed), program_of(*OVER_WINDOWS)
    whole = run(program, made.rows)
    for day in range(18, made.n_sessions):
        read = made.rows[made.rows["session"].between(day - program.lookback, day)].reset_index(drop=True)
        expected = whole[whole["session"] == day].reset_index(drop=True)
        found = run(program, read, day)
        pd.testing.assert_frame_equal(found.drop(columns="state"), expected.drop(columns="state"), check_exact=True)


@EXAMPLES
@given(seed=st.integers(0, 10_000))
def test_a_day_resumed_from_the_stored_state_has_the_bits_of_the_whole(seed: int) -> None:
    made = panel(24, 6, seed)
    program = program_of(cs_rank(ema(CLOSE, 4)), ema(cs_zscore(delta(CLOSE, 1)), 3))
    whole = run(program, made.rows)
    states: dict[Any, Any] = {}
    for day in range(made.n_sessions):
        read = made.rows[made.rows["session"].between(day - program.lookback, day)].reset_index(drop=True)
        found = run(program, read, day, states)
        expected = whole[whole["session"] == day].reset_index(drop=True)
        for name in program.names:
            np.testing.assert_array_equal(found[name], expected[name])
        np.testing.assert_array_equal(
            np.stack([*found["state"], [0.0] * program.state_width]),
            np.stack([*expected["state"], [0.0] * program.state_width]),
        )
        states |= {(s, d): v for s, d, v in zip(found["security"], found["session"], found["state"], strict=True)}


@EXAMPLES
@given(seed=st.integers(0, 10_000))
def test_the_order_of_securities_has_no_say_and_the_future_has_none(seed: int) -> None:
    made, program = panel(16, 6, seed), program_of(*OVER_WINDOWS)
    key = ["security", "session"]
    whole = run(program, made.rows).drop(columns="state").sort_values(key, ignore_index=True)
    turned = made.rows.sort_values(["security", "session"], ascending=[False, True], ignore_index=True)
    again = run(program, turned).drop(columns="state").sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(whole, again, check_exact=True)
    later = made.rows["session"] >= 9
    poisoned = made.rows.assign(close=made.rows["close"].where(~later, made.rows["close"] * -3 + 1))
    then = run(program, poisoned).drop(columns="state")
    pd.testing.assert_frame_equal(
        then[then["session"] < 9],
        run(program, made.rows).drop(columns="state")[lambda r: r["session"] < 9],
        check_exact=True,
    )


@pytest.mark.parametrize(
    "text",
    ["cs_rank(close)", "cs_demean(mean(close, 5), by=sector)", "cs_winsorize(close, level=0.05)", "mean(cs_zscore(close), 3)"],
)  # fmt: skip
def test_text_reads_back(text: str) -> None:
    assert str(parse(text)) == text
    assert parse(text, {"close", "sector"}).inputs <= {"close", "sector"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mean(close, 5, by=sector)", "least="),
        ("cs_rank(close, by=3)", "a column for by"),
        ("cs_rank(close, by=nothing)", "nothing"),
        ("cs_rank(close, 5)", "1 argument"),
        ("cs_winsorize(close)", "a level from 0 to 0.5"),
        ("cs_winsorize(close, level=0.7)", "a level from 0 to 0.5"),
        ("cs_rank(close, level=0.1)", "by= by name"),
    ],
)
def test_what_cannot_be_said_is_told(text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        parse(text, {"close", "sector"})


def test_a_window_over_a_cross_section_of_what_remembers_cannot_be_compiled() -> None:
    with pytest.raises(ExpressionError, match="Take the window inside"):
        program_of(mean(cs_rank(ema(CLOSE, 5)), 3))


def test_what_remembers_and_what_has_a_window_over_it_stand_in_one_program() -> None:
    both, made = program_of(mean(cs_rank(CLOSE), 3), cs_rank(ema(CLOSE, 5))), panel(20, 5, 1).rows
    alone = [run(program_of(one), made) for one in (mean(cs_rank(CLOSE), 3), cs_rank(ema(CLOSE, 5)))]
    found = run(both, made)
    for name, one in zip(both.names, alone, strict=True):
        np.testing.assert_array_equal(found[name], one["x0"])


def test_without_session_numbers_nothing_says_what_stands_together() -> None:
    with pytest.raises(Permanent, match="session_numbers"):
        program_of(cs_rank(CLOSE)).run({"close": np.ones(3)}, np.array([0, 3]))
