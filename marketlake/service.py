"""One service of a stack: how it is started, when it is ready, what people see of it.

What does not belong here: which services there are (`marketlake.services`, `marketlake.stack`), how they are kept running.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Service:
    """One process of a stack.

    Parameters
    ----------
    command : what runs it.
    port : where it listens; 0: nowhere.
    moved_by : the setting that moves the port, and those that follow it.
    more_ports : further ones that the process listens on.
    url : where people look; empty: nowhere.
    health : an address that answers without an error when it is ready, or a function that is True then; empty where
        running is all that can be asked.
    environment : variables of this process beside the stack's own.
    waits_for : names of the services that must be ready before it is started.
    version : of the server that runs.
    files : configuration by path, written for its owner alone; one that changed restarts the process.
    reads : files that it reads at its start and that others write; one that changed restarts the process.
    prepare : makes what else the process expects to be there (folders, a database); called by `up` before it starts the
        process, not where supervisord starts again what died.
    ends_by : the signal that asks it to end in good order.
    """

    name: str
    command: tuple[str, ...]
    port: int
    moved_by: str
    url: str
    health: str | Callable[[], bool]
    meaning: str
    more_ports: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    waits_for: tuple[str, ...] = ()
    version: str = ""
    files: Mapping[Path, str] = field(default_factory=dict)
    reads: tuple[Path, ...] = ()
    prepare: Callable[[], None] | None = None
    ends_by: str = "TERM"

    def answers(self) -> bool:
        """True where it is ready."""
        if callable(self.health):
            return self.health()
        return not self.health or answers(self.health)


@dataclass(frozen=True)
class State:
    """How a service is: running, starting, stopped, ended (it died by itself), or `taken` where something else has its port."""

    service: str
    state: str
    port: int | None
    pid: int | None
    memory_mb: int | None
    version: str
    waits_for: str
    url: str
    log: str


def answers(url: str) -> bool:
    """True where the address answers without an error."""
    try:
        return httpx.get(url, timeout=2.0, follow_redirects=True).status_code < 400
    except httpx.HTTPError:
        return False
