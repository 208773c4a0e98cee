"""One call with each source's key: which works, which is refused and why, what is missing; and the smoke tests of the real hosts."""

from typing import Any

import pytest

from exchange.server import Server
from lake.clients import keys, names
from lake.settings import Settings, read_settings
from lake.trial import Tried, tried
from lake.world import OFF
from market.sources import SOURCES

KEYED = tuple(name for name, (needed, _) in keys().items() if needed and not SOURCES[name].member)
"""A member's source says no in other ways, and is off without an id: `test_krx_market.py`."""


def told(settings: Settings) -> dict[str, Tried]:
    return {one.source: one for one in tried(settings)}


def test_every_source_is_asked_once_and_works(settings: Settings, exchange: Server) -> None:
    found = told(settings)
    assert set(found) == set(names())
    assert {one.state for one in found.values()} == {"works"}
    assert not any(one.is_live for one in found.values())


@pytest.mark.parametrize("source", KEYED)
def test_a_refused_key_is_told_with_what_to_do(settings: Settings, exchange: Server, source: str) -> None:
    exchange.set_faults([f"expired-key:source={source}"])
    found = told(settings)
    assert {name for name, one in found.items() if one.state != "works"} == {source}
    assert found[source].state == "refused"
    assert SOURCES[source].setting("").upper() in found[source].do and keys()[source][1][:20] in found[source].do


@pytest.mark.parametrize("source", KEYED)
def test_spent_calls_are_told_as_such(settings: Settings, exchange: Server, source: str) -> None:
    exchange.set_faults([f"quota:source={source}"])
    found = told(settings)[source]
    assert found.state == "refused"
    assert "calls left for today" in found.found and "QUOTA_PER_DAY" in found.do


@pytest.mark.parametrize("source", KEYED)
def test_a_key_that_is_not_set_says_where_to_get_one(settings: Settings, source: str) -> None:
    needed, where = keys()[source]
    without = settings.model_copy(update={needed[0]: Settings.model_fields[needed[0]].default})
    found = told(without)[source]
    assert found.state == "not set"
    assert where in found.do


def test_a_host_that_is_away_is_no_refusal(settings: Settings, exchange: Server) -> None:
    exchange.set_faults(["server-errors:source=dart"])
    assert told(settings)["dart"].state == "away"
    nobody = settings.model_copy(update={"exchange_url": "http://127.0.0.1:9"})
    assert {one.state for one in tried(nobody)} == {"away"}


def test_a_source_that_is_off_is_not_asked(settings: Settings) -> None:
    assert told(settings.model_copy(update={"kakao_base_url": OFF}))["daum"].state == "off"


def test_the_real_sec_is_not_asked_without_a_name(settings: Settings) -> None:
    found = told(settings.model_copy(update={"sec_base_url": "live"}))["sec"]
    assert (found.state, found.is_live) == ("not set", True)
    assert "who he is" in found.do


@pytest.mark.live
@pytest.mark.parametrize("source", names())
def test_the_real_host_lets_us_in(source: str) -> None:
    settings = read_settings()
    setting = SOURCES[source].setting("base_url")
    if getattr(settings, setting) != "live":
        pytest.skip(f"MARKETLAKE_{setting.upper()} is not 'live'")
    found: Any = told(settings)[source]
    if found.state == "not set":
        pytest.skip(f"{source}: {found.found}; {found.do}")
    assert found.state == "works", found
