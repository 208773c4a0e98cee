"""Two Spark drivers that commit to one table on S3 at the same moment: the log store decides whether a commit is lost.

The server is SeaweedFS. The same race is shown lost with Delta's own log store for S3 and won with ours.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lake.delta import DeltaLake
from lake.log_store import CLASS
from marketlake import environment
from marketlake.stack.place import HOST, Place
from tests.support.faulty_proxy import proxy

WRITER = Path(__file__).resolve().parents[1] / "support" / "spark_writer.py"
DELTAS = "io.delta.storage.S3SingleDriverLogStore"
COMMIT = r"_delta_log/0*1\.json"


@pytest.mark.slow
@pytest.mark.parametrize("store", [DELTAS, CLASS])
def test_two_drivers_at_once(store: str, on_s3: dict[str, str], s3_place: Place, make, tmp_path) -> None:
    with proxy(HOST, s3_place.settings.s3_port) as running:
        settings = make(
            **{**on_s3, "s3_endpoint_url": running.url},
            spark_master="local[1]",
            spark_driver_memory="1g",
            state_dir=tmp_path,
        )
        uri = f"{settings.lake_url}/raced"
        write(settings, uri, ["first"], store)
        running.set(meet=COMMIT, patience_s=20)
        acknowledged = write(settings, uri, ["left", "right"], store)
        statuses = [status for path, status in running.seen().puts if path.endswith("00000000000000000001.json")]
        table = DeltaTable(uri, storage_options=DeltaLake(settings).storage_options)
        there = sorted(table.to_pyarrow_table()["name"].to_pylist())
    assert acknowledged == ["left", "right"] and len(statuses) >= 2, "both were told that their commit had been taken"
    if store == DELTAS:
        assert len(there) == 2, "one of the acknowledged commits is gone"
    else:
        assert there == ["first", "left", "right"] and 412 in statuses


def write(settings, uri: str, names: list[str], store: str) -> list[str]:
    """Names of the drivers whose append was acknowledged, all begun at one moment."""
    variables = {
        **environment.as_environment(settings),
        "PYTHONPATH": str(environment.ROOT),
        "HOME": os.environ["HOME"],
    }
    drivers = [
        subprocess.Popen(
            [sys.executable, str(WRITER), uri, name, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=variables, cwd=environment.ROOT,
        )
        for name in names
    ]  # fmt: skip
    try:
        for driver in drivers:
            assert driver.stdout is not None and driver.stdout.readline() == "ready\n"
        for driver in drivers:
            assert driver.stdin is not None
            driver.stdin.write("go\n")
            driver.stdin.flush()
        told = [driver.communicate(timeout=300)[0] for driver in drivers]
    finally:
        for driver in drivers:
            driver.kill()
    return [name for name, text in zip(names, told, strict=True) if "acknowledged" in text]
