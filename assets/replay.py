"""Making a training run again from its data lock, and saying whether the bits are the same.

The frame is read at the lock's table versions. Where the code has moved on, the refit happens at the recorded commit, in a work
tree of its own. `python -m assets.replay RUN_ID` prints the outcome as JSON.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa
from deltalake.exceptions import DeltaError

from assets import learning, reading
from assets.work_trees import WorkTrees
from lake.code import Code
from lake.lake import Lake
from lake.releases import Release
from lake.settings import Settings, read_settings
from market import rulebook
from market.digest import digest
from market.errors import MarketlakeError, Permanent, Transient
from training import replay as refitting
from training.catalogue import declared, readers
from training.catalogue import model as model_of
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
    matches : dataset, booster and predictions have equal digests, and the lock is the one that the run wrote.
    differences : a sentence for each that has not, and for each field of the lock that was altered.
    packages : a sentence for each library that is of another version here than in the run: equal bits were luck, others may be due to it.
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
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotReplayed:
    """A run that could not be made again, so that nothing is known of it; and why."""

    run_id: str
    why: str


def replay(lake: Lake, run_id: str, *, here: bool = False, trees: WorkTrees | None = None) -> Replayed:
    """The run made again.

    Parameters
    ----------
    here : with the present code, whatever commit the run recorded.
    trees : work trees to find the recorded commit in; one of its own without them.

    Raises
    ------
    Permanent
        There is no such run, its commit or its table versions are gone, or a package that its model needs is not installed.
    Transient
        The refit in the work tree took longer than half an hour.
    """
    uri = learning.tracking_uri(lake)
    lock, recorded = refitting.recorded(uri, run_id)
    _refuse_missing(run_id, lock)
    if here or lock.code_dirty or _is_recorded(lake, lock):
        made = _here(lake, run_id, lock, recorded)
    else:
        with WorkTrees(trees) as places:
            made = _at_commit(lake.settings, run_id, lock, places.at(lock.code_sha))
    altered, others = refitting.altered(uri, run_id, lock), refitting.other_packages(uri, run_id)
    differences = tuple(dict.fromkeys((*altered, *made.differences)))  # an outcome of a work tree has its own already
    return replace(made, matches=made.matches and not altered, differences=differences, packages=tuple(others))


def replay_each(lake: Lake, run_ids: Sequence[str], *, here: bool = False) -> Iterator[Replayed | NotReplayed]:
    """One run after the other, each as it is done; runs of one commit share its work tree."""
    with WorkTrees() as trees:
        for run_id in run_ids:
            try:
                yield replay(lake, run_id, here=here, trees=trees)
            except MarketlakeError as error:
                yield NotReplayed(run_id, str(error))


def _refuse_missing(run_id: str, lock: DataLock) -> None:
    model = declared().get(lock.model)
    if model is not None and (lacks := model.missing()):
        raise Permanent(
            f"replay {run_id}",
            expected=f"what {lock.model} needs",
            found=f"{lacks} is not installed",
            do="Add it: `make .venv/bin/.deep`",
        )


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


def _at_commit(settings: Settings, run_id: str, lock: DataLock, tree: Path) -> Replayed:
    where = f"replay {run_id} at {lock.code_sha[:12]}"
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
        "packages": tuple(told.get("packages", ())),  # a commit from before they were told
        "where": f"a work tree of {lock.code_sha[:12]}",
        "same_code": True,
    }
    return Replayed(**told)


FILES = ("sentiment_model", "sentiment_labels")
"""Settings that may name a file or folder of the project, which a work tree of another commit does not have."""


def _environment(settings: Settings, tree: Path) -> dict[str, str]:
    """The present settings with absolute paths, and the work tree's packages before the installed ones."""
    given = {name: _plain(settings, name) for name in settings.model_fields_set if name != "env_file"}  # it is read
    given["lake_url"] = settings.lake_url if "://" in settings.lake_url else str(settings.path(settings.lake_url))
    uri = settings.mlflow_tracking_uri
    if uri.startswith(SQLITE):
        uri = f"{SQLITE}{settings.path(uri.removeprefix(SQLITE))}"
    given |= {"mlflow_tracking_uri": uri, "state_dir": str(settings.path(settings.state_dir))}
    for name in FILES:  # a hub id of the encoder is none
        if (text := getattr(settings, name)) and (found := settings.path(text)).exists():
            given[name] = str(found)
    told = {name: value for name, value in os.environ.items() if name != "MARKETLAKE_ENV_FILE"}
    ours = {f"MARKETLAKE_{name.upper()}": value for name, value in given.items() if value}
    return {**told, **ours, "PYTHONPATH": str(tree)}


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
