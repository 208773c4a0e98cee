"""Training, tuning and scoring on a release: read at its versions, call `training`, judge, write.

What does not belong here: what a model does (`training`), and orchestration (`assets.models`).
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from loguru import logger

from assets.building import Built, keep
from assets.models import FEATURES, LABELS, PRICES
from assets.publish import PREDICTIONS
from lake import masters, windows
from lake.lake import Lake
from lake.releases import Release
from market import registry
from market.digest import digest
from market.errors import Permanent
from market.exports import refuse_changed, signature_of
from market.table import Window
from training import export as exporting
from training.catalogue import models
from training.distributed import STARTERS, Launch
from training.lock import DataLock
from training.model import Model
from training.registry import holder
from training.scoring import score
from training.train import train
from training.trained import Trained
from training.tuning import Tuned, tune
from training.versions import CHAMPION
from training.witnesses import against

KEY = ("security_id", "session_date")
SIZE = "turnover_value_20"
"""Feature that says how much is traded of a name, as a logarithm: names are large or small by it, and a book of them is."""
SEED = 7
WITNESSES = 12
"""Names whose features are made again when a model is trained, to see whether they hold anything of the future."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # of a release that stands for a lock
Progress = Callable[[int, int, str], None]


def current(lake: Lake) -> Release:
    """The release that training and scoring read.

    Raises
    ------
    Permanent
        None has been published yet.
    """
    release = lake.releases.current()
    if release is None:
        raise Permanent("release", expected="a published release", found="none", do="Run `marketlake backfill` first")
    return release


def training_frame(lake: Lake, release: Release, model: Model) -> pd.DataFrame:
    """Features with the outcomes known in the release; a row without an outcome has a null label."""
    names = [*KEY, "exchange", *model.features]
    features = read(lake, release, FEATURES, names)
    labels = read(lake, release, LABELS, [*KEY, model.label])
    rows = features.join(labels, keys=list(KEY), join_type="left outer")
    return rows.sort_by([(name, "ascending") for name in KEY]).to_pandas()


def fit(lake: Lake, model: Model, progress: Progress | None = None) -> Trained:
    """A model trained on the current release and registered; what becomes of the version is decided in ``assets.decisions``."""
    release, spread = current(lake), launch(lake)
    model = model.launched(spread)  # before the lock, which has its parameters
    frame = training_frame(lake, release, model)
    traded = read(lake, release, FEATURES, [*KEY, SIZE]).to_pandas()
    sizes = traded[list(KEY)].assign(size=np.exp(traded[SIZE]))
    return train(
        model, frame, lock_of(lake, release, model, frame), tracking_uri(lake), model.name, progress,
        artifact_root=artifact_root(lake), accused=accusations(lake, release, model, frame), launch=spread, sizes=sizes,
    )  # fmt: skip


def accusations(lake: Lake, release: Release, model: Model, frame: pd.DataFrame) -> list[str]:
    """What the release itself says against a training frame, as ``training.witnesses`` tells it."""
    prices = read(lake, release, PRICES, [*KEY, "exchange", "close", "cumulative_factor"]).to_pandas()
    features, labels = (
        read(lake, release, table, [*KEY, "known_at"]).rename_columns([*KEY, name])
        for table, name in ((FEATURES, "features_known_at"), (LABELS, "label_known_at"))
    )
    known = labels.join(features, keys=list(KEY), join_type="inner").to_pandas()
    return against(model, frame, prices, known, made_again(lake, release, frame))


def made_again(lake: Lake, release: Release, frame: pd.DataFrame) -> pd.DataFrame:
    """Features of some of the frame's names up to a session in its last third, made from the prices up to it alone."""
    days, names = (np.unique(frame[name].to_numpy()) for name in ("session_date", "security_id"))
    cut = days[len(days) * 2 // 3]
    some = names[np.linspace(0, len(names) - 1, min(WITNESSES, len(names))).astype(int)].tolist()
    where = (ds.field("session_date") <= cut) & ds.field("security_id").isin(some)
    prices, features, sessions = (registry.table(name) for name in (PRICES, FEATURES, "silver.sessions"))
    assert features.build is not None and sessions.build is not None
    window = Window(days[0], cut, EPOCH)
    frames = {
        PRICES: lake.delta.read(prices, version=release.tables[PRICES], where=where), FEATURES: features.schema.empty_table(),
        sessions.name: sessions.build({}, window),
    }  # fmt: skip
    return features.build(frames, window).to_pandas()


def search(lake: Lake, model: Model, n_trials: int, progress: Progress) -> Tuned:
    """Parameters looked for on the current release; every trial is recorded, nothing is registered."""
    release, spread = current(lake), launch(lake)
    model = model.launched(spread)
    frame = training_frame(lake, release, model)
    return tune(
        model, frame, lock_of(lake, release, model, frame), tracking_uri(lake), model.name, n_trials, progress,
        artifact_root=artifact_root(lake), launch=spread,
    )  # fmt: skip


def launch(lake: Lake) -> Launch:
    """How the settings say that a fit is spread."""
    asked, folder = lake.settings.training_ranks, lake.settings.path(str(lake.settings.training_folder))
    ranks = asked or (2 if find_spec("horovod") else 1)
    spread = Launch(folder=folder, workers=_workers(lake), executors=None if _is_without_spark(lake) else lake.spark)
    if ranks == 1:
        return spread
    wanted = lake.settings.training_launcher
    how = next((one for one in STARTERS if one == wanted), None)
    if how is None:
        raise Permanent("MARKETLAKE_TRAINING_LAUNCHER", expected=" or ".join(STARTERS), found=wanted)
    if how == "spark":  # Horovod takes the session that is active
        return replace(spread, ranks=ranks, how=how, cancel=lake.spark.session.sparkContext.cancelAllJobs)
    return replace(spread, ranks=ranks, how=how)


def _workers(lake: Lake) -> int:
    if _is_without_spark(lake):
        return 1
    return lake.settings.training_workers or (2 if masters.is_cluster(lake.settings.spark_master) else 1)


def _is_without_spark(lake: Lake) -> bool:
    return masters.is_elsewhere(lake.settings.spark_master)


def lock_of(lake: Lake, release: Release, model: Model, frame: pd.DataFrame) -> DataLock:
    """Everything that the fit depends on."""
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    return DataLock(
        release_id=release.release_id,
        rulebook=release.rulebook,
        code_sha=lake.code.sha,
        code_dirty=lake.code.dirty,
        seed=SEED,
        dataset_digest=digest(rows, KEY, rows.column_names),
        model=model.name,
        parameters=dict(model.parameters),
        features=model.features,
        train_from=frame["session_date"].min(),
        train_to=frame["session_date"].max(),
        tables=dict(release.tables),
    )


def install(lake: Lake, name: str, version: int, alias: str = CHAMPION) -> None:
    """Export a version to the lake with its card and pictures, then name it there as the one of that alias: serving needs nothing else.

    Raises
    ------
    Permanent
        The lake holds another model under that number: predictions name it, so it is never replaced.
    """
    files = exporting.of_version(tracking_uri(lake), name, version)
    for file, content in (files | exporting.shown_of_version(tracking_uri(lake), name, version)).items():
        path = f"models/{name}/{version}/{file}"
        if not lake.store.put_if_absent(path, content) and lake.store.get(path) != content:
            raise Permanent(
                f"model {name} version {version}", expected="the export that the lake holds", found="another of that number",
                keys=[path], do="MLflow was restored from before that version, and counts again: make a version that the lake "
                f"holds champion, `marketlake models rollback {name}`, and train again until the number is a new one",
            )  # fmt: skip
    signature = json.loads(files[exporting.SIGNATURE])
    pointer = {"version": version, "run_id": signature["run_id"], "release_id": signature["release_id"]}
    lake.store.put(f"models/{name}/{alias}.json", json.dumps(pointer, sort_keys=True).encode())


def withdraw(lake: Lake, name: str, alias: str) -> None:
    """Name no version there as the one of that alias; its export stays, for what it said names it."""
    lake.store.delete(f"models/{name}/{alias}.json")


class Predicted(NamedTuple):
    """What the champions said: the gate's verdict on it, None before the first champion; and why a champion could not, by model."""

    made: Built | None
    failures: Mapping[str, str]


def predict(lake: Lake, window: Window) -> Predicted:
    """Scores of the window's sessions by every model's champion, on the current release.

    A champion that cannot score is told, and what it said of these sessions before stays; the others' scores are kept.

    Raises
    ------
    Permanent
        None of them can, with the reasons.
    """
    release = current(lake)
    champions = {name: version for name in models() if (version := installed(lake, name)) is not None}
    scored, failures = list[pa.Table](), dict[str, str]()
    for name, version in champions.items():
        try:
            scored.append(scores(lake, release, name, version, window))
        except Permanent as error:
            logger.warning("a champion did not score", model=name, version=version, failure=str(error))
            failures[name] = str(error)
    if failures and not scored:
        raise Permanent("gold.predictions", expected="scores of a champion", found="; ".join(failures.values()),
                        keys=sorted(failures), do="Train again, or roll the models back")  # fmt: skip
    if not champions:
        return Predicted(None, {})
    contract = registry.table(PREDICTIONS)
    rows = [*scored, *said_before(lake, PREDICTIONS, window, failures)]
    return Predicted(keep(lake, contract, contract.conform(pa.concat_tables(rows)), window), failures)


def said_before(lake: Lake, table: str, window: Window, names: Collection[str]) -> list[pa.Table]:
    """What the table's head has of the window by these models, if any: a session that is scored again does not lose it."""
    contract = registry.table(table)
    if not names or not lake.delta.exists(contract):
        return []
    where = windows.between(window.start, window.end) & ds.field("model").isin(sorted(names))
    return [contract.conform(lake.delta.read(contract, where=where))]


def installed(lake: Lake, name: str, alias: str = CHAMPION) -> int | None:
    """The version that the lake names as the one of that alias, made to agree with the registry first; None where there is none.

    A process that ends between moving the registry's alias and installing leaves the two apart; whoever scores next mends it. A
    champion stays where the registry knows of none: people go on seeing it when MLflow has to begin anew.
    """
    held = holder(tracking_uri(lake), name, alias)
    path = f"models/{name}/{alias}.json"
    there = int(json.loads(lake.store.get(path))["version"]) if lake.store.exists(path) else None
    decided = int(str(held["version"])) if held is not None else there if alias == CHAMPION else None
    if decided == there:
        return there
    logger.warning("installing what the registry decided", model=name, alias=alias, version=decided, before=there)
    if decided is None:
        withdraw(lake, name, alias)
    else:
        install(lake, name, decided, alias)
    return decided


def scores(lake: Lake, release: Release, name: str, version: int, window: Window) -> pa.Table:
    """Rows of gold.predictions: what an exported version says of the window's sessions, from the release's features.

    Raises
    ------
    Permanent
        Its features are others by now (``market.exports.refuse_changed``), or as ``training.scoring.score``.
    """
    folder = f"models/{name}/{version}"
    signature = signature_of(lake.store.get(f"{folder}/{exporting.SIGNATURE}"))
    refuse_changed(signature)  # before they are read: one that is gone is no column any more
    booster = lake.store.get(f"{folder}/{signature['file']}")
    names = [*KEY, "exchange", *(feature["name"] for feature in signature["features"])]
    contract = registry.table(FEATURES)
    since = window.start - timedelta(days=signature["reach_days"])
    within = windows.between(since, window.end)
    frame = lake.delta.read(contract, version=release.tables[FEATURES], where=within, columns=names).to_pandas()
    made = score(booster, signature, frame, window.start).dropna(subset=["score"])
    made["session_month"] = made["session_date"].dt.strftime("%Y-%m")
    made["session_date"] = made["session_date"].dt.date
    told = {
        "model": name,
        "model_version": version,
        "run_id": signature["run_id"],
        "data_release": release.release_id,
    }
    return registry.table(PREDICTIONS).conform(
        pa.Table.from_pandas(made.assign(**told, known_at=pd.Timestamp(window.now)), preserve_index=False)
    )


def read(lake: Lake, release: Release, table: str, names: list[str]) -> pa.Table:
    """Columns of a table, at the release's version; Permanent where the release does not hold it."""
    if table not in release.tables:
        raise Permanent(f"release {release.release_id}", expected=f"to hold {table}", found=", ".join(release.tables))
    return lake.delta.read(registry.table(table), version=release.tables[table], columns=names)


def tracking_uri(lake: Lake) -> str:
    """MLflow's address, a SQLite file's path made absolute."""
    uri = lake.settings.mlflow_tracking_uri
    if not uri.startswith("sqlite:///"):
        return uri
    path = lake.settings.path(uri.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{path}"


def artifact_root(lake: Lake) -> str | None:
    """Folder of MLflow's artifacts beside its SQLite file; None where a server decides."""
    uri = tracking_uri(lake)
    return f"{uri.removeprefix('sqlite:///').rsplit('/', 1)[0]}/artifacts" if uri.startswith("sqlite:///") else None
