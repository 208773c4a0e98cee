"""A shadow scores beside the champion into a table of its own, keeps nothing back when it fails, and is held against it later."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import dagster as dg
import pyarrow.compute as pc
import pytest

from assets import decisions, learning, models, shadows
from assets.publish import PREDICTIONS
from lake.lake import Lake
from market import calendars, exports, registry
from market.errors import Permanent
from market.evaluation import session_rank_ic
from market.features.catalogue import catalogue
from market.table import Window
from marketlake import checkup, environment
from marketlake.commands import models as commands
from tests.assets.conftest import MODEL, N_SECURITIES, N_SESSIONS, make_frame, write_version

NAME, LATER = MODEL.name, 40
NOW = datetime(2023, 12, 1, tzinfo=UTC)


@pytest.fixture
def lake(undecided: Lake) -> Lake:
    """Version 1 is champion; the current release has forty sessions more than it was trained on, and its scores of all of them."""
    decisions.promote(undecided, NAME, 1, force=True)
    release = learning.current(undecided)
    for table in (learning.FEATURES, learning.LABELS):
        shutil.rmtree(f"{undecided.settings.lake_url}/{table.replace('.', '/')}")
    frame = make_frame(7, N_SESSIONS + LATER)
    tables = {name: write_version(undecided, name, frame) for name in (learning.FEATURES, learning.LABELS)}
    later = replace(release, release_id="r00003", tables=tables, last_session=str(frame["session_date"].max()))
    window = window_of(later.last_session)
    undecided.releases.publish(later)
    said = learning.scores(undecided, later, NAME, 1, window)
    tables[PREDICTIONS] = undecided.replace(registry.table(PREDICTIONS), said, window)
    undecided.releases.publish(replace(later, release_id="r00004", kind="predictions", tables=tables))
    return undecided


def window_of(last: str, first: str = "2023-01-02") -> Window:
    return Window(date.fromisoformat(first), date.fromisoformat(last), NOW)


def test_without_a_shadow_nothing_is_written(lake: Lake) -> None:
    assert shadows.predict(lake, window_of("2023-08-31")) == shadows.Shadowed({}, {}, 0)
    assert not lake.delta.exists(shadows.SHADOWS)


def test_a_shadow_scores_into_a_table_of_its_own(lake: Lake) -> None:
    decisions.shadow(lake, NAME, 2, "to be watched")
    release = learning.current(lake)
    before = lake.delta.version(registry.table(PREDICTIONS))
    last = date.fromisoformat(release.last_session)
    window = window_of(f"{last}", f"{calendars.previous_session('XKRX', last)}")
    assert shadows.predict(lake, window) == shadows.Shadowed({NAME: 2}, {}, 2 * N_SECURITIES)
    rows = lake.delta.read(registry.table(shadows.SHADOWS))
    assert set(rows["model_version"].to_pylist()) == {2}
    own = learning.scores(lake, release, NAME, 2, window)
    assert sorted(rows["score"].to_pylist()) == sorted(own["score"].to_pylist())
    assert lake.delta.version(registry.table(PREDICTIONS)) == before, "what people read is the champion's alone"
    shadows.predict(lake, window)
    assert lake.delta.read(registry.table(shadows.SHADOWS)).num_rows == rows.num_rows, "twice is once"


def test_a_shadow_that_fails_warns_and_the_run_succeeds(lake: Lake) -> None:
    decisions.shadow(lake, NAME, 2, "to be watched")
    lake.store.put(f"models/{NAME}/2/booster.ubj", b"broken")
    lake.__dict__["world"] = SimpleNamespace(clock=lambda: lambda: NOW)  # there is no exchange to ask
    day = date(2023, 10, 4)
    asset = next(one for one in models.assets(day, day) if models.SHADOWED in one.keys)
    made = dg.materialize([asset], resources={"lake": lake}, partition_key=f"{day}")
    assert made.success
    (check,) = made.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "the signature's booster" in str(check.metadata[NAME].value)


def test_both_are_held_against_each_other_on_sessions_that_neither_was_trained_on(lake: Lake) -> None:
    with pytest.raises(Permanent, match="no shadow"):
        shadows.compared(lake, NAME)
    decisions.shadow(lake, NAME, 2, "to be watched")
    every = learning.current(lake).last_session
    shadows.predict(lake, window_of(every))
    champion, shadow, found = shadows.compared(lake, NAME)
    assert (champion, shadow, found.sessions, found.rows) == (1, 2, LATER, LATER * N_SECURITIES)
    later = calendars.sessions("XKRX", date(2023, 1, 2), date.fromisoformat(every))[N_SESSIONS]
    rows = lake.delta.read(registry.table(PREDICTIONS))
    rows = rows.filter(pc.greater_equal(rows["session_date"], later)).to_pandas()
    labels = lake.delta.read(registry.table(learning.LABELS)).to_pandas()
    both = rows.merge(labels[["security_id", "session_date", MODEL.label]], on=["security_id", "session_date"])
    daily = session_rank_ic(both["score"], both[MODEL.label], both["session_date"], both["exchange"])
    assert found.champion.rank_ic == pytest.approx(daily.mean())
    assert found.correlation > 0.3, "two seeds of one model on the same rows"


def test_the_command_line_sets_the_shadow_and_tells_of_both(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "opened", lambda: lake.settings)
    commands.shadow(NAME, 2, clear=False, reason="to be watched")
    commands.compare(NAME)
    assert "have no session yet" in capsys.readouterr().out
    shadows.predict(lake, window_of(learning.current(lake).last_session))
    commands.compare(NAME)
    told = capsys.readouterr().out
    assert "champion 1" in told and "shadow 2" in told and "not known below 100 sessions" in told
    commands.compare(NAME, as_json=True)
    assert json.loads(capsys.readouterr().out)["sessions"] == LATER
    commands.list_(as_json=True)
    assert {one["version"]: one["alias"] for one in json.loads(capsys.readouterr().out)} == {1: "champion", 2: "shadow"}
    commands.shadow(NAME, None, clear=True, reason="seen enough")
    with pytest.raises(Permanent, match="no shadow"):
        commands.compare(NAME)


def test_the_list_and_the_doctor_tell_of_a_champion_that_cannot_be_served(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "opened", lambda: lake.settings)
    assert [one.state for one in checkup.of_models(lake.settings)] == ["ok"]
    today = catalogue() | {"rsi_14": replace(catalogue()["rsi_14"], unit="fraction")}
    monkeypatch.setattr(exports, "catalogue", lambda: today)
    commands.list_()
    told = "version 1 cannot be served: rsi_14 was in percent, and is in fraction"
    assert told in capsys.readouterr().err
    (finding,) = checkup.of_models(lake.settings)
    assert (finding.what, finding.state, finding.found) == (f"champion {NAME}", "missing", told)
