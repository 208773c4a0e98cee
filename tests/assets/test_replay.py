"""Making a run again from its lock: equal bits, pinned versions, differences told, the recorded commit where the code moved on."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assets import learning
from assets.replay import replay
from lake.code import ROOT
from lake.lake import Lake
from market import registry
from market.errors import Permanent
from training import replay as refitting
from training import tracking
from training.lock import ARTIFACT
from training.trained import Trained

Record = Callable[..., Trained]


def tamper(lake: Lake, run_id: str, **changes: Any) -> None:
    """Change the lock that the run recorded."""
    uri = learning.tracking_uri(lake)
    lock, _ = refitting.recorded(uri, run_id)
    tracking.client(uri).log_text(run_id, replace(lock, **changes).to_json(), ARTIFACT)


def turned_round(lake: Lake, write: Callable[..., int]) -> int:
    """A new version of the labels, every outcome with the other sign."""
    version = learning.current(lake).tables[learning.LABELS]
    frame = lake.delta.read(registry.table(learning.LABELS), version=version).to_pandas()
    frame["forward_return_5d"] = -frame["forward_return_5d"]
    return write(lake, learning.LABELS, frame)


def test_made_again_twice_the_bits_are_those_of_the_run(trained_lake: Lake, record: Record) -> None:
    trained = record(trained_lake)
    first, second = (replay(trained_lake, trained.run_id, here=True) for _ in range(2))
    assert first.matches, first.differences
    assert first == second
    assert (first.release_id, first.model, first.differences) == ("r00001", "return_rank_5d", ())


def test_rows_that_change_afterwards_do_not_matter(trained_lake: Lake, record: Record, write: Any) -> None:
    trained = record(trained_lake)
    turned_round(trained_lake, write)
    assert replay(trained_lake, trained.run_id, here=True).matches


def test_other_rows_are_told_for_dataset_booster_and_predictions(
    trained_lake: Lake, record: Record, write: Any
) -> None:
    trained = record(trained_lake)
    release = learning.current(trained_lake)
    tamper(trained_lake, trained.run_id, tables={**release.tables, learning.LABELS: turned_round(trained_lake, write)})
    again = replay(trained_lake, trained.run_id, here=True)
    assert not again.matches
    assert [told.split(":")[0] for told in again.differences] == ["dataset", "booster", "predictions"]


def test_another_seed_is_told(trained_lake: Lake, record: Record) -> None:
    trained = record(trained_lake, parameters={**learning.models()["return_rank_5d"].parameters, "subsample": 0.5})
    assert replay(trained_lake, trained.run_id, here=True).matches
    tamper(trained_lake, trained.run_id, seed=8)
    again = replay(trained_lake, trained.run_id, here=True)
    assert not again.matches
    assert any(told.startswith("booster: recorded ") for told in again.differences)
    assert not any(told.startswith("dataset") for told in again.differences)


def test_other_market_rules_are_told(trained_lake: Lake, record: Record) -> None:
    trained = record(trained_lake, rulebook="krx-of-another-day")
    again = replay(trained_lake, trained.run_id, here=True)
    assert not again.matches
    assert again.differences[0].startswith("rulebook: recorded krx-of-another-day")


def test_a_run_from_a_dirty_work_tree_says_so_and_uses_the_present_code(trained_lake: Lake, record: Record) -> None:
    trained = record(trained_lake, code_sha="0" * 40, code_dirty=True)
    again = replay(trained_lake, trained.run_id)
    assert again.matches
    assert again.code_dirty
    assert not again.same_code
    assert "which no commit holds" in again.where


def test_a_commit_that_is_not_there_is_refused(trained_lake: Lake, record: Record) -> None:
    trained = record(trained_lake, code_sha="0" * 40, code_dirty=False)
    with pytest.raises(Permanent, match=r"git worktree add.*--here"):
        replay(trained_lake, trained.run_id)


def test_an_unknown_run_is_refused(trained_lake: Lake) -> None:
    with pytest.raises(Permanent, match=r"run 0000"):
        replay(trained_lake, "0000")


def git(folder: Path, *words: str) -> str:
    """What git says in that folder."""
    who = ("-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_where_the_code_moved_on_the_recorded_commit_makes_it_again(
    trained_lake: Lake, record: Record, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    for package in ("assets", "lake", "market", "training", "expectations"):
        shutil.copytree(ROOT / package, clone / package, dirs_exist_ok=True)
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "--allow-empty", "-m", "as recorded")
    recorded = git(clone, "rev-parse", "HEAD")
    model = clone / "training" / "models" / "return_rank_5d.py"
    model.write_text(model.read_text().replace('"return_5d",\n', ""))
    git(clone, "commit", "-q", "-am", "the model lost a feature")
    trained = record(trained_lake, code_sha=recorded, code_dirty=False)

    moved_on = asked(clone, trained_lake, trained.run_id, "--here")
    assert moved_on.returncode == 2
    assert "features" in moved_on.stderr
    again = asked(clone, trained_lake, trained.run_id)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["matches"]
    assert told["same_code"]
    assert told["where"] == f"a work tree of {recorded[:12]}"
    assert git(clone, "worktree", "list").count("\n") == 0


def asked(clone: Path, lake: Lake, run_id: str, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m assets.replay` of that checkout."""
    ours = {
        "PYTHONPATH": str(clone),
        "MARKETLAKE_LAKE_URL": lake.settings.lake_url,
        "MARKETLAKE_MLFLOW_TRACKING_URI": lake.settings.mlflow_tracking_uri,
    }
    command = [sys.executable, "-m", "assets.replay", run_id, *words]
    return subprocess.run(command, cwd=clone, env={**os.environ, **ours}, capture_output=True, text=True, check=False)
