"""Making a training run again from its data lock, and saying whether the bits are the same.

The frame is read at the lock's table versions. Where the code has moved on, the refit happens at the recorded commit, in a work
tree of its own. `python -m assets.replay RUN_ID` prints the outcome as JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from assets import learning
from lake.code import ROOT
from lake.lake import Lake
from lake.releases import Release
from lake.settings import Settings, read_settings
from market.digest import digest
from market.errors import Permanent
from training import replay as refitting
from training.catalogue import model as model_of
from training.lock import DataLock

TIMEOUT_S = 1800


@dataclass(frozen=True)
class Replayed:
    """What came of a replay.

    Parameters
    ----------
    matches : dataset, booster and predictions have equal digests.
    differences : a sentence for each that has not.
    code_dirty : the run came from a work tree with changes, so that its commit is not all of its code.
    where : `here`, or the recorded commit's work tree.
    """

    run_id: str
    model: str
    release_id: str
    matches: bool
    differences: tuple[str, ...]
    code_sha: str
    code_dirty: bool
    where: str


def replay(lake: Lake, run_id: str, *, here: bool = False) -> Replayed:
    """The run made again.

    Parameters
    ----------
    here : with the present code, whatever commit the run recorded.

    Raises
    ------
    Permanent
        There is no such run, or its commit or its table versions are gone.
    """
    lock, _ = refitting.recorded(learning.tracking_uri(lake), run_id)
    if here or lock.code_dirty or lock.code_sha == lake.code.sha:
        return _here(lake, run_id, lock)
    return _at_commit(lake.settings, run_id, lock)


def _here(lake: Lake, run_id: str, lock: DataLock) -> Replayed:
    lock, recorded = refitting.recorded(learning.tracking_uri(lake), run_id)
    model = model_of(lock.model)
    frame = learning.training_frame(lake, _as_release(lock), model)
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    dataset = digest(rows, learning.KEY, rows.column_names)
    differences = (
        [] if dataset == lock.dataset_digest else [f"dataset: recorded {lock.dataset_digest}, again {dataset}"]
    )
    differences += refitting.compare(recorded, refitting.refit(model, frame, lock))
    return Replayed(
        run_id, lock.model, lock.release_id, not differences, tuple(differences), lock.code_sha, lock.code_dirty, "here"
    )


def _as_release(lock: DataLock) -> Release:
    """The table versions of the lock, in the form that the reading takes."""
    epoch = learning.EPOCH
    return Release(
        lock.release_id, "data", epoch, epoch, lock.code_sha, lock.code_dirty, lock.rulebook, lock.tables, "", ""
    )


def _at_commit(settings: Settings, run_id: str, lock: DataLock) -> Replayed:
    with _work_tree(lock.code_sha) as tree:
        command = [sys.executable, "-m", "assets.replay", run_id, "--here"]
        done = subprocess.run(
            command,
            cwd=tree,
            env=_environment(settings, tree),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    lines = done.stdout.strip().splitlines()
    if done.returncode not in (0, 1) or not lines or not lines[-1].startswith("{"):
        raise Permanent(f"replay {run_id} at {lock.code_sha[:12]}", expected="its outcome as JSON",
                        found=(done.stderr.strip().splitlines() or ["nothing"])[-1],
                        do="Replay with the present code: --here")  # fmt: skip
    told = json.loads(lines[-1])
    told |= {"differences": tuple(told["differences"]), "where": f"work tree of {lock.code_sha[:12]}"}
    return Replayed(**told)


@contextmanager
def _work_tree(sha: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="marketlake-replay-") as folder:
        tree = Path(folder) / "tree"
        _git("worktree", "add", "--detach", str(tree), sha)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*words: str) -> None:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Permanent(f"git {words[0]} {words[1]}", expected="to succeed", found=done.stderr.strip(),
                        do="Fetch the recorded commit, or replay with the present code: --here")  # fmt: skip


def _environment(settings: Settings, tree: Path) -> dict[str, str]:
    """The present settings with absolute paths, and the work tree's packages before the installed ones."""
    uri = settings.mlflow_tracking_uri
    if uri.startswith("sqlite:///"):
        uri = f"sqlite:///{settings.path(uri.removeprefix('sqlite:///'))}"
    url = settings.lake_url if "://" in settings.lake_url else str(settings.path(settings.lake_url))
    return os.environ | {
        "PYTHONPATH": str(tree),
        "MARKETLAKE_LAKE_URL": url,
        "MARKETLAKE_MLFLOW_TRACKING_URI": uri,
        "MARKETLAKE_STATE_DIR": str(settings.path(settings.state_dir)),
    }


def main() -> int:
    """Replay one run and print the outcome; 0 where it matches."""
    parser = argparse.ArgumentParser(description="Make a training run again from its data lock.")
    parser.add_argument("run_id")
    parser.add_argument("--here", action="store_true", help="with the present code, whatever commit the run recorded")
    words = parser.parse_args()
    outcome = replay(Lake(read_settings()), words.run_id, here=words.here)
    print(json.dumps(asdict(outcome)))
    return 0 if outcome.matches else 1


if __name__ == "__main__":
    sys.exit(main())
