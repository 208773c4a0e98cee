"""What a cached answer was made from: the release, whole, and the code. An answer of another edition is never served."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lake.releases import Release

ROOT = Path(__file__).resolve().parents[2]
CODE = ("serving", "market", "lake")


class Editions:
    """The edition of each release, by release id and digest.

    The digest holds the lake's address and everything that the release pins, since two lakes that share a cache may name
    their releases alike, and the code, since a new version of the API may answer the same release in other words.

    Parameters
    ----------
    lake_url : of the lake whose releases these are.
    """

    def __init__(self, lake_url: str) -> None:
        self._lake_url = lake_url
        self._last: tuple[Release, bytes] | None = None

    def of(self, release: Release) -> bytes:
        """Such as `r00012-20240503 3f2a90c1d4e5b677`."""
        last = self._last
        if last is None or last[0] is not release:
            last = self._last = (release, self._made(release))
        return last[1]

    def _made(self, release: Release) -> bytes:
        made = hashlib.sha256(f"{self._lake_url}\n{code_digest(CODE)}\n".encode() + release.to_json())
        return f"{release.release_id} {made.hexdigest()[:16]}".encode()


@cache
def code_digest(packages: Iterable[str]) -> str:
    """SHA-256 of the sources of the packages, read once per process (some 300 files, 15 ms)."""
    made = hashlib.sha256()
    for path in sorted(file for package in packages for file in (ROOT / package).rglob("*.py")):
        made.update(f"{path.relative_to(ROOT)}\n".encode())
        made.update(path.read_bytes())
    return made.hexdigest()
