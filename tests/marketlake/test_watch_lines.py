"""What `doctor` and `status` say of the sources: what wants a look, keys that end, and who lets us in."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lake.clients import keys
from lake.clock import system_clock
from lake.objects import lake_store
from lake.settings import Settings
from lake.watch import Watch, Watched, keep
from market.sources import SOURCES
from marketlake import checkup
from marketlake.commands import stack

PLAIN = Watched("krx", "live", (), "2024-06-27", "2024-06-28", 10, 10_000, "", True, (), "")
SPENT = replace(PLAIN, source="dart", calls_made=9_999)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    off = {source.setting("base_url"): "off" for source in SOURCES.values()}
    return Settings(_env_file=None, lake_url=str(tmp_path / "lake"), state_dir=tmp_path / "var", **off)


def test_before_the_first_run_nothing_is_said(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(checkup._watched(settings)) == []
    stack._tell_of_sources(settings)
    assert capsys.readouterr().out == ""


def test_what_wants_a_look_is_said_source_by_source(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    keep(lake_store(settings), Watch("2024-06-28T09:00:00+00:00", (PLAIN, SPENT)))
    found = {one.what: one for one in checkup._watched(settings)}
    assert (found["watch of krx"].state, found["watch of krx"].found) == ("ok", "as expected")
    assert found["watch of dart"].state == "optional" and "/watch" in found["watch of dart"].do
    stack._tell_of_sources(settings)
    assert capsys.readouterr().out == "source dart: 1 of 10,000 calls left on 2024-06-28\n"


def test_a_source_that_is_off_is_fine_and_a_live_one_without_its_key_is_missing(settings: Settings) -> None:
    assert {one.state for one in checkup.of_sources(settings)} == {"ok"}
    found = {one.what: one for one in checkup.of_sources(settings.model_copy(update={"krx_base_url": "live"}))}
    told = found["krx answers (live)"]
    assert told.state == "missing" and "not set" in told.found and "openapi.krx.co.kr" in told.do


@pytest.mark.parametrize(
    ("days", "state", "words"), [(400, "ok", "ends on"), (10, "optional", "in"), (-10, "optional", "ended on")]
)
@pytest.mark.parametrize(("source", "where"), [("krx", "openapi.krx.co.kr"), ("krx_market", "data.krx.co.kr")])
def test_a_key_that_ends_is_told_with_where_to_renew_it(
    settings: Settings, source: str, where: str, days: int, state: str, words: str
) -> None:
    every = {name: type(settings.krx_api_key)("k") for name in keys()[source][0]}
    ends = {f"{source}_base_url": "", f"{source}_key_ends": system_clock().date() + timedelta(days=days)}
    told = settings.model_copy(update=every | ends)
    (found,) = [one for one in checkup._keys(told) if one.what == f"key of {source} (simulated)"]
    assert (found.state, words in found.found) == (state, True)
    assert (where in found.do) is (state != "ok")


def test_every_source_whose_keys_are_set_is_told_so(settings: Settings) -> None:
    """Without a last day in the settings nothing is said of one, and each source with keys has a setting for it."""
    every = {name: type(settings.krx_api_key)("k") for names, _ in keys().values() for name in names}
    on = {source.setting("base_url"): "" for source in SOURCES.values()}
    told = {one.what: one.found for one in checkup._keys(settings.model_copy(update=every | on))}
    assert told == {f"key of {source} (simulated)": "set" for source, (names, _) in keys().items() if names}
