"""Load on an HTTP server: N connections that each wait for an answer before they ask again. Raw sockets on uvloop.

An HTTP library would take longer per request than the server under test. What does not belong here: what is asked.
"""

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import cast

import uvloop

HOST = "127.0.0.1"
LATE_S = 30.0  # an answer that takes longer ends the measurement with an error


@dataclass(frozen=True)
class Load:
    """What came of it.

    Parameters
    ----------
    seconds : of each answer with status 200, in the order they came; a refusal is quick and answers nothing.
    wall_s : from the first question to the last answer.
    statuses : how many answers had which status.
    n_bytes : of all bodies.
    """

    seconds: list[float]
    wall_s: float
    statuses: dict[int, int]
    n_bytes: int

    @property
    def per_s(self) -> float:
        """Answers with status 200 per second."""
        return len(self.seconds) / self.wall_s


def load(port: int, paths: Iterable[str | tuple[str, bytes]], *, connections: int = 50, for_s: float = 3.0) -> Load:
    """Ask for the paths in turn, over and over, for so many seconds; a path with a body (JSON) is a POST."""
    questions = (_question(*((path,) if isinstance(path, str) else path)) for path in itertools.cycle(paths))
    return uvloop.run(_load(port, questions, connections, for_s))


def _question(path: str, body: bytes | None = None) -> bytes:
    if body is None:
        return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode("ascii")
    about = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    return f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\n{about}\r\n\r\n".encode("ascii") + body


async def _load(port: int, questions: Iterator[bytes], connections: int, for_s: float) -> Load:
    loop = asyncio.get_running_loop()
    began = perf_counter()
    asking = _Asking(questions, began + for_s, connections, loop.create_future())
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(asking), HOST, port)
    await asyncio.wait_for(asking.over, for_s + LATE_S)
    return Load(asking.seconds, perf_counter() - began, asking.statuses, asking.n_bytes)


class _Asking:
    """What the connections share."""

    def __init__(
        self, questions: Iterator[bytes], ends_at: float, connections: int, over: "asyncio.Future[None]"
    ) -> None:
        self.questions, self.ends_at, self.over = questions, ends_at, over
        self.seconds: list[float] = []
        self.statuses: dict[int, int] = {}
        self.n_bytes = 0
        self._n_open = connections

    def closed(self, error: Exception | None) -> None:
        """One connection has ended."""
        self._n_open -= 1
        if error is not None and not self.over.done():
            self.over.set_exception(error)
        elif self._n_open == 0 and not self.over.done():
            self.over.set_result(None)


class _Connection(asyncio.Protocol):
    """One connection: a question, its whole answer, the next question."""

    def __init__(self, asking: _Asking) -> None:
        self._asking = asking
        self._head = b""
        self._missing = -1  # bytes of the body; -1: the head is not whole
        self._status = 0
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the first question."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Take a part of the answer."""
        if self._missing < 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            size = _size_of(self._head[:end])
            self._missing = size - (len(self._head) - end - 4)
            self._status = int(self._head[9:12])
            self._asking.statuses[self._status] = self._asking.statuses.get(self._status, 0) + 1
            self._asking.n_bytes += size
        else:
            self._missing -= len(data)
        if self._missing == 0:
            if self._status == 200:
                self._asking.seconds.append(perf_counter() - self._asked_at)
            self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        """The end, ours or the server's."""
        is_early = error is None and perf_counter() < self._asking.ends_at
        self._asking.closed(ConnectionResetError("the server closed a connection") if is_early else error)

    def _ask(self) -> None:
        now = perf_counter()
        if now >= self._asking.ends_at:
            self._transport.close()
            return
        self._head, self._missing, self._asked_at = b"", -1, now
        self._transport.write(next(self._asking.questions))


def _size_of(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    raise ValueError(f"an answer without Content-Length: {head[:200]!r}")
