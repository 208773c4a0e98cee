"""`marketlake replay`: which code made the run again is said, and one run that cannot be made again does not hide the others."""

import json
import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from assets import learning
from lake.lake import Lake
from marketlake.cli import app
from training import replay as refitting
from training import tracking
from training.lock import ARTIFACT
from training.trained import Trained


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


def test_a_run_made_again_with_other_code_does_not_just_match(
    trained_lake: Lake, record: Callable[..., Trained]
) -> None:
    trained = record(trained_lake, code_sha="0" * 40, code_dirty=True)
    said = run("replay", trained.run_id, code=0)
    assert "matches, bit for bit, with other code than the run's" in said
    assert "which no commit holds" in said


def test_a_run_whose_commit_is_gone_is_made_again_here_where_asked(
    trained_lake: Lake, record: Callable[..., Trained]
) -> None:
    trained = record(trained_lake, code_sha="0" * 40, code_dirty=False)
    run("replay", trained.run_id, code=1)
    said = run("replay", trained.run_id, "--here", code=0)
    assert "with other code than the run's" in said
    assert "made again with the present code" in said


def test_all_goes_on_past_a_run_that_cannot_be_made_again(trained_lake: Lake, record: Callable[..., Trained]) -> None:
    good, gone = record(trained_lake), record(trained_lake)
    uri = learning.tracking_uri(trained_lake)
    lock, _ = refitting.recorded(uri, gone.run_id)
    versions = {name: 99 for name in lock.tables}
    tracking.client(uri).log_text(gone.run_id, replace(lock, tables=versions).to_json(), ARTIFACT)
    told = {one["run_id"]: one for one in json.loads(run("replay", "--all", "--here", "--json", code=1))}
    assert told[good.run_id]["matches"]
    assert not told[gone.run_id]["matches"]
    assert told[gone.run_id]["failure"]
    said = run("replay", "--all", "--here", code=1)
    assert f"{gone.run_id}: NOT REPLAYED" in said
    assert f"not: {gone.run_id}" in said.splitlines()[-1]
