"""The day's first publication is shown everywhere, since a second one may be blocked; what is away does not take it back."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets import learning, models, sentiment
from lake.lake import Lake
from lake.online import OnlineFeatures
from market.errors import Permanent
from tests.support.small_lake import SmallLake

SESSION = date(2024, 5, 3)


@pytest.fixture
def published(small_lake: SmallLake, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The materialisation of `release/data` on a lake whose current release it has just published."""
    monkeypatch.setattr(models, "publish", lambda *_: (small_lake.after, True))

    def make(**settings: Any) -> dict[str, Any]:
        lake = Lake(small_lake.settings.model_copy(update=settings))
        [made] = [one for one in models.assets(SESSION, SESSION) if models.DATA in one.keys]
        result = dg.materialize([made], resources={"lake": lake}, partition_key=f"{SESSION}")
        assert result.success
        [event] = result.asset_materializations_for_node("release__data")
        return {name: told.value for name, told in event.metadata.items()}

    return make


def test_the_online_store_is_at_the_datas_release_before_there_are_predictions(
    published: Any, small_lake: SmallLake, tmp_path: Path
) -> None:
    online = f"sqlite:///{tmp_path}/online.db"
    assert "behind" not in published(online_url=online)
    found = OnlineFeatures(small_lake.settings.model_copy(update={"online_url": online})).get(["XKRX:005930"])
    assert found["release_id"].to_pylist() == [small_lake.after.release_id]


def test_a_store_that_is_away_is_told_and_the_publication_stands(published: Any, tmp_path: Path) -> None:
    told = published(online_url="redis://127.0.0.1:1/0")
    assert "the online store" in told["behind"] and "Redis" in told["behind"]


def test_headlines_that_nobody_can_read_keep_no_prices_back(
    small_lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check says why, as a warning: what depends on it goes on."""

    def away(*_: object) -> None:
        raise Permanent("sentiment", expected="the packages torch", found="no torch")

    monkeypatch.setattr(sentiment, "read", away)
    monkeypatch.setattr(models, "window_of", lambda *_: None)
    [made] = [one for one in models.assets(SESSION, SESSION) if dg.AssetKey(["silver", "sentiment"]) in one.keys]
    result = dg.materialize([made], resources={"lake": Lake(small_lake.settings)}, partition_key=f"{SESSION}")
    assert result.success
    [check] = result.get_asset_check_evaluations()
    assert not check.passed and check.severity is dg.AssetCheckSeverity.WARN
    assert "no torch" in str(check.metadata["unread"].value)


def test_a_champion_that_did_not_score_is_named_where_the_others_scores_are_shown(
    small_lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = object()
    monkeypatch.setattr(
        learning, "predict", lambda *_: learning.Predicted(made, {"return_rank_5d": "its features are others"})
    )  # type: ignore[arg-type]
    monkeypatch.setattr(models, "window_of", lambda *_: None)
    monkeypatch.setattr(models.describe, "built", lambda *_: {"rows": 7})
    passed = dg.AssetCheckResult(passed=True, check_name=models.GATE, asset_key=dg.AssetKey(["gold", "predictions"]))
    monkeypatch.setattr(models, "check", lambda *_: passed)
    [asset] = [one for one in models.assets(SESSION, SESSION) if dg.AssetKey(["gold", "predictions"]) in one.keys]
    result = dg.materialize([asset], resources={"lake": Lake(small_lake.settings)}, partition_key=f"{SESSION}")
    [event] = result.asset_materializations_for_node("gold_predictions")
    assert event.metadata["return_rank_5d did not score"].value == "its features are others"
    assert event.metadata["rows"].value == 7
