"""A real S3 server for tests: SeaweedFS as the local stack runs it, in a folder and on ports of its own."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.settings import Settings
from marketlake import environment, processes
from marketlake.processes import Process
from marketlake.stack.place import Place
from marketlake.stack.servers import s3
from marketlake.stack.supervisor import write_files


@contextmanager
def s3_server(folder: Path) -> Iterator[Place]:
    """A running server's place; `place_settings` gives a lake on it."""
    place = Place(Settings(state_dir=folder, s3_port=free_ports(8), _env_file=None))
    running = start_s3(place)
    try:
        yield place
    finally:
        processes.stop(running, grace_s=2)


def start_s3(place: Place) -> Process:
    """The server started on its data, ready."""
    [service] = s3.services(place)
    write_files(service)
    if service.prepare:
        service.prepare()
    running = processes.start(
        service.command, log=place.folder / "s3.log", environment={**environment.as_environment(place.settings), **service.environment},
        cwd=place.folder, port=service.port, dies_with_us=True,
    )  # fmt: skip
    processes.wait_ready(running, service.answers, name="s3", timeout_s=60)
    return running


def place_settings(place: Place, prefix: str, **given: object) -> Settings:
    """The settings of a lake under that prefix of the server's bucket."""
    values = {name.lower(): value for name, value in s3.values(place).items()}
    values["lake_url"] = f"{values['lake_url']}/{prefix}"
    return Settings(**{**values, **given}, _env_file=None)


def free_ports(n: int) -> int:
    """The first of so many free ports in a row, below those that the kernel gives to connections of its own choice."""
    while True:
        first = random.SystemRandom().randrange(20_000, 32_000)
        if all(processes.is_free(port) for port in range(first, first + n)):
            return first
