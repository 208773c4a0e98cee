"""supervisord as the keeper of a stack's processes: its configuration, its start and end, what it says of each.

It restarts what dies and turns the logs over. What does not belong here: order and readiness (`marketlake.stack.local`).
"""

import hashlib
import json
import os
import sys
import xmlrpc.client
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from market.errors import Transient
from marketlake import environment, processes
from marketlake.processes import Process
from marketlake.service import Service
from marketlake.stack import on_free_ports
from marketlake.stack.place import MARK, Place, write_private

STOP_S = 20
LOG_BYTES, LOGS_KEPT = 20_000_000, 3

_HEAD = """[supervisord]
nodaemon=true
silent=true
logfile={log}
logfile_maxbytes={log_bytes}
logfile_backups={logs_kept}
pidfile={folder}/supervisord.pid
childlogdir={folder}
minfds=4096

[unix_http_server]
file={socket}
chmod=0700
username=stack
password={password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
_PROGRAM = """
[program:{name}]
command={command}
directory={directory}
environment={environment}
autostart=false
autorestart=true
startsecs=2
startretries=1000
stopsignal={signal}
stopwaitsecs={stop_s}
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes={log_bytes}
stdout_logfile_backups={logs_kept}
"""


class Supervisor:
    """The supervisord of a place; started with the first services."""

    def __init__(self, place: Place, log_folder: Path, pid_file: Path) -> None:
        self._place, self._logs, self._pid_file = place, log_folder, pid_file
        self._folder = place.folder
        short = hashlib.sha256(str(self._folder).encode()).hexdigest()[:12]
        # A socket's path may have 107 characters, which a project's folder may exceed; TMPDIR differs from shell to shell.
        self._socket = Path("/tmp") / f"marketlake-{os.getuid()}-{short}.sock"

    def log(self, name: str) -> Path:
        """Where a service's output goes."""
        return self._logs / f"{name}.log"

    def running(self) -> Process | None:
        """The daemon, None where it does not run."""
        process = processes.load(self._pid_file)
        return process if process is not None and process.alive() is not None else None

    def keep(self, services: Iterable[Service]) -> None:
        """Know these services and no other; what changed is stopped and known anew, what is gone is ended."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        services = list(services)
        for service in services:
            write_files(service)
        conf = self._folder / "supervisord.conf"
        write_private(conf, self._configuration(services))
        if self.running() is None:
            self._start(conf)
            return
        ((added, changed, removed),) = self._rpc().reloadConfig()
        for name in [*removed, *changed]:
            self._rpc().stopProcessGroup(name, True)
            self._rpc().removeProcessGroup(name)
        for name in [*changed, *added]:
            self._rpc().addProcessGroup(name)

    def start(self, name: str) -> None:
        """Begin to start the service; nothing where it is already under way."""
        try:
            self._rpc().startProcess(name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise Transient(f"service {name}", expected="to be started", found=fault.faultString) from fault

    def stop(self, name: str) -> None:
        """End the service, and wait for it."""
        try:
            self._rpc().stopProcess(name, True)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise Transient(f"service {name}", expected="to be stopped", found=fault.faultString) from fault

    def states(self) -> Mapping[str, dict[str, Any]]:
        """What supervisord says of each service by name (`statename`, `pid`, `description`); empty where it does not run.

        Raises
        ------
        Transient
            It runs and does not answer.
        """
        process = self.running()
        if process is None:
            return {}
        try:
            return {info["name"]: info for info in self._rpc().getAllProcessInfo()}
        except (OSError, xmlrpc.client.Error) as error:
            raise Transient(
                f"supervisord, process {process.pid}", expected=f"an answer at {self._socket}", found=f"{error}",
                do="End it and all that it keeps by `marketlake down`, then `marketlake up --stack local`",
            ) from error  # fmt: skip

    def end(self) -> int:
        """End the daemon and all that it keeps, and then whatever still carries the mark; how many processes were ended."""
        marked = self.marked()
        process = self.running()
        if process is not None:
            self._ask_all_to_end()
            found = process.alive()
            if found is not None:
                found.terminate()
                psutil.wait_procs([found], timeout=STOP_S * 4)
            processes.stop(process)
        processes.end(self.marked(), grace_s=STOP_S)
        self._socket.unlink(missing_ok=True)
        self._pid_file.unlink(missing_ok=True)
        return len(marked)

    def marked(self) -> list[psutil.Process]:
        """Every process that the stack started, directly or not."""
        return processes.carrying(MARK, str(self._folder))

    def _ask_all_to_end(self) -> None:
        """At once: by itself supervisord ends one after the other."""
        try:
            self._rpc().stopAllProcesses(False)
        except (OSError, xmlrpc.client.Error):
            return  # it answers no more; what is left is ended below

    def _start(self, conf: Path) -> None:
        # A user's own AWS session or profile would win over the keys of the stack's S3 server.
        ours = (environment.PREFIX, "AWS_")
        variables = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        variables |= environment.QUIET | {"PYTHONUNBUFFERED": "1", MARK: str(self._folder)}
        variables |= {
            f"{environment.PREFIX}ENV_FILE": str(self._place.settings_file),
            "DAGSTER_HOME": str(self._place.of("dagster")),
        }
        process = processes.start(
            (sys.executable, "-m", "supervisor.supervisord", "-c", str(conf)), log=self.log("supervisord.out"),
            environment=variables, cwd=environment.ROOT, port=0,
        )  # fmt: skip
        processes.save(process, self._pid_file)
        processes.wait_ready(process, self._is_answering, name="supervisord", timeout_s=30)

    def _is_answering(self) -> bool:
        try:
            return bool(self._rpc().getState())
        except (OSError, xmlrpc.client.Error):
            return False

    def _rpc(self) -> Any:
        from supervisor.xmlrpc import SupervisorTransport

        transport = SupervisorTransport(
            "stack", self._place.credentials.supervisor_password, serverurl=f"unix://{self._socket}"
        )
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def _configuration(self, services: Iterable[Service]) -> str:
        common = {"log_bytes": LOG_BYTES, "logs_kept": LOGS_KEPT}
        text = _HEAD.format(
            folder=_escaped(str(self._folder)), log=_escaped(str(self.log("supervisord"))), socket=_escaped(str(self._socket)),
            password=self._place.credentials.supervisor_password, **common,
        )  # fmt: skip
        for service in services:
            text += _PROGRAM.format(
                name=service.name, command=" ".join(_quoted(part) for part in _command(service)),
                directory=_escaped(str(environment.ROOT)), signal=service.ends_by, stop_s=STOP_S,
                environment=",".join(f"{name}={_value(value)}" for name, value in _environment(service).items()),
                log=_escaped(str(self.log(service.name))), **common,
            )  # fmt: skip
        return text


def write_files(service: Service) -> None:
    """The configuration that the service reads."""
    for file, text in service.files.items():
        write_private(file, text)


def _command(service: Service) -> tuple[str, ...]:
    ports = [str(port) for port in (service.port, *service.more_ports) if port]
    return (*((sys.executable, "-m", on_free_ports.__name__, ",".join(ports)) if ports else ()), *service.command)


def _environment(service: Service) -> dict[str, str]:
    """The service's own, and a digest of its files, so that supervisord sees a change of theirs as one of the program."""
    read = {file: file.read_text() if file.exists() else "" for file in service.reads}
    files = json.dumps(sorted((str(file), text) for file, text in {**service.files, **read}.items()))
    return {**service.environment, "CONFIGURATION": hashlib.sha256(files.encode()).hexdigest()[:16]}


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    return '"' + _escaped(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value(text: str) -> str:
    """A variable's value: supervisord knows both quotation marks here, and no way to write one inside its own kind."""
    return f"'{_escaped(text)}'" if '"' in text else f'"{_escaped(text)}"'
