"""The synthetic world's truth through clients, bronze, silver and the gate, every fault on: nothing missing, nothing made up."""

from datetime import date

import pytest

from bench import counted, truth
from exchange.server import serve


@pytest.mark.slow
def test_identity_actions_halts_delistings_and_revisions_are_recovered_exactly_with_every_fault_on():
    with serve("synthetic:7", symbols=15, us_symbols=5, sessions=80) as server:
        counts, failed = truth.recovered(server)
    assert failed > 3 * len(truth.STOPPING), "the faults struck: those days failed first"
    assert {name: one["wrong"] for name, one in counts.items()} == dict.fromkeys(counts, 0)
    assert all(one["found"] == one["expected"] > 0 for one in counts.values())


def test_what_either_side_has_alone_is_wrong():
    assert counted.compared("abc", "bcd") == {"expected": 3, "found": 2, "wrong": 2}
    assert counted.compared([], []) == {"expected": 0, "found": 0, "wrong": 0}


def test_rows_on_a_holiday_are_told_before_the_session_after_it():
    days = [
        date(2024, 5, 2),
        date(2024, 5, 3),
        date(2024, 5, 7),
        date(2024, 5, 8),
    ]  # Monday the 6th is a holiday in Seoul
    assert truth._stopping("krx", days)[-1] == ("holiday-rows:source=krx", date(2024, 5, 7))
    assert not any("holiday-rows" in fault for fault, _ in truth._stopping("yahoo", days))


def test_a_fault_is_limited_to_a_source_whatever_it_is_told_besides():
    assert truth.limited("quota", "krx") == "quota:source=krx"
    assert truth.limited("clock-skew:seconds=9", "dart") == "clock-skew:seconds=9,source=dart"
