"""A local stack of a measurement's own: its folder, its ports, ended with it. What does not belong here: what is done on it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from marketlake import environment, services, worlds
from marketlake.stack import local
from marketlake.stack.place import HOST, Place
from marketlake.worlds import Outside

PORTS = {"S3": 0, "POSTGRES": 10, "REDIS": 11, "SPARK": 12, "TRINO": 20, "API": 21, "DATA_DOCS": 22, "MLFLOW": 23,
         "DAGSTER": 24, "EXCHANGE": 26}  # fmt: skip
FIRST_PORT = 21500  # below those that the kernel gives to connections of its own choice


@contextmanager
def own_stack(
    folder: Path, outside: Outside, say: Callable[[str], None]
) -> Iterator[tuple[Place, dict[str, str], list[date]]]:
    """The stack under that folder, up; the environment of commands on it; the sessions of its world."""
    os.environ |= {f"MARKETLAKE_{name}_PORT": str(FIRST_PORT + n) for name, n in PORTS.items()}
    os.environ["MARKETLAKE_STATE_DIR"] = str(folder)
    environment.prepare()
    settings = environment.open_settings()
    try:
        local.up(settings, say, outside)
        days = worlds.sessions_of(services.told_by(f"http://{HOST}:{settings.exchange_port}"))
        variables = {name: value for name, value in os.environ.items() if not name.startswith("MARKETLAKE_")}
        variables |= environment.QUIET
        variables |= {"MARKETLAKE_ENV_FILE": str(local.stack_file(settings)), "MARKETLAKE_STATE_DIR": str(folder)}
        yield Place(settings), variables, days
    finally:
        local.down(settings, say)
