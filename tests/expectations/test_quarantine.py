"""Nothing that is refused is lost: its row, its key, its reasons and its payload are kept, in the same bytes every time."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pyarrow as pa

from expectations.judge import judge
from expectations.quarantine import to_quarantine
from market.datasets.ops import quarantine
from market.table import Table

Bars = Callable[..., pa.Table]


def test_a_refused_row_is_kept_whole(contract: Table, make_bars: Bars, now: datetime) -> None:
    frame = make_bars(2, low=[100.0, -1.0])
    held = to_quarantine(contract, frame, judge(contract, frame), now).to_pylist()
    assert len(held) == 1
    assert held[0]["table"] == "silver.bars"
    assert held[0]["row_key"] == '{"security_id":"XKRX:000001","session_date":"2024-05-03"}'
    assert held[0]["reason"] == "low at least 0.01 currency: was -1.0"
    assert held[0]["state"] == "held"
    assert (held[0]["payload_digest"], held[0]["row_no"]) == ("a" * 64, 1)
    assert (held[0]["session_date"], held[0]["session_month"]) == (date(2024, 5, 3), "2024-05")
    row = json.loads(held[0]["row"])
    assert list(row) == [*(c.name for c in contract.columns), "payload_digest", "row_no"]
    assert row["known_at"] == "2024-05-07T09:00:00+00:00"
    assert row["low"] == -1.0


def test_the_rows_have_the_contract_of_the_quarantine(contract: Table, make_bars: Bars, now: datetime) -> None:
    for frame in (make_bars(1), make_bars(1, volume=[-1])):
        held = to_quarantine(contract, frame, judge(contract, frame), now)
        assert held.schema.names == [c.name for c in quarantine.TABLE.columns]
        assert held.schema.types == quarantine.TABLE.schema.types
        assert judge(quarantine.TABLE, held).passed


def test_the_order_of_the_columns_does_not_change_the_bytes(contract: Table, make_bars: Bars, now: datetime) -> None:
    frame = make_bars(3, volume=[-1, 5, -2], odd_lot=[None] * 3)
    turned = frame.select(frame.column_names[::-1])
    one = to_quarantine(contract, frame, judge(contract, frame), now)
    other = to_quarantine(contract, turned, judge(contract, turned), now)
    assert one.equals(other)
    assert one.equals(to_quarantine(contract, frame, judge(contract, frame), now))


def test_a_row_without_a_session_belongs_to_the_window(contract: Table, make_bars: Bars, now: datetime) -> None:
    frame = make_bars(1, session_date=[None])
    verdict = judge(contract, frame)
    in_window = to_quarantine(contract, frame, verdict, now, window_end=date(2024, 4, 30)).to_pylist()[0]
    assert (in_window["session_date"], in_window["session_month"]) == (date(2024, 4, 30), "2024-04")
    assert to_quarantine(contract, frame, verdict, now).to_pylist()[0]["session_date"] == date(2024, 5, 7)


def test_what_json_cannot_hold_is_kept_by_name(contract: Table, make_bars: Bars, now: datetime) -> None:
    frame = make_bars(1, volume=[-1], high=[float("inf")], low=[float("nan")], odd_lot=[None])
    row = json.loads(to_quarantine(contract, frame, judge(contract, frame), now).to_pylist()[0]["row"])
    assert (row["high"], row["low"], row["odd_lot"]) == ("inf", "nan", None)


def test_a_frame_without_payloads_has_none_in_quarantine(contract: Table, make_bars: Bars) -> None:
    frame = make_bars(1, volume=[-1]).select([c.name for c in contract.columns])
    held = to_quarantine(contract, frame, judge(contract, frame), datetime(2024, 5, 7, tzinfo=UTC)).to_pylist()[0]
    assert (held["payload_digest"], held["row_no"]) == (None, None)
