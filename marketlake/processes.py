"""Background processes: started in a session of their own, remembered by process id and start time, ended with all children.

What does not belong here: which processes there are (`marketlake.services`).
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from time import monotonic, sleep

import psutil

from market.errors import Transient

HOST = "127.0.0.1"
GRACE_S = 10.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Process:
    """A process that we started: `created` (its start, seconds after the machine's) tells it from a later one of the same id."""

    pid: int
    created: float
    port: int
    command: tuple[str, ...]
    log: str

    def alive(self) -> psutil.Process | None:
        """The process, None where it has ended or its id belongs to another one by now."""
        try:
            found = psutil.Process(self.pid)
            is_ours = abs(_created(found) - self.created) < 1.0 and found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return found if is_ours else None

    def memory_bytes(self) -> int:
        """Resident memory of the process and its children."""
        found = self.alive()
        return sum(_memory(one) for one in _family(found)) if found else 0


def memory_of(pid: int) -> int:
    """Resident bytes of the process and its children; 0 where it has ended."""
    try:
        return sum(_memory(one) for one in _family(psutil.Process(pid)))
    except psutil.NoSuchProcess:
        return 0


def start(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    cwd: Path,
    port: int,
    dies_with_us: bool = False,
) -> Process:
    """Start a process whose output goes to the end of the log.

    Parameters
    ----------
    dies_with_us : the kernel ends it when this process ends, however that happens.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        made = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, cwd=cwd, env=dict(environment),
            start_new_session=True, preexec_fn=partial(_begin, dies_with_us),
        )  # fmt: skip
    created = _created(psutil.Process(made.pid))
    made.returncode = 0  # whoever started `up` does not wait for it; without this Python warns at exit
    return Process(made.pid, created, port, tuple(command), str(log))


def stop(*running: Process, grace_s: float = GRACE_S) -> list[Process]:
    """End the processes and all their children, asked first and killed after the grace; those that were running."""
    found = [(process, alive) for process in running if (alive := process.alive()) is not None]
    end(list({one.pid: one for _, alive in found for one in _family(alive)}.values()), grace_s=grace_s)
    return [process for process, _ in found]


def end(family: Sequence[psutil.Process], *, grace_s: float = GRACE_S) -> None:
    """End these processes, asked first and killed after the grace."""
    for one in family:
        _signal(one, signal.SIGTERM)
    _gone, left = psutil.wait_procs(family, timeout=grace_s)
    for one in left:
        _signal(one, signal.SIGKILL)
    psutil.wait_procs(left, timeout=5)


def carrying(variable: str, value: str) -> list[psutil.Process]:
    """Every process that was started with that value of an environment variable, and that we may look into."""
    return [one for one in psutil.process_iter() if _variable(one, variable) == value]


def wait_ready(process: Process, is_ready: Callable[[], bool], *, name: str, timeout_s: float) -> float:
    """Seconds until it was ready.

    Raises
    ------
    Transient
        It ended, or was not ready in time; the message ends with the last lines of its log.
    """
    began = monotonic()
    while not is_ready():
        has_ended = process.alive() is None
        if has_ended or monotonic() - began > timeout_s:
            found = "it ended" if has_ended else f"not ready after {timeout_s:.0f} s"
            tail = last_lines(Path(process.log))
            raise Transient(f"service {name}", expected="to answer", found=f"{found}; its log ends with:\n{tail}\n",
                            do=f"The whole log: {process.log}")  # fmt: skip
        sleep(0.1)
    return monotonic() - began


def save(process: Process, file: Path) -> None:
    """Remember the process, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(asdict(process), indent=1))
    partial.replace(file)


def load(file: Path) -> Process | None:
    """The remembered process, alive or not; None where none is remembered."""
    if not file.exists():
        return None
    body = json.loads(file.read_text())
    return Process(**{**body, "command": tuple(body["command"])})


def is_free(port: int) -> bool:
    """True where nothing listens on that port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def last_lines(log: Path, n: int = 15) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-n:]) if log.exists() else "(no log)"


def _family(found: psutil.Process) -> list[psutil.Process]:
    """The process and all below it, and whatever is left of its session: children whose parent has gone."""
    family = {found.pid: found}
    for one in psutil.process_iter():
        try:
            if os.getsid(one.pid) == found.pid:
                family[one.pid] = one
        except (ProcessLookupError, PermissionError):
            continue
    try:
        family |= {one.pid: one for one in found.children(recursive=True)}
    except psutil.NoSuchProcess:
        pass
    return list(family.values())


def _variable(one: psutil.Process, name: str) -> str | None:
    try:
        found: str | None = one.environ().get(name)
        return found
    except (psutil.Error, OSError):
        return None


def _signal(one: psutil.Process, number: int) -> None:
    try:
        one.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _created(process: psutil.Process) -> float:
    """Its start as the kernel counts it: the wall clock's start moves when that clock is set."""
    return float(process.create_time() - psutil.boot_time())


def _memory(one: psutil.Process) -> int:
    """Bytes of its own and its share of what it has in common with others: forks and libraries would count many times over."""
    try:
        return int(one.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(one.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _begin(dies_with_us: bool) -> None:
    """In the child before its program: signals that this process ignores are not ignored there.

    A shell starts background jobs with SIGINT ignored, and Dagster gives SIGTERM the handler of SIGINT.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if dies_with_us:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
