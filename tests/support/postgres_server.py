"""A real PostgreSQL for tests, as the local stack runs it, in a folder and on a port of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.settings import Settings
from marketlake import environment, processes
from marketlake.stack.place import Place
from marketlake.stack.servers import postgres


@contextmanager
def postgres_server(folder: Path) -> Iterator[Place]:
    """A running server's place."""
    place = Place(Settings(state_dir=folder, postgres_port=processes.free_port(), _env_file=None))
    [service] = postgres.services(place)
    if service.prepare:
        service.prepare()
    running = processes.start(
        service.command, log=place.folder / "postgres.log", environment=dict(os.environ), cwd=environment.ROOT,
        port=service.port, dies_with_us=True,
    )  # fmt: skip
    try:
        processes.wait_ready(running, service.answers, name="postgres", timeout_s=60)
        yield place
    finally:
        processes.stop(running)
