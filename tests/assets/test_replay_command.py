"""`marketlake replay`: which code made the run again is said, and one run that cannot be made again does not hide the others."""

import json
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets import replay
from lake import settings as settings_module
from lake.lake import Lake
from lake.settings import Settings
from marketlake.cli import app
from training.tracking import PACKAGES
from training.trained import Trained

Like = Callable[..., str]


@pytest.fixture(autouse=True)
def _environment(trained_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MARKETLAKE_")]:
        monkeypatch.delenv(name)
    for name in ("lake_url", "mlflow_tracking_uri", "state_dir"):
        monkeypatch.setenv(f"MARKETLAKE_{name.upper()}", str(getattr(trained_lake.settings, name)))


def run(*words: str, code: int) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


def test_a_run_made_again_with_other_code_does_not_just_match(like: Like) -> None:
    said = run("replay", like(code_sha="0" * 40, code_dirty=True), code=0)
    assert "matches, bit for bit, with other code than the run's" in said
    assert "which no commit holds" in said


def test_a_run_whose_commit_is_gone_is_made_again_here_where_asked(like: Like) -> None:
    run_id = like(code_sha="0" * 40, code_dirty=False)
    run("replay", run_id, code=1)
    said = run("replay", run_id, "--here", code=0)
    assert "with other code than the run's" in said
    assert "made again with the present code" in said


def test_a_run_of_another_version_of_its_library_does_not_just_match(like: Like) -> None:
    said = run("replay", like(told={PACKAGES: "xgboost 0.1"}), "--here", code=0)
    assert "matches, bit for bit" in said
    assert f"with other packages than the run's (xgboost: recorded 0.1, here {version('xgboost')})" in said


def test_all_tells_each_run_as_it_ends_and_counts_what_differs_and_what_was_not_made_again(
    recorded: Trained, like: Like
) -> None:
    lock = {"tables": dict.fromkeys(("gold.features_daily", "gold.labels"), 99)}
    gone, other = like(registered=True, **lock), like(registered=True, seed=8)
    told = {one["run_id"]: one for one in json.loads(run("replay", "--all", "--here", "--json", code=1))}
    verdicts = {run_id: told[run_id]["verdict"] for run_id in (recorded.run_id, gone, other)}
    assert list(verdicts.values()) == ["matches", "not replayed", "differs"]
    assert told[gone]["failure"] and not told[gone]["matches"]

    *lines, summary = run("replay", "--all", "--here", code=1).splitlines()
    n = len(told)
    firsts = [line for line in lines if not line.startswith("  ")]
    assert [line.split()[0] for line in firsts] == [f"{number}/{n}" for number in range(1, n + 1)]
    assert any("return_rank_5d" in line and f"{other}: DIFFERS" in line for line in firsts)
    assert any(f"{gone}: NOT REPLAYED" in line for line in firsts)
    assert summary == f"{n - 2} of {n} match; 1 differs: {other}; 1 not replayed: {gone}"


def test_a_work_tree_of_another_commit_is_given_what_the_settings_say_and_no_file_that_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "ROOT", tmp_path)
    monkeypatch.setenv("MARKETLAKE_ENV_FILE", "var/stack/local.env")
    (tmp_path / "encoder").mkdir()
    settings = Settings(
        lake_url="var/lake", mlflow_tracking_uri="sqlite:///var/mlflow.db", sentiment_model="encoder",
        sentiment_labels="gone.csv", _env_file=None,
    )  # type: ignore[call-arg]  # fmt: skip
    given = replay._environment(settings, tmp_path / "tree")
    assert "MARKETLAKE_ENV_FILE" not in given
    assert given["MARKETLAKE_LAKE_URL"] == f"{tmp_path}/var/lake"
    assert given["MARKETLAKE_MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/var/mlflow.db"
    assert (given["MARKETLAKE_SENTIMENT_MODEL"], given["MARKETLAKE_SENTIMENT_LABELS"]) == (
        f"{tmp_path}/encoder",
        "gone.csv",
    )
    hub = settings.model_copy(update={"sentiment_model": "monologg/kobert"})
    assert replay._environment(hub, tmp_path / "tree")["MARKETLAKE_SENTIMENT_MODEL"] == "monologg/kobert"
