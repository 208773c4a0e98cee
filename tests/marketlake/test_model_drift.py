"""`models drift`: what was measured, worst first, with what to do."""

import json

import pytest

from lake.objects import lake_store
from lake.settings import Settings
from tests.marketlake.conftest import run
from tests.support.champion import MODEL, keep_drift


@pytest.fixture
def measured(user: Settings) -> Settings:
    """A champion that was measured beside one, `m`, that was not."""
    lake_store(user).put(f"models/{MODEL}/champion.json", b'{"version": 3}')
    keep_drift(user, version=3)
    return user


def test_the_worst_comes_first_with_why_and_what_to_do(measured: Settings) -> None:
    told = run("models", "drift", MODEL)
    assert f"{MODEL} version 3 on release r00002: drifted; " in told and "train again" in told
    assert told.index("rsi_14") < told.index("return_1d")
    assert told.splitlines()[-2] == "  rsi_14: PSI 0.4", "what is steady needs no sentence"


def test_every_champion_is_told_and_one_that_was_not_measured_says_so(measured: Settings) -> None:
    told = run("models", "drift")
    assert "m: not measured yet" in told and "rsi_14" in told
    rows = json.loads(run("models", "drift", "--json"))
    assert [(row["quantity"], row["verdict"], row["session_date"]) for row in rows] == [
        ("rsi_14", "drifted", "2024-05-03"), ("return_1d", "steady", "2024-05-03"),
    ]  # fmt: skip


def test_a_measurement_of_another_version_is_not_the_champions(measured: Settings) -> None:
    lake_store(measured).put(f"models/{MODEL}/champion.json", b'{"version": 4}')
    assert f"{MODEL}: not measured yet" in run("models", "drift", MODEL)


def test_a_name_without_a_champion_is_refused_with_those_there_are(measured: Settings) -> None:
    assert f"m, {MODEL}" in run("models", "drift", "nothing", code=1)
