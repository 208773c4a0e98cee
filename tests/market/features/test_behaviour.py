"""What is said of a feature is so: counted by hand, held against pandas, and a planted signal is found where noise is not."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import Permanent
from market.features import behaviour as told
from market.features.behaviour import Coverage, Sample, behaviour

HORIZON = 5
NAN = math.nan


def sample_of(values: Any, outcomes: Any, days: Any, securities: Any, exchanges: Any = "XKRX") -> Sample:
    n = len(values)
    return Sample(
        np.asarray(values, dtype=float), np.asarray(securities, dtype=object), np.asarray(days, dtype="datetime64[D]"),
        np.asarray([exchanges] * n if isinstance(exchanges, str) else exchanges, dtype=object), np.asarray(outcomes, dtype=float),
    )  # fmt: skip


def market(sessions: int, names: int, seed: int = 0, missing: float = 0.0) -> Sample:
    """Noise over so many sessions and names from 2023-12-01 on, on two exchanges, some values and outcomes missing; rows in any order."""
    rng = np.random.default_rng(seed)
    days = np.tile(np.datetime64("2023-12-01") + np.arange(sessions), names)
    securities = np.repeat([f"S{i:03d}" for i in range(names)], sessions)
    exchanges = np.where(np.repeat(np.arange(names) % 3 == 0, sessions), "XNYS", "XKRX")
    values, outcomes = rng.standard_normal((2, sessions * names))
    values[rng.random(values.size) < missing] = NAN
    outcomes[rng.random(values.size) < missing] = NAN
    order = rng.permutation(values.size)
    return sample_of(values[order], outcomes[order], days[order], securities[order], exchanges[order])


def series(values: Any, security: str = "A") -> Sample:
    """One security's values, a row a day."""
    days = np.datetime64("2024-01-01") + np.arange(len(values))
    return sample_of(values, np.full(len(values), NAN), days, [security] * len(values))


def changed(sample: Sample, **columns: Any) -> Sample:
    return Sample(**{**vars(sample), **columns})


def test_a_worked_case() -> None:
    names, days = [*"ABCDE"] * 2, ["2023-12-29"] * 5 + ["2024-01-02"] * 5
    values = [1, 2, 3, 4, 5, 1, 2, 3, 4, NAN]
    outcomes = [0.2, 0.1, 0.4, 0.3, 0.5, 0.1, 0.2, 0.3, 0.4, 0.5]
    found = behaviour(sample_of(values, outcomes, days, names), HORIZON)
    assert (found.securities, found.labelled) == (5, 10)
    assert found.coverage == Coverage(10, 9) and found.coverage.share == 0.9
    assert found.coverage_by_year == {2023: Coverage(5, 5), 2024: Coverage(5, 4)}
    assert found.coverage_by_exchange == {"XKRX": Coverage(10, 9)}
    assert found.distribution.count == 9 and found.distribution.mean == pytest.approx(25 / 9)
    assert (found.distribution.minimum, found.distribution.maximum) == (1, 5)
    assert found.rank_ic.sessions == 1, "four names with a value on the second day say nothing"
    assert found.rank_ic_by_year[2023].mean == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert found.rank_ic_by_year[2024].sessions == 0 and math.isnan(found.rank_ic_by_year[2024].mean)


@given(st.lists(st.floats(-1e6, 1e6) | st.sampled_from([NAN, math.inf, -math.inf]), max_size=80))
def test_the_distribution_is_numpys_over_what_is_finite_and_the_histogram_loses_nobody(values: list[float]) -> None:
    found = told.distribution(np.array(values))
    known = np.array([v for v in values if math.isfinite(v)])
    assert found.count == known.size == found.below + sum(found.counts) + found.above
    assert not found.edges or (len(found.edges) == len(found.counts) + 1 and list(found.edges) == sorted(found.edges))
    if known.size:
        assert found.mean == pytest.approx(known.mean(), abs=1e-6)
        assert [found.minimum, *found.quantiles.values(), found.maximum] == pytest.approx(
            np.quantile(known, [0, *told.LEVELS, 1]), abs=1e-6
        )
        assert found.std == pytest.approx(known.std(ddof=1), abs=1e-6) if known.size > 1 else math.isnan(found.std)


def test_one_outlier_does_not_stretch_the_bins() -> None:
    found = told.distribution(np.append(np.linspace(0, 1, 999), 1e9))
    assert found.edges[-1] < 1.01 and found.above == 10 and found.below == 10


def test_a_signal_that_is_mostly_zero_is_shown_from_end_to_end() -> None:
    found = told.distribution(np.repeat([-100.0, 0.0, 100.0], [2, 996, 2]))
    assert (found.edges[0], found.edges[-1], found.counts[0], found.counts[-1]) == (-100, 100, 2, 2)
    assert sum(found.counts) == 1000


def test_a_constant_feature_has_one_bin_no_autocorrelation_and_no_rank_ic() -> None:
    flat = market(sessions=60, names=6)
    found = behaviour(changed(flat, values=np.full(flat.values.size, 0.1)), HORIZON)
    assert found.distribution.counts == (360,) and found.distribution.edges == (0.1, 0.1)
    assert found.distribution.std == pytest.approx(0, abs=1e-12)
    assert all(math.isnan(value) for value in found.autocorrelation.values())
    assert found.rank_ic.sessions == 0 and math.isnan(found.rank_ic.mean)
    assert found.coverage.share == 1


def test_what_is_nowhere_known_is_told_as_such() -> None:
    found = behaviour(changed(market(30, 6), values=np.full(180, NAN)), HORIZON)
    assert found.coverage == Coverage(180, 0)
    assert found.distribution.count == 0 and found.distribution.counts == ()
    assert found.rank_ic.sessions == 0
    nothing = behaviour(sample_of([], [], [], []), HORIZON)
    assert nothing.coverage_by_year == {} and math.isnan(nothing.coverage.share)


def test_what_alternates_is_its_own_opposite_a_row_later() -> None:
    alternating = series(np.tile([1.0, -1.0], 30))
    assert [told.autocorrelation(alternating, lag) for lag in (1, 5, 20)] == pytest.approx([-1, -1, 1])


@given(st.integers(0, 10_000), st.sampled_from(told.LAGS))
def test_the_autocorrelation_is_pandas_mean_over_securities(seed: int, lag: int) -> None:
    found = market(
        sessions=140, names=4, seed=seed, missing=0.1
    )  # far more than MIN_PAIRS of each, whatever is missing
    frame = pd.DataFrame(vars(found)).sort_values("session_dates")
    mine = [values.autocorr(lag) for _, values in frame.groupby("securities")["values"]]
    assert told.autocorrelation(found, lag) == pytest.approx(np.mean(mine))


def test_no_pair_reaches_from_one_security_into_the_next() -> None:
    alone = [told.autocorrelation(series(np.sin(np.arange(50.0) * k)), 1) for k in (0.3, 2.0)]
    a, b = (series(np.sin(np.arange(50.0) * k), name) for k, name in ((0.3, "A"), (2.0, "B")))
    both = Sample(**{name: np.concatenate([vars(a)[name], vars(b)[name]]) for name in vars(a)})
    assert told.autocorrelation(both, 1) == pytest.approx(np.mean(alone))


def test_a_series_too_short_for_the_lag_does_not_count() -> None:
    assert math.isnan(told.autocorrelation(series(np.arange(told.MIN_PAIRS + 1.0)), 2))
    assert told.autocorrelation(series(np.arange(told.MIN_PAIRS + 2.0)), 2) == pytest.approx(1)


def test_a_planted_perfect_feature_has_rank_ic_one_and_its_opposite_minus_one() -> None:
    planted = market(sessions=60, names=18, missing=0.05)
    for sign in (1, -1):
        found = behaviour(changed(planted, values=sign * np.exp(planted.outcomes)), HORIZON)
        assert found.rank_ic.mean == pytest.approx(sign)
        assert found.rank_ic.sessions == 60
        assert math.isnan(found.rank_ic.information_ratio) or abs(found.rank_ic.information_ratio) > 1e6
        assert {year: ic.sessions for year, ic in found.rank_ic_by_year.items()} == {2023: 31, 2024: 29}


def test_noise_has_a_rank_ic_of_nothing_within_its_own_error() -> None:
    errors = []
    for seed in range(30):
        ic = behaviour(market(sessions=120, names=24, seed=seed), 1).rank_ic
        errors.append(ic.mean / ic.standard_error)
        assert ic.information_ratio == pytest.approx(ic.mean / ic.std)
    assert max(map(abs, errors)) < 4.5
    assert 0.6 < np.std(errors) < 1.5


def test_rank_ic_sees_order_alone_and_a_row_without_a_label_is_left_out() -> None:
    known = market(sessions=40, names=18)
    plain = behaviour(known, HORIZON)
    bent = behaviour(changed(known, values=known.values**3 + 7), HORIZON)
    assert asdict(bent.rank_ic) == pytest.approx(asdict(plain.rank_ic))
    last = known.session_dates > np.sort(np.unique(known.session_dates))[-1 - HORIZON]
    unlabelled = behaviour(changed(known, outcomes=np.where(last, NAN, known.outcomes)), HORIZON)
    assert unlabelled.rank_ic.sessions == plain.rank_ic.sessions - HORIZON
    assert unlabelled.labelled == known.values.size - last.sum()
    assert unlabelled.coverage == plain.coverage and unlabelled.distribution == plain.distribution


@given(st.integers(0, 10_000))
def test_a_year_does_not_change_with_what_comes_after_it(seed: int) -> None:
    before = market(sessions=60, names=12, seed=seed, missing=0.1)
    later = before.years == 2024
    scrambled = np.where(later, np.random.default_rng(seed + 1).permutation(before.values), before.values)
    then, now = behaviour(before, HORIZON), behaviour(changed(before, values=scrambled), HORIZON)
    assert now.rank_ic_by_year[2023] == then.rank_ic_by_year[2023]
    assert now.coverage_by_year[2023] == then.coverage_by_year[2023]


@given(st.integers(0, 10_000))
def test_a_year_alone_is_told_as_among_others_and_the_order_of_rows_is_nothing(seed: int) -> None:
    whole = market(sessions=60, names=12, seed=seed, missing=0.1)
    kept = np.random.default_rng(seed).permutation(np.flatnonzero(whole.years == 2024))
    cut = behaviour(Sample(**{name: column[kept] for name, column in vars(whole).items()}), HORIZON)
    among = behaviour(whole, HORIZON)
    assert cut.coverage == among.coverage_by_year[2024]
    assert asdict(cut.rank_ic) == pytest.approx(asdict(among.rank_ic_by_year[2024]))


def test_as_json_what_is_no_number_is_null() -> None:
    found = behaviour(changed(market(30, 6), values=np.full(180, NAN)), HORIZON).to_dict()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text)["distribution"]["mean"] is None
    assert set(found["rank_ic_by_year"]) == {"2023"} and set(found["autocorrelation"]) == {"1", "5", "20"}
    assert found["coverage_by_exchange"]["XNYS"] == {"rows": 60, "known": 0}


def test_columns_that_differ_in_length_and_a_session_told_twice_are_refused() -> None:
    good = series([1.0, 2.0])
    with pytest.raises(Permanent, match="one length"):
        changed(good, values=np.array([1.0]))
    with pytest.raises(Permanent, match="A 2024-01-01"):
        changed(good, session_dates=np.array(["2024-01-01"] * 2, dtype="datetime64[D]"))
