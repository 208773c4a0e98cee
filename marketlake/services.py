"""The services of the embedded stack: exchange, Dagster UI and daemon, API, MLflow UI, Data Docs. Started, watched, ended.

What does not belong here: processes in general (`marketlake.processes`), printing.
"""

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from market.errors import Permanent
from marketlake import environment, processes, worlds
from marketlake.processes import HOST, Process
from marketlake.service import Service, State, answers
from marketlake.worlds import Outside

if TYPE_CHECKING:
    from lake.settings import Settings

Say = Callable[[str], None]
READY_S = 120.0
_EXCHANGE = "exchange"


def exchange(settings: "Settings", outside: Outside) -> Service:
    """The simulated outside world."""
    port = settings.exchange_port
    url = f"http://{HOST}:{port}"
    moved_by = "MARKETLAKE_EXCHANGE_PORT"
    command = tuple(outside.command(port))
    return Service(
        _EXCHANGE, command, port, moved_by, url, f"{url}/_exchange/health", f"the outside world, {outside}",
        version=f"Marketlake {version('marketlake')}",
    )  # fmt: skip


def platform(settings: "Settings") -> list[Service]:
    """What runs on the lake, in the order of starting."""
    bin_folder = Path(sys.executable).parent
    dagster, api = settings.dagster_port, settings.api_port
    docs_port, mlflow_port = settings.data_docs_port, settings.mlflow_port
    docs = settings.path(settings.state_dir) / "data_docs"
    web, daemon = str(bin_folder / "dagster-webserver"), str(bin_folder / "dagster-daemon")
    mlflow = (str(bin_folder / "mlflow"), "ui", "--backend-store-uri", _sqlite(settings), "--host", HOST,
              "--workers", "1", "--port", str(mlflow_port))  # fmt: skip
    return [
        Service("api", (sys.executable, "-m", "serving", "--host", HOST, "--port", str(api)), api, "MARKETLAKE_API_PORT",
                f"http://{HOST}:{api}/docs", f"http://{HOST}:{api}/healthz", "answers from the current release"),
        Service("dagster", (web, "-w", "workspace.yaml", "-h", HOST, "-p", str(dagster)), dagster,
                "MARKETLAKE_DAGSTER_PORT", f"http://{HOST}:{dagster}", f"http://{HOST}:{dagster}/server_info",
                "assets, lineage, checks, runs, backfills"),
        Service("dagster-daemon", (daemon, "run", "-w", "workspace.yaml"), 0, "", "", "", "schedules and sensors"),
        Service("data-docs", (sys.executable, "-m", "http.server", str(docs_port), "--bind", HOST, "--directory", str(docs)),
                docs_port, "MARKETLAKE_DATA_DOCS_PORT", f"http://{HOST}:{docs_port}",
                f"http://{HOST}:{docs_port}/", "what Great Expectations judged", prepare=lambda: _prepare_docs(settings)),
        Service("mlflow", mlflow, mlflow_port, "MARKETLAKE_MLFLOW_PORT",
                f"http://{HOST}:{mlflow_port}", f"http://{HOST}:{mlflow_port}/health", "training runs and the registry"),
    ]  # fmt: skip


def up(settings: "Settings", say: Say) -> list[State]:
    """Start what does not run yet, and wait until it answers.

    Raises
    ------
    Permanent
        A port is taken by something else; nothing more was started.
    Transient
        A service did not come up; what did stays up, `down` ends it.
    """
    from lake.objects import lake_store

    outside = worlds.of_lake(lake_store(settings)) or Outside()
    for service in (exchange(settings, outside), *platform(settings)):
        _refuse_taken(settings, service)
    _bring_up(settings, exchange(settings, outside), say)
    settings = know_exchange(settings, f"http://{HOST}:{settings.exchange_port}", outside)
    _prepare_folders(settings)
    for service in platform(settings):
        _bring_up(settings, service, say, wait=False)
    for service in platform(settings):
        _await(settings, service, say)
    return status(settings)


def down(settings: "Settings", say: Say) -> int:
    """End what `up` started, and only that; how many were ended."""
    files = {service.name: pid_file(settings, service.name) for service in reversed(every(settings))}
    known = {name: process for name, file in files.items() if (process := processes.load(file)) is not None}
    ended = processes.stop(*known.values())
    for name, process in known.items():
        if process in ended:
            say(f"ended {name} (process {process.pid})")
        files[name].unlink(missing_ok=True)
    return len(ended)


def status(settings: "Settings") -> list[State]:
    """How every service is."""
    return [_state(settings, service) for service in every(settings)]


def every(settings: "Settings") -> list[Service]:
    """All services."""
    return [exchange(settings, Outside()), *platform(settings)]


def running_exchange(settings: "Settings", outside: Outside) -> str | None:
    """The address of an exchange that `up` started for exactly this world; None where there is none."""
    process = processes.load(pid_file(settings, _EXCHANGE))
    if process is None or process.alive() is None or process.command != tuple(outside.command(process.port)):
        return None
    url = f"http://{HOST}:{process.port}"
    return url if answers(f"{url}/_exchange/health") else None


def know_exchange(settings: "Settings", url: str, outside: Outside) -> "Settings":
    """Write what later commands need to know of this exchange; the settings that follow."""
    values = worlds.stack_values(settings, url, told_by(url))
    about = f"the embedded stack; world {outside}. Written by marketlake"
    environment.write_stack_file(environment.stack_file(settings), values, about)
    return environment.open_settings()


def told_by(url: str) -> dict[str, Any]:
    """What an exchange tells of its world."""
    told: dict[str, Any] = httpx.get(f"{url}/_exchange/world", timeout=20).raise_for_status().json()
    return told


def shown_path(path: Path) -> str:
    """A path as people see it: from the project's root where it is below it."""
    return str(path.relative_to(environment.ROOT)) if path.is_relative_to(environment.ROOT) else str(path)


def pid_file(settings: "Settings", name: str) -> Path:
    """Where a service's process is remembered."""
    return settings.path(settings.state_dir) / "run" / f"{name}.json"


def log_file(settings: "Settings", name: str) -> Path:
    """Where a service's output goes."""
    return settings.path(settings.state_dir) / "log" / f"{name}.log"


def _bring_up(settings: "Settings", service: Service, say: Say, *, wait: bool = True) -> None:
    if _running(settings, service) is None:
        process = processes.start(
            service.command, log=log_file(settings, service.name), environment=environment.as_environment(settings),
            cwd=environment.ROOT, port=service.port,
        )  # fmt: skip
        processes.save(process, pid_file(settings, service.name))
    if wait:
        _await(settings, service, say)


def _await(settings: "Settings", service: Service, say: Say) -> None:
    process = processes.load(pid_file(settings, service.name))
    if process is None:
        raise Permanent(f"service {service.name}", expected="a running process", found="none", do="Run `marketlake up`")
    seconds = processes.wait_ready(process, service.answers, name=service.name, timeout_s=READY_S)
    say(
        f"{service.name:<15} {'ready' if service.port else 'runs':<6} {service.url or service.meaning}  ({seconds:.1f} s)"
    )


def _refuse_taken(settings: "Settings", service: Service) -> None:
    if service.port and _running(settings, service) is None and not processes.is_free(service.port):
        raise Permanent(
            f"service {service.name}", expected=f"port {service.port} to be free", found="taken by another process",
            do=f"Stop it, or move the port by {service.moved_by}",
        )  # fmt: skip


def _running(settings: "Settings", service: Service) -> Process | None:
    process = processes.load(pid_file(settings, service.name))
    return process if process is not None and process.alive() is not None else None


def _state(settings: "Settings", service: Service) -> State:
    process = processes.load(pid_file(settings, service.name))
    alive = process.alive() if process else None
    port = (process.port if process and alive else service.port) or None
    if process is not None and alive is not None:
        word = "running" if service.answers() else "starting"
    elif process is not None:
        word = "ended"
    else:
        word = "stopped" if not service.port or processes.is_free(service.port) else "taken"
    memory = process.memory_bytes() // 1_000_000 if process and alive else None
    shown = shown_path(log_file(settings, service.name))
    url = service.url.replace(f":{service.port}", f":{port}", 1)  # where it runs, if the settings have moved since
    pid = alive.pid if alive else None
    return State(service.name, word, port, pid, memory, service.version, ", ".join(service.waits_for), url, shown)


def _prepare_folders(settings: "Settings") -> None:
    """What the services expect to be there: Dagster's instance file, the folder of Data Docs, that of MLflow's database."""
    from jobs.run import instance  # Dagster takes seconds to import

    instance(settings).dispose()
    _prepare_docs(settings)
    if _sqlite(settings).startswith("sqlite:///"):
        Path(_sqlite(settings).removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def _prepare_docs(settings: "Settings") -> None:
    docs = settings.path(settings.state_dir) / "data_docs"
    docs.mkdir(parents=True, exist_ok=True)
    if not (docs / "index.html").exists():
        (docs / "index.html").write_text("<!doctype html><title>Data Docs</title><p>Nothing was judged yet.</p>\n")


def _sqlite(settings: "Settings") -> str:
    """MLflow's address, a SQLite file's path absolute."""
    uri = settings.mlflow_tracking_uri
    return f"sqlite:///{settings.path(uri.removeprefix('sqlite:///'))}" if uri.startswith("sqlite:///") else uri
