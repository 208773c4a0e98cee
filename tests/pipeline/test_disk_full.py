"""A disk that is full in the middle of a day: nothing half-written is visible, and with room again the day runs to the same digests."""

import shutil
from dataclasses import replace

import pytest

from jobs.run import Runner
from market.errors import MarketlakeError
from tests.support.disk import KB


@pytest.mark.slow
def test_a_day_on_a_full_disk_is_as_if_it_had_not_been(desk, disk, sessions, settings_at, tmp_path):
    day = sessions[-3]
    undisturbed = settings_at(tmp_path / "undisturbed")
    shutil.copytree(desk.settings.lake_url, undisturbed.lake_url)
    Runner(undisturbed).day(day)
    expected = replace(desk, runner=Runner(undisturbed), settings=undisturbed).digests()
    for room in (40 * KB, 250 * KB, 600 * KB):
        settings = settings_at(tmp_path / f"{room}").model_copy(update={"lake_url": str(disk.folder / f"{room}")})
        shutil.copytree(desk.settings.lake_url, settings.lake_url)
        desk_on_it = replace(desk, runner=Runner(settings), settings=settings)
        before = desk_on_it.lake.releases.current()
        disk.leave(room)
        with pytest.raises(MarketlakeError, match=r"(?i)no space"):
            desk_on_it.runner.day(day)
        assert desk_on_it.lake.releases.current() == before
        disk.resize(1024 * KB * KB)
        desk_on_it.runner.day(day)
        assert desk_on_it.digests() == expected, f"with {room} bytes left"
