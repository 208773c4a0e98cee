"""Our code as one archive for a job elsewhere: the caller's own files, named by their digest, so that both run the same.

Only what a build needs is in it (`market`, `lake`, Spark's tuning, the jars' lock). What does not belong here: Python packages and
jars, which are large and change rarely; docs/scale.md says how they get there.
"""

import gzip
import hashlib
import io
import tarfile
from functools import cache
from pathlib import Path

from lake.objects import Store

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("market", "lake", "spark_conf", "locks/jars.json")
FOLDER = "code"
"""Below the lake's root."""


@cache
def archive() -> bytes:
    """The archive; equal files give equal bytes."""
    sink = io.BytesIO()
    with gzip.GzipFile(fileobj=sink, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for file in _files():
            info = tarfile.TarInfo(str(file.relative_to(ROOT)))
            info.size, info.mode = file.stat().st_size, 0o644
            tar.addfile(info, io.BytesIO(file.read_bytes()))
    return sink.getvalue()


def ship(store: Store) -> tuple[str, str]:
    """Put archive and entry script into the lake where they are not yet; their paths below its root."""
    code, entry = archive(), (ROOT / "spark_conf" / "entry.py").read_bytes()
    folder = f"{FOLDER}/{hashlib.sha256(code).hexdigest()[:16]}"
    paths = f"{folder}/marketlake.tar.gz", f"{folder}/entry.py"
    for path, payload in zip(paths, (code, entry), strict=True):
        if not store.exists(path):
            store.put(path, payload)
    return paths


def _files() -> list[Path]:
    found = []
    for part in PARTS:
        path = ROOT / part
        found += [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sorted(file for file in found if "__pycache__" not in file.parts)
