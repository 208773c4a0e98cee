"""The registry's decision and what is served agree again, wherever the process ended between the two."""

import json
from collections.abc import Callable

from assets import learning
from lake.lake import Lake
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
