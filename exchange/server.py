"""Runs the exchange on loopback: in a thread for tests, or blocking for a process of its own.

What does not belong here: command-line parsing (exchange.__main__) or answers (exchange.app).
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import uvicorn

from exchange.app import Exchange, create_app
from exchange.clock import Clock
from exchange.faults.fault import Fault, FaultBox
from exchange.keys import accepted_keys
from exchange.model import World
from exchange.pace import Meter, Pace
from exchange.wires import all_wires
from exchange.worlds import open_world
from market.errors import Permanent, Transient

HOST = "127.0.0.1"
_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 20.0

Faults = Iterable[str | Mapping[str, Any] | Fault]


class Server:
    """An exchange running in a thread of this process; a context manager that stops it."""

    def __init__(self, exchange: Exchange, port: int) -> None:
        self.exchange = exchange
        self._socket = _bind(port)
        self.port = int(self._socket.getsockname()[1])
        self._uvicorn = uvicorn.Server(_config(exchange))
        self._thread = threading.Thread(target=self._run, name=f"exchange-{self.port}", daemon=True)

    @property
    def url(self) -> str:
        """Base URL; a source's is this plus /krx, /yahoo, /dart, /naver, /kakao, /sec or /krx_market."""
        return f"http://{HOST}:{self.port}"

    @property
    def world(self) -> World:
        """The world served, truth included: for tests, not for clients."""
        return self.exchange.world

    def set_clock(self, now: datetime) -> None:
        """Move the clock to an aware instant."""
        self.exchange.clock.set(now)

    def set_faults(self, faults: Faults) -> None:
        """Replace the active faults."""
        self.exchange.faults.set(faults)

    def start(self) -> Server:
        """Begin to serve; returns when requests are answered.

        Raises
        ------
        Transient : the server did not come up in time.
        """
        self._thread.start()
        give_up = time.monotonic() + _START_TIMEOUT_S
        while not self._uvicorn.started:
            if time.monotonic() > give_up or not self._thread.is_alive():
                raise Transient(f"exchange at {self.url}", expected="a started server", found="none")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop serving and free the port; a thread that does not end in time is left, with a warning that says where it is."""
        self._uvicorn.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)
        if self._thread.is_alive():
            frame = sys._current_frames().get(self._thread.ident or 0)
            where = "".join(traceback.format_stack(frame)) if frame else "outside of Python"
            warnings.warn(
                f"{self._thread.name} did not end in {_STOP_TIMEOUT_S:.0f} s, it is at:\n{where}", stacklevel=2
            )
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._uvicorn.serve(sockets=[self._socket]))


def make_exchange(
    world: World, *, faults: Faults = (), keys: Mapping[str, str] | None = None, pace: Pace | None = None,
    krx_commas: bool = True,
) -> Exchange:  # fmt: skip
    """The parts of an exchange over a world, its clock at the world's end."""
    wires = all_wires(accepted_keys(keys), krx_commas=krx_commas)
    return Exchange(world, Clock(world.end), FaultBox(faults), Meter(pace), wires)


def serve(
    world: str,
    *,
    port: int = 0,
    faults: Faults = (),
    keys: Mapping[str, str] | None = None,
    symbols: int | None = None,
    us_symbols: int | None = None,
    sessions: int | None = None,
    pace: Pace | None = None,
    krx_commas: bool = True,
) -> Server:
    """A started server over ``synthetic:SEED`` or ``recorded:FOLDER``; port 0 takes a free one.

    Examples
    --------
    >>> with serve("synthetic:7", symbols=20, sessions=60) as exchange:  # doctest: +SKIP
    ...     httpx.get(f"{exchange.url}/_exchange/world")
    """
    opened = open_world(world, symbols=symbols, us_symbols=us_symbols, sessions=sessions)
    return Server(make_exchange(opened, faults=faults, keys=keys, pace=pace, krx_commas=krx_commas), port).start()


def run(exchange: Exchange, port: int) -> None:
    """Serve until interrupted, in this thread; for a process of its own."""
    bound = _bind(port)
    try:
        uvicorn.Server(_config(exchange)).run(sockets=[bound])
    finally:
        bound.close()


def _bind(port: int) -> socket.socket:
    # Named TCP explicitly: asyncio turns Nagle off only then, and with it on every answer waits 40 ms for an ACK.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError as error:
        bound.close()
        do = "Choose another --port, or stop what listens there."
        raise Permanent(f"exchange port {port}", expected="a free port", found=str(error), do=do) from error
    return bound


def _config(exchange: Exchange) -> uvicorn.Config:
    # Date is the exchange's own; a cut connection is on purpose and must not fill the log.
    return uvicorn.Config(
        create_app(exchange), log_level="critical", access_log=False, date_header=False, server_header=False,
        lifespan="off", ws="none", timeout_graceful_shutdown=1, timeout_keep_alive=60,
    )  # fmt: skip
