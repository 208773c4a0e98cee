"""Making a run again from its lock: equal bits, pinned versions, differences told, the recorded commit where the code moved on."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from assets import learning
from assets.replay import NotReplayed, Replayed, replay, replay_each
from assets.work_trees import WorkTrees
from lake.code import ROOT
from lake.lake import Lake
from market import registry
from market.errors import Permanent
from tests.assets.conftest import left
from training import replay as refitting
from training import tracking
from training.catalogue import models
from training.lstm import Lstm
from training.tracking import PACKAGES
from training.trained import Trained

Like = Callable[..., str]


def altered(lake: Lake, write: Callable[..., int], rows: slice) -> dict[str, int]:
    """The release's tables with a new version of the labels, those outcomes with the other sign."""
    tables = learning.current(lake).tables
    frame = lake.delta.read(registry.table(learning.LABELS), version=tables[learning.LABELS]).to_pandas()
    frame.loc[frame.index[rows], "forward_return_5d"] *= -1.0
    return {**tables, learning.LABELS: write(lake, learning.LABELS, frame)}


def test_made_again_twice_the_bits_are_those_of_the_run(trained_lake: Lake, recorded: Trained) -> None:
    first, second = (replay(trained_lake, recorded.run_id, here=True) for _ in range(2))
    assert first.matches, first.differences
    assert first == second
    assert (first.release_id, first.model, first.differences) == ("r00001", "return_rank_5d", ())


def test_rows_that_change_afterwards_do_not_matter(trained_lake: Lake, recorded: Trained, write: Any) -> None:
    altered(trained_lake, write, slice(None))
    assert replay(trained_lake, recorded.run_id, here=True).matches


def test_other_rows_are_told_for_dataset_booster_and_predictions(trained_lake: Lake, like: Like, write: Any) -> None:
    run_id = like(tables=altered(trained_lake, write, slice(None)))
    again = replay(trained_lake, run_id, here=True)
    assert not again.matches
    assert [told.split(":")[0] for told in again.differences] == ["dataset", "booster", "predictions"]


def test_one_altered_row_is_told(trained_lake: Lake, like: Like, write: Any) -> None:
    again = replay(trained_lake, like(tables=altered(trained_lake, write, slice(700, 701))), here=True)
    assert not again.matches
    assert again.differences[0].startswith("dataset: recorded ")


def test_another_seed_has_other_bits(trained_lake: Lake, like: Like) -> None:
    again = replay(trained_lake, like(seed=8), here=True)
    assert not again.matches
    assert [told.split(":")[0] for told in again.differences] == ["booster", "predictions"]


def test_a_lock_that_was_altered_is_told_by_the_name_of_its_field(
    trained_lake: Lake, like: Like, tamper: Callable[..., None]
) -> None:
    run_id = like()
    tamper(trained_lake, run_id, seed=8)
    again = replay(trained_lake, run_id, here=True)
    assert not again.matches
    assert again.differences[0] == "seed: the run told 7, its lock says 8"
    tamper(trained_lake, run_id, seed=7, dataset_digest="0" * 64)
    names = [told.split(":")[0] for told in replay(trained_lake, run_id, here=True).differences]
    assert names == ["dataset_digest", "dataset"]


def test_another_version_of_a_package_is_told_even_where_the_bits_are_equal(trained_lake: Lake, like: Like) -> None:
    here = version("xgboost")
    run_id = like(told={PACKAGES: f"xgboost {here}.post1, a-package-of-then 1.0"})
    again = replay(trained_lake, run_id, here=True)
    assert again.matches
    assert again.packages == (
        f"xgboost: recorded {here}.post1, here {here}", "a-package-of-then: recorded 1.0, here not installed"
    )  # fmt: skip


def test_the_packages_of_a_run_are_those_of_its_algorithm(trained_lake: Lake, recorded: Trained) -> None:
    run = tracking.run_of(tracking.client(learning.tracking_uri(trained_lake)), recorded.run_id)
    assert run.data.tags[PACKAGES] == f"xgboost {version('xgboost')}"
    assert replay(trained_lake, recorded.run_id, here=True).packages == ()


def test_a_model_whose_package_is_not_installed_is_not_replayed_and_the_next_run_is(
    trained_lake: Lake, recorded: Trained, like: Like, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lstm, "missing", lambda self: "torch")
    lacking, match = replay_each(trained_lake, [like(model="sequence_rank_5d"), recorded.run_id], here=True)
    assert isinstance(lacking, NotReplayed) and "torch is not installed" in lacking.why
    assert isinstance(match, Replayed) and match.matches


def test_other_market_rules_are_told(trained_lake: Lake, like: Like) -> None:
    again = replay(trained_lake, like(rulebook="krx-of-another-day"), here=True)
    assert not again.matches
    assert again.differences[0].startswith("rulebook: recorded krx-of-another-day")


def test_a_run_from_a_dirty_work_tree_says_so_and_uses_the_present_code(trained_lake: Lake, like: Like) -> None:
    again = replay(trained_lake, like(code_sha="0" * 40, code_dirty=True))
    assert again.matches
    assert again.code_dirty
    assert not again.same_code
    assert "which no commit holds" in again.where


def test_a_commit_that_is_not_there_is_refused(trained_lake: Lake, like: Like) -> None:
    with pytest.raises(Permanent, match=r"git worktree add.*--here"):
        replay(trained_lake, like(code_sha="0" * 40, code_dirty=False))


def test_an_unknown_run_is_refused(trained_lake: Lake) -> None:
    with pytest.raises(Permanent, match=r"run 0000"):
        replay(trained_lake, "0000")


def test_runs_of_one_commit_share_its_work_tree_which_is_gone_at_the_end() -> None:
    sha = git(ROOT, "rev-parse", "HEAD")
    before = git(ROOT, "worktree", "list")
    with WorkTrees() as trees:
        with WorkTrees(trees) as first:
            place = first.at(sha)
        with WorkTrees(trees) as second:
            assert second.at(sha) == place
        assert (place / "assets" / "replay.py").is_file()
    assert not place.exists()
    assert git(ROOT, "worktree", "list") == before


def git(folder: Path, *words: str) -> str:
    """What git says in that folder."""
    who = ("-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_a_run_of_two_workers_is_made_again_by_two_on_this_machine(
    trained_lake: Lake, tamper: Callable[..., None]
) -> None:
    release, model = learning.current(trained_lake), models()["return_rank_5d"]
    frame = learning.training_frame(trained_lake, release, model)
    lock = learning.lock_of(trained_lake, release, model, frame)
    lock = replace(lock, parameters={**lock.parameters, "n_workers": 2, "n_rounds": 10})
    digests = refitting.refit(model.launched(learning.launch(trained_lake)), frame, lock)
    run_id = left(trained_lake, lock, digests, model.algorithm.version)
    assert replay(trained_lake, run_id, here=True).matches
    tamper(trained_lake, run_id, parameters={**lock.parameters, "n_workers": 1})
    alone = replay(trained_lake, run_id, here=True)
    assert [told.split(":")[0] for told in alone.differences] == ["booster", "predictions"]


@pytest.mark.slow
def test_where_the_code_moved_on_the_recorded_commit_makes_it_again(
    trained_lake: Lake, like: Like, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    for package in ("assets", "lake", "market", "training", "expectations"):
        shutil.copytree(ROOT / package, clone / package, dirs_exist_ok=True)
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "--allow-empty", "-m", "as recorded")
    commit = git(clone, "rev-parse", "HEAD")
    model = clone / "training" / "models" / "return_rank_5d.py"
    model.write_text(model.read_text().replace('"return_5d",\n', ""))
    git(clone, "commit", "-q", "-am", "the model lost a feature")
    run_id = like(code_sha=commit, code_dirty=False)

    moved_on = asked(clone, trained_lake, run_id, "--here")
    assert moved_on.returncode == 2
    assert "features" in moved_on.stderr
    again = asked(clone, trained_lake, run_id)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["matches"]
    assert told["same_code"]
    assert told["where"] == f"a work tree of {commit[:12]}"
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
