"""A real Trino over a real S3 server for tests, one of each per process, on free ports.

`shared_trino()` starts them at the first call and ends them with the process. Catalog `lake`, and `other` and `third` for tests that
need one of their own: a catalog shows one lake. What does not belong here: assertions.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from lake import aws
from lake.settings import ROOT, Settings
from marketlake import processes
from marketlake.stack.place import BUCKET, Place, write_private
from marketlake.stack.servers import s3, trino
from tests.support.s3_server import free_ports, start_s3

HEAP = "1g"
QUICK = ("-XX:TieredStopAtLevel=1",)  # a test asks each thing once: compiling well does not pay
CATALOGS = ("lake", "other", "third")


class TrinoServer:
    """The servers, and lakes on them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._process: processes.Process | None = None

    @property
    def port(self) -> int:
        """Where Trino listens."""
        return self.place.settings.trino_port

    def settings(self, lake: str, catalog: str = CATALOGS[0], **given: Any) -> Settings:
        """Settings of a lake of that name in the bucket, read through Trino's catalog."""
        keys = {name.lower(): value for name, value in s3.values(self.place).items()}
        url = trino.values(self.place)["SQL_URL"].rsplit("/", 1)[0]
        keys |= {"lake_url": f"s3://{BUCKET}/{lake}", "sql_url": f"{url}/{catalog}"}
        return Settings(_env_file=None, **{**keys, **given})

    def upload(self, folder: Path, lake: str) -> None:
        """Put a lake of a folder under that name into the bucket, file by file."""
        client = aws.client(self.settings(lake), "s3")
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            client.put_object(
                Bucket=BUCKET, Key=f"{lake}/{file.relative_to(folder).as_posix()}", Body=file.read_bytes()
            )

    def start(self) -> float:
        """Start Trino; seconds until it was ready."""
        place, folder, port = self.place, self.place.of("trino"), self.port
        trino.prepare(place)
        for file, text in trino.files(place, catalogs=CATALOGS, reads_folders=True).items():
            write_private(file, text)
        self._process = processes.start(
            trino.command(folder, heap=HEAP, jvm=QUICK), log=folder / "trino.log", environment=os.environ, cwd=ROOT, port=port,
            dies_with_us=True,
        )  # fmt: skip
        return processes.wait_ready(self._process, lambda: trino.is_ready(port), name="trino", timeout_s=120)

    def stop(self) -> None:
        """End Trino, at once."""
        if self._process is not None:
            processes.stop(self._process, grace_s=0.2)
            self._process = None


@cache
def shared_trino() -> TrinoServer:
    """Those of this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(
        serve_trino(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="marketlake-"))))
    )


@contextmanager
def serve_trino(folder: Path) -> Iterator[TrinoServer]:
    """Both servers, ended with the block."""
    place = Place(Settings(_env_file=None, state_dir=folder, s3_port=free_ports(8), trino_port=processes.free_port()))
    store, server = start_s3(place), TrinoServer(place)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        processes.stop(store, grace_s=0.5)
        shutil.rmtree(place.folder, ignore_errors=True)
