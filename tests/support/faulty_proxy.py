"""A proxy before an S3 server that can lose answers, or hold writes until a rival has come. For tests of commits.

It runs as a process of its own, since delta-rs keeps Python's lock while it waits for an answer. What does not belong here:
assertions.
"""

import http.client
import json
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}
CONTROL = "/_faults"


@dataclass
class Faults:
    """What goes wrong, and what went by.

    Parameters
    ----------
    lose : a PUT whose path matches is done at the server and its answer dropped, `times` times: of each such PUT, or
        of every n-th where `every` says so.
    meet : PUTs whose path matches wait until two of the same path have come, or `patience_s` has passed.
    lost : paths whose answers were dropped; puts : path and status of every PUT.
    """

    lose: str = ""
    times: int = 0
    every: int = 1
    matched: int = 0
    meet: str = ""
    patience_s: float = 3.0
    lost: list[str] = field(default_factory=list)
    puts: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Proxy:
    """A running proxy, as a test holds it."""

    url: str

    def set(self, **faults: Any) -> None:
        """Let these faults happen from now on; what was seen is forgotten."""
        body = json.dumps(asdict(Faults(**faults))).encode()
        urllib.request.urlopen(urllib.request.Request(self.url + CONTROL, body, method="POST"), timeout=10).close()

    def seen(self) -> Faults:
        """What went wrong so far."""
        with urllib.request.urlopen(self.url + CONTROL, timeout=10) as answer:
            return Faults(**json.loads(answer.read()))


@contextmanager
def proxy(host: str, port: int) -> Iterator[Proxy]:
    """A proxy before that server while the block lasts."""
    process = subprocess.Popen(
        [sys.executable, __file__, host, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield Proxy(f"http://{host}:{int(process.stdout.readline())}")
    finally:
        process.kill()
        process.wait(30)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: tuple[str, int]
    faults = Faults()
    lock = threading.Lock()
    rivals: dict[str, threading.Barrier]

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == CONTROL:
            self._control(body)
            return
        if self.command == "PUT":
            self._wait_for_a_rival()
        upstream = http.client.HTTPConnection(*self.upstream, timeout=60)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():  # the client signed them, its Host among them
                if name.lower() not in HOP_BY_HOP and name.lower() != "expect":
                    upstream.putheader(name, value)
            upstream.endheaders(body if body else None)
            self._answer(upstream.getresponse())
        except (OSError, http.client.HTTPException):
            self.close_connection = True
        finally:
            upstream.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve

    def _control(self, body: bytes) -> None:
        if self.command == "POST":
            type(self).faults, type(self).rivals = Faults(**json.loads(body)), {}
        content = json.dumps(asdict(self.faults)).encode()
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _wait_for_a_rival(self) -> None:
        if not self.faults.meet or not re.search(self.faults.meet, self.path):
            return
        with self.lock:
            barrier = self.rivals.setdefault(self.path, threading.Barrier(2))
        try:
            barrier.wait(self.faults.patience_s)
        except threading.BrokenBarrierError:
            return

    def _answer(self, response: http.client.HTTPResponse) -> None:
        content = response.read()
        if self.command == "PUT":
            with self.lock:
                self.faults.puts.append((self.path, response.status))
                matches = response.status < 300 and self.faults.times > 0 and re.search(self.faults.lose, self.path)
                self.faults.matched += bool(matches)
                is_lost = matches and self.faults.matched % self.faults.every == 0
                if is_lost:
                    self.faults.times -= 1
                    self.faults.lost.append(self.path)
            if is_lost:
                self.close_connection = True
                return
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP and (name.lower() != "content-length" or self.command == "HEAD"):
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests ask `seen`."""


def main(host: str, port: str) -> None:
    """Serve until the input ends, so that a test killed half-way leaves no proxy behind."""
    _Handler.upstream, _Handler.rivals = (host, int(port)), {}
    server = ThreadingHTTPServer((host, 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
