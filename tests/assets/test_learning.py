"""The registry's decision and what is served agree again, wherever the process ended between the two."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest

from assets import learning
from lake.lake import Lake
from market import registry as contracts
from market.errors import Permanent
from market.table import Table, Window
from tests.assets.conftest import bars_of
from tests.support.small_lake import SmallLake
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
    """The lake's outcomes and features are drawn at random: its prices say otherwise, and of its names one is not in the frame."""
    model, release = models()[NAME], learning.current(trained_lake)
    frame = learning.training_frame(trained_lake, release, model)
    bars = bars_of(frame)
    other = bars[bars["security_id"] == "XKRX:000001"].assign(security_id="XKRX:999999")
    release = replace(
        release, tables={**release.tables, "gold.prices": write(trained_lake, "gold.prices", pd.concat([bars, other]))}
    )
    label, universe, *future = learning.accusations(trained_lake, release, model, frame)
    assert label.startswith("label: ") and "the prices say 0" in label
    assert len(future) == len(model.features) and all(one.startswith("future: ") for one in future)
    assert universe == "universe: 1 of 13 names with prices are left out, 0 of them gone since: XKRX:999999"


def test_a_search_reads_the_release_and_registers_nothing(trained_lake: Lake) -> None:
    before = len(registry.list_models(learning.tracking_uri(trained_lake)))
    told: list[tuple[int, int, str]] = []
    found = learning.search(trained_lake, models()[NAME], 1, lambda *step: told.append(step))
    assert len(found.tried) == 1 and [step[:2] for step in told] == [(1, 1)]
    assert len(registry.list_models(learning.tracking_uri(trained_lake))) == before


def test_a_champion_that_cannot_score_keeps_nobody_elses_scores_back(
    trained_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it said before stays; where nobody can score, the reasons are told."""
    made: dict[str, pa.Table] = {}
    broken: set[str] = set()

    def scores(lake: Lake, release: object, name: str, version: int, window: Window) -> pa.Table:
        if name in broken:
            raise Permanent(name, expected="the features that it was fitted on", found="others")
        rows = pd.DataFrame({"session_date": [window.start], "security_id": ["XKRX:000001"], "exchange": "XKRX", "model": name,
                             "model_version": version, "run_id": "r", "data_release": "r00001", "score": 0.5 + len(broken),
                             "rank": 0.5, "known_at": pd.Timestamp(window.now)})  # fmt: skip
        rows["session_month"] = f"{window.start:%Y-%m}"
        return contracts.table("gold.predictions").conform(pa.Table.from_pandas(rows, preserve_index=False))

    def keep(lake: Lake, table: Table, rows: pa.Table, window: Window) -> object:
        lake.replace(table, rows, window)
        made["rows"] = rows
        return made

    for name, stub in (("scores", scores), ("keep", keep), ("installed", lambda lake, name: 1)):
        monkeypatch.setattr(learning, name, stub)
    day = learning.training_frame(trained_lake, learning.current(trained_lake), models()[NAME])["session_date"].max()
    window = Window(day, day, datetime(2024, 6, 1, tzinfo=UTC))
    assert learning.predict(trained_lake, window).failures == {}
    names = set(models())
    broken.add(NAME)
    told = learning.predict(trained_lake, window).failures
    assert list(told) == [NAME] and "fitted on" in told[NAME]
    rows = made["rows"].to_pandas().set_index("model")["score"]
    assert rows[NAME] == 0.5 and set(rows.drop(NAME)) == {1.5} and set(rows.index) == names
    broken |= names
    with pytest.raises(Permanent, match="fitted on"):
        learning.predict(trained_lake, window)


def test_features_of_a_real_lake_hold_nothing_of_the_future_and_moved_ones_do(small_lake: SmallLake) -> None:
    """Made again from the prices up to a session, they have the bits that they have with all that came later."""
    lake, model = Lake(small_lake.settings), models()[NAME]
    frame = learning.training_frame(lake, small_lake.after, model)
    told = learning.accusations(lake, small_lake.after, model, frame)
    assert not [one for one in told if one.startswith("future")], told
    leaking = frame.assign(rsi_14=frame.groupby("security_id")["rsi_14"].shift(-1))
    [found] = [one for one in learning.accusations(lake, small_lake.after, model, leaking) if one.startswith("future")]
    assert found.startswith("future: rsi_14 has another value")
