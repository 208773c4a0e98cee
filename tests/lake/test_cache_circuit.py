"""When a store that failed is asked again."""

from lake.cache import Circuit
from lake.cache.circuit import FIRST_REST_S, LONGEST_REST_S


def test_an_open_circuit_lets_one_try_per_rest_and_the_rests_grow():
    now = [0.0]
    circuit = Circuit("store", "nothing", clock=lambda: now[0])
    turn = circuit.allows()
    assert turn and circuit.is_closed
    circuit.failed(turn, "gone")
    tries = 0
    for _ in range(2000):
        now[0] += 0.01
        if turn := circuit.allows():
            tries += 1
            circuit.failed(turn, "still gone")
    assert not circuit.is_closed
    assert 4 <= tries <= 6, "after 0.5, 1, 2, 4 and 8 seconds"
    now[0] += LONGEST_REST_S
    turn, *others = [circuit.allows() for _ in range(3)]
    assert turn and others == [0, 0]
    circuit.succeeded(turn)
    assert circuit.is_closed and all(circuit.allows() for _ in range(3))
    circuit.failed(circuit.allows(), "again")
    now[0] += FIRST_REST_S
    assert circuit.allows(), "the rest begins small again"


def test_one_outage_that_many_meet_at_once_is_one():
    now = [0.0]
    circuit = Circuit("store", "nothing", clock=lambda: now[0])
    for turn in [circuit.allows() for _ in range(8)]:
        circuit.failed(turn, "gone")
    now[0] = FIRST_REST_S
    assert circuit.allows(), "the rest is the first one still"


def test_whoever_is_late_changes_nothing():
    """It asked before the outage and failed after it: the store has answered since."""
    now = [0.0]
    circuit = Circuit("store", "nothing", clock=lambda: now[0])
    late, first = circuit.allows(), circuit.allows()
    circuit.failed(first, "gone")
    now[0] = FIRST_REST_S
    trial = circuit.allows()
    circuit.succeeded(late)
    assert not circuit.is_closed
    circuit.succeeded(trial)
    circuit.failed(late, "gone")
    assert circuit.is_closed
