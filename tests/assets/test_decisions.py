"""A decision reaches what is served within one look, from the command line's functions and from the UI's jobs; what cannot be served is not decided for."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from assets import decisions, learning, models
from jobs.decisions import promote_model, roll_back_model, shadow_model
from lake.lake import Lake
from market import exports
from market.errors import Permanent
from market.features.catalogue import catalogue
from market.table import Window
from serving.champions import Champions
from tests.assets.conftest import MODEL
from training import registry
from training.trained import Trained
from training.versions import SHADOW

NAME, MODEL_DAY = MODEL.name, date(2023, 8, 1)


@pytest.fixture
def served(undecided: Lake) -> Champions:
    """What the API has loaded; `refresh` is its look twice a second."""
    return Champions(undecided.store)


def version_of(served: Champions) -> int | None:
    served.refresh()
    champion = served.get(NAME)
    return None if champion is None else champion.version


def pointer(lake: Lake, alias: str) -> dict[str, Any] | None:
    path = f"models/{NAME}/{alias}.json"
    return json.loads(lake.store.get(path)) if lake.store.exists(path) else None


def aliases(lake: Lake) -> dict[int, list[str]]:
    return {held["version"]: held["aliases"] for held in registry.list_models(learning.tracking_uri(lake))}  # type: ignore[misc]


def test_a_training_measures_what_the_gates_ask_of_every_model(two_versions: tuple[Lake, Trained, Trained]) -> None:
    _, fitted, _ = two_versions
    assert {"rank_ic_of_XKRX", "rank_ic_worst_slice_t", "leaks", "deflated_rank_ic"} <= fitted.metrics.keys()


def test_promotion_and_rollback_from_the_ui_reach_the_api_without_a_restart(undecided: Lake, served: Champions) -> None:
    assert version_of(served) is None
    for version in (1, 2):
        asked = {"ops": {"promote_version": {"config": {"model": NAME, "version": version, "force": True}}}}
        assert promote_model.execute_in_process(run_config=asked, resources={"lake": undecided}).success
        assert version_of(served) == version
    back = {"ops": {"restore_version": {"config": {"model": NAME}}}}
    assert roll_back_model.execute_in_process(run_config=back, resources={"lake": undecided}).success
    assert version_of(served) == 1
    assert aliases(undecided) == {2: [], 1: ["champion"]}


def test_a_refusal_in_the_ui_is_a_failed_run_with_every_reason(undecided: Lake, served: Champions) -> None:
    asked = {"ops": {"promote_version": {"config": {"model": NAME, "version": 1}}}}
    with pytest.raises(dg.Failure, match="version 1 is refused") as refused:
        promote_model.execute_in_process(run_config=asked, resources={"lake": undecided})
    assert "signal refused: rank_ic_mean" in str(refused.value.metadata["reasons"].value)
    assert "fresh passed: sessions_behind 0.00000" in str(refused.value.metadata["reasons"].value)
    assert version_of(served) is None


def test_a_shadow_set_in_the_ui_is_exported_and_not_served_until_it_is_promoted(
    undecided: Lake, served: Champions
) -> None:
    decisions.promote(undecided, NAME, 1, force=True)
    asked = {"ops": {"set_shadow": {"config": {"model": NAME, "version": 2, "reason": "to be watched"}}}}
    assert shadow_model.execute_in_process(run_config=asked, resources={"lake": undecided}).success
    assert pointer(undecided, "shadow")["version"] == 2  # type: ignore[index]
    assert undecided.store.exists(f"models/{NAME}/2/booster.ubj")
    assert version_of(served) == 1
    decisions.promote(undecided, NAME, 2, force=True)
    assert pointer(undecided, "shadow") is None
    assert (version_of(served), aliases(undecided)) == (2, {2: ["champion"], 1: []})


def test_a_shadow_is_taken_away(undecided: Lake) -> None:
    decisions.shadow(undecided, NAME, 2, "to be watched")
    none = {"ops": {"set_shadow": {"config": {"model": NAME}}}}
    assert shadow_model.execute_in_process(run_config=none, resources={"lake": undecided}).success
    assert (pointer(undecided, "shadow"), aliases(undecided)) == (None, {2: [], 1: []})
    with pytest.raises(Permanent, match="a shadow; was none"):
        decisions.shadow(undecided, NAME, None, "again")
    with pytest.raises(Permanent, match="one that scores sessions"):
        decisions.shadow(undecided, "headline_sentiment", 1, "reads texts")


def test_scoring_mends_what_a_process_left_that_ended_between_decision_and_pointer(undecided: Lake) -> None:
    uri = learning.tracking_uri(undecided)
    registry.assign(uri, NAME, SHADOW, 2, "and the process ends before it installs")
    assert learning.installed(undecided, NAME, SHADOW) == 2
    assert pointer(undecided, "shadow")["version"] == 2  # type: ignore[index]
    registry.assign(uri, NAME, SHADOW, None, "and the process ends before it withdraws")
    assert learning.installed(undecided, NAME, SHADOW) is None
    assert pointer(undecided, "shadow") is None


def test_a_run_that_files_challengers_makes_no_champion(
    undecided: Lake, two_versions: tuple[Lake, Trained, Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the retrain sensor asks for it; the version is the second one, so that no other is fitted."""
    decisions.promote(undecided, NAME, 1, force=True)
    monkeypatch.setattr(learning, "fit", lambda *_: two_versions[2])
    monkeypatch.setattr(decisions, "gates_of", lambda name: ())  # whatever it is asked it passes
    training = next(one for one in models.assets(MODEL_DAY, MODEL_DAY) if dg.AssetKey(["models", NAME]) in one.keys)
    filed = dg.materialize([training], resources={"lake": undecided}, tags={models.FILES: "version 1 has drifted"})
    assert filed.success
    assert aliases(undecided) == {2: ["challenger"], 1: ["champion"]}
    (*_, filing) = registry.decisions(learning.tracking_uri(undecided), NAME, 2)
    assert filing["reasons"][0] == "filed: version 1 has drifted"  # type: ignore[index]
    assert dg.materialize([training], resources={"lake": undecided}).success
    assert aliases(undecided) == {2: ["champion"], 1: []}, "without the tag it is promoted"


def test_sessions_are_counted_by_the_exchange_that_has_most() -> None:
    assert decisions.sessions_behind(date(2024, 4, 30), date(2024, 5, 3)) == 3, (
        "Seoul rests on the first of May, New York does not"
    )
    assert decisions.sessions_behind(date(2024, 5, 3), date(2024, 5, 3)) == 0


def test_an_old_version_is_not_promoted_unnoticed(undecided: Lake) -> None:
    release = learning.current(undecided)
    undecided.releases.publish(
        replace(release, release_id="r00003", parent=release.release_id, last_session="2023-12-28")
    )
    refused = decisions.promote(undecided, NAME, 1)
    (fresh,) = [outcome for outcome in refused.outcomes if outcome.gate == "fresh"]
    assert not fresh.passed
    assert decisions.promote(undecided, NAME, 1, force=True).forced


def test_a_version_whose_features_are_others_by_now_is_neither_promoted_nor_scored(
    undecided: Lake, served: Champions, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions.promote(undecided, NAME, 2, force=True)
    decisions.promote(undecided, NAME, 1, force=True)
    assert version_of(served) == 1
    today = catalogue() | {"rsi_14": replace(catalogue()["rsi_14"], unit="fraction")}
    monkeypatch.setattr(exports, "catalogue", lambda: today)
    told = "rsi_14 was in percent, and is in fraction"
    release = learning.current(undecided)
    for refused in (
        lambda: decisions.promote(undecided, NAME, 2, force=True),
        lambda: decisions.rollback(undecided, NAME),
        lambda: decisions.shadow(undecided, NAME, 2, "to be watched"),
        lambda: learning.scores(
            undecided, release, NAME, 1, Window(MODEL_DAY, MODEL_DAY, datetime(2023, 8, 2, tzinfo=UTC))
        ),
    ):
        with pytest.raises(Permanent, match=told):
            refused()
    assert aliases(undecided) == {2: [], 1: ["champion"]}, "nothing was decided"
    begun_anew = Champions(undecided.store)
    assert version_of(begun_anew) is None
    assert told in str(begun_anew.unserved(NAME))
