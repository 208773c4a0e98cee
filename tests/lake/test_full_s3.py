"""An S3 server whose disk is full: what it cannot hold is not there, nothing half of it is seen, and with room again the next commit is."""

import os
from time import monotonic, sleep

import pytest
from deltalake.exceptions import DeltaError

from lake.delta import DeltaLake
from market.errors import MarketlakeError
from tests.lake.test_commits_on_s3 import TABLE, rows
from tests.support.disk import KB, Disk
from tests.support.s3_server import place_settings, s3_server

REFUSED = (MarketlakeError, DeltaError, OSError)
AGAIN_S = 120  # SeaweedFS looks at its disks once a minute


@pytest.mark.slow
def test_what_a_full_s3_server_cannot_hold_is_not_there_and_with_room_again_the_next_commit_is(disk: Disk) -> None:
    with s3_server(disk.folder) as place:
        delta = DeltaLake(place_settings(place, "lake"))

        def append(name: str) -> None:
            large = rows(name).set_column(
                TABLE.schema.get_field_index("request"), "request", [[os.urandom(100 * KB).hex()]]
            )
            delta.append(TABLE, large, app_id=name, app_version=1)
            there.append(name)

        there: list[str] = []
        append("first")
        disk.leave(500 * KB)
        with pytest.raises(REFUSED):
            list(map(append, map(str, range(100))))
        n_before = len(there)
        assert n_before < 50
        assert sorted(delta.read(TABLE)["request_id"].to_pylist()) == sorted(there)
        disk.resize(1024 * KB * KB)
        give_up = monotonic() + AGAIN_S
        while len(there) == n_before:
            try:
                append("with room again")
            except REFUSED:
                assert monotonic() < give_up
                sleep(2)
        assert sorted(delta.read(TABLE)["request_id"].to_pylist()) == sorted(there)
