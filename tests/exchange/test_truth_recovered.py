"""The synthetic world's truth through clients, bronze, silver and the gate, every fault on: nothing missing, nothing made up."""

from datetime import date

import pytest

from bench import truth
from exchange.server import serve


@pytest.mark.slow
def test_identity_actions_halts_delistings_and_revisions_are_recovered_exactly_with_every_fault_on():
    with serve("synthetic:7", symbols=14, us_symbols=1, sessions=70) as server:
        counts, failed = truth.recovered(server)
    assert failed >= len(truth.STOPPING), "the faults struck: those days failed first"
    assert {name: one["wrong"] for name, one in counts.items()} == dict.fromkeys(counts, 0)
    assert all(one["found"] == one["expected"] > 0 for one in counts.values())


def test_what_either_side_has_alone_is_wrong():
    assert truth._compared("abc", "bcd") == {"expected": 3, "found": 2, "wrong": 2}
    assert truth._compared([], []) == {"expected": 0, "found": 0, "wrong": 0}


def test_a_fault_is_limited_to_a_day_whatever_it_is_told_besides():
    assert truth.limited("quota", "krx", date(2024, 5, 3)) == "quota:source=krx,date=2024-05-03"
    assert (
        truth.limited("clock-skew:seconds=9", "dart", date(2024, 5, 3))
        == "clock-skew:seconds=9,source=dart,date=2024-05-03"
    )
