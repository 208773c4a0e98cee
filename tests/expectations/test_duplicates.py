"""Rows that share a key: a repeat is put aside, a contradiction puts all of them aside."""

from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa

from expectations.judge import judge
from market.table import Column, Table

Bars = Callable[..., pa.Table]


def test_a_repeated_row_is_refused_and_its_first_kept(contract: Table, make_bars: Bars) -> None:
    frame = pa.concat_tables([make_bars(3), make_bars(1, row_no=[3])])
    verdict = judge(contract, frame)
    assert verdict.reasons == [(3, "repeats row 0 of its payload")]
    assert verdict.good.tolist() == [True, True, True, False]


def test_rows_that_contradict_each_other_are_all_refused(contract: Table, make_bars: Bars) -> None:
    frame = pa.concat_tables([make_bars(3), make_bars(1, high=[111.0], row_no=[3])])
    verdict = judge(contract, frame)
    reason = "one of 2 rows with this key that differ from each other"
    assert verdict.reasons == [(0, reason), (3, reason)]


def test_a_repeat_among_contradictions_saves_nobody(contract: Table, make_bars: Bars) -> None:
    frame = pa.concat_tables([make_bars(1), make_bars(1, row_no=[1]), make_bars(1, high=[111.0], row_no=[2])])
    assert [row for row, _ in judge(contract, frame).reasons] == [0, 1, 2]


def test_when_it_was_fetched_does_not_make_a_row_differ(contract: Table, make_bars: Bars) -> None:
    later = datetime(2024, 5, 8, tzinfo=UTC)
    frame = pa.concat_tables([make_bars(1), make_bars(1, fetched_at=[later], row_no=[1])])
    assert judge(contract, frame).reasons == [(1, "repeats row 0 of its payload")]


def test_the_same_row_in_a_second_payload_is_a_repeat_that_names_the_first(contract: Table, make_bars: Bars) -> None:
    frame = pa.concat_tables([make_bars(1), make_bars(1, payload_digest=["b" * 64])])
    assert judge(contract, frame).reasons == [(1, "repeats row 0 of payload aaaaaaaaaaaa")]


def test_equal_nulls_are_equal(contract: Table, make_bars: Bars) -> None:
    frame = pa.concat_tables([make_bars(1, low=[None]), make_bars(1, low=[None], row_no=[1])])
    assert judge(contract, frame).reasons == [(1, "repeats row 0 of its payload")]


def test_a_frame_without_payloads_names_the_position(contract: Table, make_bars: Bars) -> None:
    plain = make_bars(1).select([c.name for c in contract.columns])
    assert judge(contract, pa.concat_tables([plain, plain])).reasons == [(1, "repeats row 0 of this frame")]


def test_a_row_without_a_key_is_no_duplicate_of_another(contract: Table, make_bars: Bars) -> None:
    verdict = judge(contract, make_bars(2, security_id=[None, None]))
    assert verdict.reasons == [(0, "security_id is null"), (1, "security_id is null")]


def test_lists_are_compared_by_what_they_hold() -> None:
    table = Table(
        "market.datasets.gold.states",
        doc="d",
        columns=(
            Column("name", "string", "n"),
            Column("state", "list<float64>", "s", nullable=True),
            Column("known_at", "timestamp", "k"),
        ),
        key=("name",),
        known_at="always",
        commits="replace",
    )
    at = [datetime(2024, 5, 3, tzinfo=UTC)] * 4
    rows = {"name": ["a", "a", "b", "b"], "state": [[1.0, 2.0], [1.0, 2.0], [1.0], [1.5]], "known_at": at}
    verdict = judge(table, pa.table(rows, schema=table.schema))
    assert [row for row, _ in verdict.reasons] == [1, 2, 3]
