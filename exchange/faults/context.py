"""What a fault may look at when it strikes."""

from dataclasses import dataclass

from exchange.clock import Clock
from exchange.faults.fault import Fault
from exchange.model import World
from exchange.wires.answer import Ask, Wire


@dataclass(frozen=True)
class Context:
    """The request, the fault and the world it struck in."""

    fault: Fault
    source: str
    ask: Ask
    wire: Wire
    world: World
    clock: Clock
