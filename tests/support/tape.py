"""A source's answers, kept once from the exchange and given again as often as a test likes, one of them spoilt.

What does not belong here: how it is spoilt (`tests.support.mutants`), and what must become of it.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import httpx

from lake.clients import client
from lake.clock import Clock
from lake.delivery import ClientContext, Delivery
from tests.support.mutants import Mutant

Key = tuple[str, str]
ENDLESS = 200
"""Calls of one taking beyond which a client asks without end."""


class Endless(Exception):
    """A client asks and asks."""


@dataclass(frozen=True)
class Still(ClientContext):
    """A context in which time stands still."""

    now: datetime = field(kw_only=True)

    def clock(self, source: str) -> Clock:
        return lambda: self.now


@dataclass
class Tape(httpx.BaseTransport):
    """Answers by path and query, or fields posted; what it does not have it asks `further`, once.

    Parameters
    ----------
    further : where unknown requests go while it is kept; None: a request that is not there gets the answer of the nearest one.
    spoilt : by request, what is given in place of the answer.
    """

    further: httpx.BaseTransport | None = None
    answers: dict[Key, bytes] = field(default_factory=dict)
    spoilt: dict[Key, Mutant] = field(default_factory=dict)
    n_calls: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        key = (request.url.path, request.url.query.decode() or request.read().decode())
        self.n_calls += 1
        if self.further is not None and key not in self.answers:
            answer = self.further.handle_request(request)
            assert answer.status_code == 200, (key, answer.read())
            self.answers[key] = answer.read()
            cookies = [pair for pair in answer.headers.multi_items() if pair[0] == "set-cookie"]
            return httpx.Response(200, headers=cookies, content=self.answers[key])
        if self.n_calls > ENDLESS:
            raise Endless(f"{self.n_calls} calls, the last {key}")
        near = key if key in self.answers else next((known for known in self.answers if known[0] == key[0]), None)
        mutant = self.spoilt.get(near) if near is not None else None
        if mutant is not None:
            return httpx.Response(200, headers=dict(mutant.headers), stream=httpx.ByteStream(mutant.payload))
        return httpx.Response(404) if near is None else httpx.Response(200, content=self.answers[near])


@dataclass(frozen=True)
class Taking:
    """A source, the sessions asked for, and all its answers."""

    source: str
    sessions: Sequence[date]
    context: Still
    tape: Tape

    def deliveries(self, key: Key | None = None, mutant: Mutant | None = None) -> Generator[Delivery]:
        """What the client makes of the answers, that of one request spoilt."""
        spoilt = {key: mutant} if key is not None and mutant is not None else {}
        tape = replace(self.tape, further=None, spoilt=spoilt, n_calls=0)
        yield from client(self.source).deliveries(self.sessions, replace(self.context, transport=tape))


def kept(source: str, sessions: Sequence[date], context: Still) -> Taking:
    """A taking from the exchange itself."""
    tape = Tape(httpx.HTTPTransport())
    list(client(source).deliveries(sessions, replace(context, transport=tape)))
    return Taking(source, sessions, context, replace(tape, further=None))
