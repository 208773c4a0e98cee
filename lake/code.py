"""Which code this is: the commit, and whether the work tree differs from it."""

import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Code:
    """A commit, and whether files differ from it."""

    sha: str
    dirty: bool


@lru_cache(maxsize=1)
def code() -> Code:
    """The commit of this checkout, read once per process; 'unknown' and dirty outside a git checkout."""
    try:
        sha = _git("rev-parse", "HEAD")
        return Code(sha, bool(_git("status", "--porcelain")))
    except (OSError, subprocess.CalledProcessError):
        return Code("unknown", True)


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True).stdout.strip()
