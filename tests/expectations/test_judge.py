"""The gate judges a frame as it came: every rule once, on every row, and what fails is the quarantine."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.checks import check_names
from expectations.judge import Outcome, Verdict, judge
from expectations.quarantine import to_quarantine
from market.errors import Permanent
from market.registry import tables
from market.table import Column, RowRule, Table, empty
from tests.support.examples import share

Bars = Callable[..., pa.Table]
SUNDAY = date(2024, 5, 5)
HOLIDAY = date(2024, 5, 6)  # in lieu of Children's Day, in Korea alone


def outcome(verdict: Verdict, check: str) -> Outcome:
    return next(o for o in verdict.outcomes if o.check == check)


def test_good_rows_pass_every_check(contract: Table, make_bars: Bars) -> None:
    verdict = judge(contract, make_bars(5))
    assert verdict.passed
    assert verdict.blocking == ()
    assert verdict.reasons == []
    assert verdict.good.tolist() == [True] * 5
    assert tuple(o.check for o in verdict.outcomes) == check_names(contract)
    assert {o.table for o in verdict.outcomes} == {"silver.bars"}


@pytest.mark.parametrize(
    ("check", "changed", "bad", "reason"),
    [
        ("volume_not_null", {"volume": [1, None, 3, 4], "odd_lot": [0] * 4}, [1], "volume is null"),
        ("low_between", {"low": [0.01, 0.0, -5.0, None]}, [1, 2], "low at least 0.01 currency: was 0.0"),
        ("high_between", {"high": [1e7, 1e7 + 1, 200.0, 200.0]}, [1], "high between 0.01 and 1e+07 currency"),
        (
            "exchange_one_of",
            {"exchange": ["XKRX", "XNAS", "XKRX", "XKRX"]},
            [1],
            "exchange one of XKRX, XNYS: was XNAS",
        ),
        ("security_id_matches", {"security_id": ["XKRX:00088K", "5930", "xXNYS:A", "XNYS:A"]}, [1, 2], "was 5930"),
        (
            "low_at_most_high",
            {"low": [100.0, 102.0, 9.0, 9.0], "high": [100.0, 101.0, 9.5, None]},
            [1],
            "102.0 and 101.0",
        ),
        ("volume_at_least_odd_lot", {"volume": [5, 5, 5, 5], "odd_lot": [5, 6, None, 0]}, [1], "was 5 and 6"),
        (
            "session_date_is_session",
            {"session_date": [SUNDAY, HOLIDAY, date(2024, 5, 3), date(1985, 1, 3)]},
            [0, 1, 3],
            "",
        ),
    ],
)
def test_each_rule_refuses_exactly_the_rows_that_break_it(
    contract: Table, make_bars: Bars, check: str, changed: dict[str, list[object]], bad: list[int], reason: str
) -> None:
    verdict = judge(contract, make_bars(4, **changed), limit=0.0)
    assert outcome(verdict, check).n_failed == len(bad)
    assert not outcome(verdict, check).passed
    assert set(bad) <= {row for row, _ in verdict.reasons}
    assert reason in dict(verdict.reasons)[bad[-1] if len(bad) == 1 else bad[0]]
    assert verdict.good.tolist() == [row not in dict(verdict.reasons) for row in range(4)]


def test_a_session_is_one_of_the_rows_own_exchange(contract: Table, make_bars: Bars) -> None:
    frame = make_bars(
        2, session_date=[HOLIDAY, HOLIDAY], exchange=["XKRX", "XNYS"], security_id=["XKRX:005930", "XNYS:AAPL"]
    )
    verdict = judge(contract, frame)
    assert [row for row, _ in verdict.reasons] == [0]
    assert verdict.reasons[0][1] == "session_date a session of its exchange: was 2024-05-06 and XKRX"


def test_nulls_pass_where_a_relation_needs_both_sides(contract: Table, make_bars: Bars) -> None:
    frame = make_bars(3, low=[None, 5.0, None], high=[5.0, None, None], odd_lot=[None, 1, 2])
    assert judge(contract, frame).n_quarantined == 0


def test_not_a_number_is_no_value(contract: Table, make_bars: Bars) -> None:
    exact = Table(
        "market.datasets.silver.ratios",
        doc="d",
        columns=(
            Column("name", "string", "n"),
            Column("ratio", "float64", "r", "1"),
            Column("known_at", "timestamp", "k"),
        ),
        key=("name",),
        known_at="always",
        commits="replace",
    )
    frame = pa.table(
        {"name": ["a", "b"], "ratio": [float("nan"), 1.0], "known_at": [datetime(2024, 5, 3, tzinfo=UTC)] * 2},
        schema=exact.schema,
    )
    assert judge(exact, frame).reasons == [(0, "ratio is null")]


def test_below_and_equal_are_strict(contract: Table) -> None:
    strict = Table(
        "market.datasets.silver.pairs",
        doc="d",
        columns=(Column("a", "int64", "a"), Column("b", "int32", "b"), Column("known_at", "timestamp", "k")),
        key=("a", "b"),
        known_at="always",
        commits="replace",
        row_rules=(RowRule("a", "<", "b", "below"), RowRule("a", "==", "b", "equal")),
    )
    frame = pa.table(
        {"a": [1, 2, 3], "b": [2, 2, 2], "known_at": [datetime(2024, 5, 3, tzinfo=UTC)] * 3}, schema=strict.schema
    )
    reasons = dict(judge(strict, frame).reasons)
    assert reasons == {
        0: "a == b: was 1 and 2",
        1: "a < b: was 2 and 2",
        2: "a < b: was 3 and 2; a == b: was 3 and 2",
    }


def test_a_row_that_breaks_two_rules_has_both_reasons(contract: Table, make_bars: Bars) -> None:
    frame = make_bars(3, low=[-1.0, 101.0, 102.0], session_date=[SUNDAY, date(2024, 5, 3), date(2024, 5, 3)])
    verdict = judge(contract, frame)
    assert [row for row, _ in verdict.reasons] == [0]
    assert verdict.reasons[0][1] == (
        "session_date a session of its exchange: was 2024-05-05 and XKRX; low at least 0.01 currency: was -1.0"
    )
    assert outcome(verdict, "low_between").n_failed == 1
    assert outcome(verdict, "session_date_is_session").n_failed == 1
    assert outcome(verdict, "table_quarantined").n_failed == 1


def test_the_threshold_blocks_above_and_passes_at_it(contract: Table, make_bars: Bars) -> None:
    def broken(n: int) -> pa.Table:
        return make_bars(100, volume=[-1] * n + [1000] * (100 - n), odd_lot=[None] * 100)

    assert contract.quarantine_limit == 0.05
    at, above = judge(contract, broken(5)), judge(contract, broken(6))
    assert at.passed
    assert at.n_quarantined == 5
    assert [o.check for o in above.blocking] == ["volume_between", "table_quarantined"]
    assert judge(contract, broken(6), limit=0.06).passed
    assert not judge(contract, broken(1), limit=0.0).passed


def test_rules_that_each_stay_below_the_threshold_block_together(contract: Table, make_bars: Bars) -> None:
    frame = make_bars(
        100, volume=[-1] * 4 + [9] * 96, odd_lot=[None] * 100, high=[120.0] * 4 + [-1.0] * 3 + [300.0] * 93
    )
    blocking = [o.check for o in judge(contract, frame, limit=0.06).blocking]
    assert blocking == ["table_quarantined"]


def test_a_missing_column_stops_with_what_was_expected_and_found(contract: Table, make_bars: Bars) -> None:
    frame = make_bars().rename_columns(["LOW" if n == "low" else n for n in make_bars().column_names])
    with pytest.raises(Permanent, match=r"silver.bars: expected the column low; was a frame without, which has LOW"):
        judge(contract, frame)


def test_another_type_stops_with_what_was_expected_and_found(contract: Table, make_bars: Bars) -> None:
    frame = make_bars()
    at = frame.column_names.index("volume")
    frame = frame.set_column(at, "volume", frame.column("volume").cast(pa.string()))
    with pytest.raises(Permanent, match="expected volume int64; was volume string"):
        judge(contract, frame)


def test_the_same_kind_of_type_is_no_drift(contract: Table, make_bars: Bars) -> None:
    frame = make_bars()
    for name, kind in (
        ("volume", pa.int32()),
        ("exchange", pa.dictionary(pa.int32(), pa.string())),
        ("security_id", pa.large_string()),
        ("known_at", pa.timestamp("ns", tz="UTC")),
        ("session_date", pa.date64()),
    ):
        frame = frame.set_column(frame.column_names.index(name), name, frame.column(name).cast(kind))
    frame = frame.set_column(frame.column_names.index("odd_lot"), "odd_lot", pa.nulls(frame.num_rows))
    assert judge(contract, frame).n_quarantined == 0


def test_an_empty_frame_is_refused_unless_it_is_a_possible_answer(contract: Table, make_bars: Bars) -> None:
    verdict = judge(contract, make_bars(0))
    assert [o.check for o in verdict.blocking] == ["table_has_rows"]
    assert verdict.good.tolist() == []
    assert judge(replace(contract, may_be_empty=True), make_bars(0)).passed


def test_an_outcome_says_what_was_expected_and_found(contract: Table, make_bars: Bars) -> None:
    said = outcome(judge(contract, make_bars(4, low=[-1.0, -2.0, -3.0, -4.0])), "low_between")
    assert said.expected == "low at least 0.01 currency, in at least 0.95 of the rows"
    assert said.found.startswith(
        "4 of 4 rows broke it (100.00%): XKRX:000000 2024-05-03 (low at least 0.01 currency: was -1.0)"
    )
    assert said.found.endswith("and 1 more")
    assert (said.severity, said.n_rows, said.n_failed) == ("error", 4, 4)


@pytest.mark.parametrize("name", sorted(tables()))
def test_every_contract_can_be_judged(name: str) -> None:
    contract = tables()[name]
    assert judge(replace(contract, may_be_empty=True), empty(contract.schema)).passed


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["XKRX:000001", "XKRX:000002", "XNYS:A", "bad", None]),
            st.sampled_from([date(2024, 5, 3), HOLIDAY, SUNDAY, None]),
            st.one_of(st.none(), st.sampled_from([-1.0, 1.0, 5.0])),
            st.one_of(st.none(), st.sampled_from([-1, 0, 3])),
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=share(0.25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_good_or_in_quarantine(
    contract: Table, make_bars: Bars, now: datetime, rows: list[tuple[object, ...]]
) -> None:
    ids, days, lows, volumes = (list(column) for column in zip(*rows, strict=True))
    frame = make_bars(
        len(rows), security_id=ids, session_date=days, low=lows, volume=volumes, odd_lot=[None] * len(rows)
    )
    verdict = judge(contract, frame)
    held = to_quarantine(contract, frame, verdict, now)
    assert verdict.good.sum() + held.num_rows == frame.num_rows
    assert np.flatnonzero(~verdict.good).tolist() == [row for row, _ in verdict.reasons]
    assert all(reason for _, reason in verdict.reasons)
    broken = {
        i
        for i, (security, day, low, volume) in enumerate(rows)
        if security in ("bad", None) or day in (SUNDAY, HOLIDAY, None) or volume in (-1, None) or low == -1.0
    }
    assert broken <= set(np.flatnonzero(~verdict.good))
    kept = frame.filter(pa.array(verdict.good)).select(list(contract.key)).to_pylist()
    assert len({tuple(row.values()) for row in kept}) == len(kept)


def test_one_day_of_a_market_is_judged_in_a_moment(contract: Table, make_bars: Bars) -> None:
    judge(contract, make_bars(3))  # loads the library and the calendars
    started = datetime.now(UTC)
    verdict = judge(contract, make_bars(3000))
    assert verdict.passed
    assert datetime.now(UTC) - started < timedelta(seconds=5)
