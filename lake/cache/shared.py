"""The cache that processes share, as its users want it: answers of one edition, and never a failure."""

from collections.abc import Callable

from lake.cache.backend import MAX_VALUE, Backend, Slot
from lake.cache.circuit import Circuit
from market.errors import MarketlakeError

HIT, MISS, ERROR, SKIPPED = "hit", "miss", "error", "skipped"
OUTCOMES = (HIT, MISS, ERROR, SKIPPED)


class SharedCache:
    """Answers in the backend, each with its edition in front; a backend that is away means None, after one short wait.

    Parameters
    ----------
    count : called with the outcome of each read: hit, miss (another edition included), error, or skipped, which is not
        asked because the backend failed a moment ago.
    """

    def __init__(self, backend: Backend, count: Callable[[str], None] = lambda outcome: None) -> None:
        self._backend, self._count = backend, count
        self.circuit = Circuit(f"cache ({backend.name})", "answers are made anew")

    @property
    def name(self) -> str:
        """The backend's: sqlite or redis."""
        return self._backend.name

    def get(self, slot: Slot, variant: str, edition: bytes) -> bytes | None:
        """The answer of that edition."""
        turn = self.circuit.allows()
        if not turn:
            self._count(SKIPPED)
            return None
        try:
            value = self._backend.get(slot, variant)
        except MarketlakeError as error:
            self.circuit.failed(turn, str(error))
            self._count(ERROR)
            return None
        self.circuit.succeeded(turn)
        head, _, body = value.partition(b"\n") if value is not None else (b"", b"", b"")
        is_ours = value is not None and head == edition
        self._count(HIT if is_ours else MISS)
        return body if is_ours else None

    def put(self, slot: Slot, variant: str, edition: bytes, body: bytes) -> None:
        """Keep the answer; nothing where it is too large or the backend is away."""
        turn = self.circuit.allows() if len(body) <= MAX_VALUE else 0
        if not turn:
            return
        try:
            self._backend.put(slot, variant, edition + b"\n" + body)
        except MarketlakeError as error:
            self.circuit.failed(turn, str(error))
            self._count(ERROR)
        else:
            self.circuit.succeeded(turn)

    def close(self) -> None:
        """Let go of connections."""
        self._backend.close()
