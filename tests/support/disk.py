"""A small file system that can be full. What does not belong here: what is written on it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

KB = 1024


class Disk:
    """A file system in memory, as large as it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resize(self, n_bytes: int) -> None:
        """Make it that large."""
        subprocess.run(["mount", "-o", f"remount,size={n_bytes // KB}k", str(self.folder)], check=True)

    def leave(self, n_bytes: int) -> None:
        """Leave so much room on it."""
        self.resize(shutil.disk_usage(self.folder).used + n_bytes)


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """One of a gigabyte; skips where mounting is not allowed."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
