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
from deltalake.exceptions import DeltaError

from assets import learning, reading
from lake.code import ROOT, Code
from lake.lake import Lake
from lake.releases import Release
from lake.settings import Settings, read_settings
from market import rulebook
from market.digest import digest
from market.errors import MarketlakeError, Permanent, Transient
from training import replay as refitting
from training.catalogue import model as model_of
from training.catalogue import readers
from training.digests import Digests
from training.lock import DataLock
from training.sentiment.train import refit
from training.tracking import SQLITE

TIMEOUT_S = 1800


@dataclass(frozen=True)
class Replayed:
    """What came of a replay.

    Parameters
    ----------
    matches : dataset, booster and predictions have equal digests.
    differences : a sentence for each that has not.
    code_sha, code_dirty : as the run recorded them; dirty: its work tree had changes, so that its commit is not all of its code.
    same_code : the code that fitted again is exactly the recorded commit.
    where : the present code, or the recorded commit's work tree; and why, where it cannot be the recorded code.
    """

    run_id: str
    model: str
    release_id: str
    matches: bool
    differences: tuple[str, ...]
    code_sha: str
    code_dirty: bool
    where: str
    same_code: bool


def replay(lake: Lake, run_id: str, *, here: bool = False) -> Replayed:
    """The run made again.

    Parameters
    ----------
    here : with the present code, whatever commit the run recorded.

    Raises
    ------
    Permanent
        There is no such run, or its commit or its table versions are gone.
    Transient
        The refit in the work tree took longer than half an hour.
    """
    lock, recorded = refitting.recorded(learning.tracking_uri(lake), run_id)
    if here or lock.code_dirty or _is_recorded(lake, lock):
        return _here(lake, run_id, lock, recorded)
    return _at_commit(lake.settings, run_id, lock)


def _is_recorded(lake: Lake, lock: DataLock) -> bool:
    return not lock.code_dirty and lake.code == Code(lock.code_sha, False)


def _here(lake: Lake, run_id: str, lock: DataLock, recorded: Digests) -> Replayed:
    dataset, again = _again(lake, run_id, lock)
    pairs = {"dataset": (lock.dataset_digest, dataset), "rulebook": (lock.rulebook, rulebook.version())}
    differences = [f"{name}: recorded {was}, again {now}" for name, (was, now) in pairs.items() if was != now]
    differences += refitting.compare(recorded, again)
    where = "the present code"
    if lock.code_dirty:
        where += f"; the run came from changes on top of {lock.code_sha[:12]}, which no commit holds"
    return Replayed(
        run_id, lock.model, lock.release_id, not differences, tuple(differences), lock.code_sha, lock.code_dirty, where,
        _is_recorded(lake, lock),
    )  # fmt: skip


def _again(lake: Lake, run_id: str, lock: DataLock) -> tuple[str, Digests]:
    """Digest of the rows at the lock's versions, and what a fit on them gives."""
    release = _as_release(lock)
    try:
        if (reader := readers().get(lock.model)) is not None:
            texts, _ = reading.texts_of(lake, release, lock)
            return texts.digest(), refit(reader, texts, lock)
        model = model_of(lock.model)
        frame = learning.training_frame(lake, release, model)
    except (DeltaError, FileNotFoundError) as error:
        raise Permanent(f"replay {run_id}", expected="the table versions of its lock", found=str(error).splitlines()[0],
                        do="They were removed: train again on a release that is kept") from error  # fmt: skip
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    return digest(rows, learning.KEY, rows.column_names), refitting.refit(
        model.launched(learning.launch(lake)), frame, lock
    )


def _as_release(lock: DataLock) -> Release:
    """The table versions of the lock, in the form that the reading takes."""
    epoch = learning.EPOCH
    return Release(
        lock.release_id, "data", epoch, epoch, lock.code_sha, lock.code_dirty, lock.rulebook, lock.tables, "", ""
    )


def _at_commit(settings: Settings, run_id: str, lock: DataLock) -> Replayed:
    where = f"replay {run_id} at {lock.code_sha[:12]}"
    with _work_tree(lock.code_sha) as tree:
        command = [sys.executable, "-m", "assets.replay", run_id, "--here"]
        environment = _environment(settings, tree)
        try:
            done = subprocess.run(
                command, cwd=tree, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Transient(where, expected=f"an outcome within {TIMEOUT_S} s", found="none yet") from error
    lines = done.stdout.strip().splitlines()
    if done.returncode not in (0, 1) or not lines or not lines[-1].startswith("{"):
        raise Permanent(where, expected="its outcome as JSON",
                        found=(done.stderr.strip().splitlines() or ["nothing"])[-1],
                        do="Replay with the present code: --here")  # fmt: skip
    told = json.loads(lines[-1])
    told |= {
        "differences": tuple(told["differences"]),
        "where": f"a work tree of {lock.code_sha[:12]}",
        "same_code": True,
    }
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
    given = {name: _plain(settings, name) for name in settings.model_fields_set}
    given["lake_url"] = settings.lake_url if "://" in settings.lake_url else str(settings.path(settings.lake_url))
    uri = settings.mlflow_tracking_uri
    if uri.startswith(SQLITE):
        uri = f"{SQLITE}{settings.path(uri.removeprefix(SQLITE))}"
    given |= {"mlflow_tracking_uri": uri, "state_dir": str(settings.path(settings.state_dir))}
    ours = {f"MARKETLAKE_{name.upper()}": value for name, value in given.items() if value}
    return {**os.environ, **ours, "PYTHONPATH": str(tree)}


def _plain(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    secret = getattr(value, "get_secret_value", None)
    return "" if value is None else str(secret() if secret else value)


def main() -> int:
    """Replay one run and print the outcome; 0 where it matches, 1 where it differs, 2 where there is none."""
    parser = argparse.ArgumentParser(description="Make a training run again from its data lock.")
    parser.add_argument("run_id")
    parser.add_argument("--here", action="store_true", help="with the present code, whatever commit the run recorded")
    words = parser.parse_args()
    try:
        outcome = replay(Lake(read_settings()), words.run_id, here=words.here)
    except MarketlakeError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(asdict(outcome)))
    return 0 if outcome.matches else 1


if __name__ == "__main__":
    sys.exit(main())
