"""The registry's decision and what is served agree again, wherever the process ended between the two."""

import json
from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from assets import learning
from lake.lake import Lake
from tests.assets.conftest import bars_of
from training import registry
from training.catalogue import models
from training.trained import Trained

NAME = "return_rank_5d"


def test_scoring_serves_what_the_registry_decided_before_a_process_ended(
    trained_lake: Lake, record: Callable[..., Trained]
) -> None:
    first, second = record(trained_lake), record(trained_lake)
    uri = learning.tracking_uri(trained_lake)
    assert NAME in models()
    assert learning.installed(trained_lake, NAME) is None
    registry.promote(uri, NAME, first.version, force=True)
    assert learning.installed(trained_lake, NAME) == first.version
    registry.promote(uri, NAME, second.version, force=True)  # and the process ends before it installs
    pointer = json.loads(trained_lake.store.get(f"models/{NAME}/champion.json"))
    assert pointer["version"] == first.version
    assert learning.installed(trained_lake, NAME) == second.version
    pointer = json.loads(trained_lake.store.get(f"models/{NAME}/champion.json"))
    assert (pointer["version"], pointer["run_id"]) == (second.version, second.run_id)
    assert trained_lake.store.get(f"models/{NAME}/{second.version}/booster.ubj") == second.booster
    assert trained_lake.store.get(f"models/{NAME}/{second.version}/card.md").startswith(f"# {NAME}\n".encode())
    assert trained_lake.store.get(f"models/{NAME}/{second.version}/tenths.png").startswith(b"\x89PNG")


def test_a_release_speaks_against_outcomes_that_its_prices_do_not_have(
    trained_lake: Lake, write: Callable[..., int]
) -> None:
    """The lake's outcomes are drawn at random: its prices say otherwise, and of its names one is not in the frame."""
    model, release = models()[NAME], learning.current(trained_lake)
    frame = learning.training_frame(trained_lake, release, model)
    bars = bars_of(frame)
    other = bars[bars["security_id"] == "XKRX:000001"].assign(security_id="XKRX:999999")
    release = replace(
        release, tables={**release.tables, "gold.prices": write(trained_lake, "gold.prices", pd.concat([bars, other]))}
    )
    label, universe = learning.accusations(trained_lake, release, model, frame)
    assert label.startswith("label: ") and "the prices say 0" in label
    assert universe == "universe: 1 of 13 names with prices are left out, 0 of them gone since: XKRX:999999"


def test_a_search_reads_the_release_and_registers_nothing(trained_lake: Lake) -> None:
    before = len(registry.list_models(learning.tracking_uri(trained_lake)))
    told: list[tuple[int, int, str]] = []
    found = learning.search(trained_lake, models()[NAME], 1, lambda *step: told.append(step))
    assert len(found.tried) == 1 and [step[:2] for step in told] == [(1, 1)]
    assert len(registry.list_models(learning.tracking_uri(trained_lake))) == before
