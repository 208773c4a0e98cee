"""Training a model of headlines on a release, and the texts of an earlier one: read at its versions, call `training.sentiment`, judge.

What does not belong here: what a model does (`training.sentiment`), models of rows (`assets.learning`), orchestration (`assets.models`).
"""

import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from assets.learning import SEED, artifact_root, current, read, tracking_uri
from assets.models import NEWS
from lake.lake import Lake
from lake.releases import Release
from market.errors import Permanent
from training.lock import DataLock
from training.sentiment.baselines import baselines
from training.sentiment.labels import read_labelled
from training.sentiment.model import OWN, SentimentModel
from training.sentiment.train import Progress, Texts, train
from training.trained import Trained


def fit(lake: Lake, model: SentimentModel, progress: Progress) -> Trained:
    """A model taught on the current release's headlines and the labelled sentences, and registered."""
    release = current(lake)
    texts, days = texts_of(lake, release)
    lexicon, lock = lake.settings.sentiment_lexicon, lock_of(lake, release, model, texts, days)
    lake.store.put(_kept(model.name, lock), texts.sentences.to_csv(index=False).encode())
    return train(
        model, texts, lock, tracking_uri(lake), model.name,
        baselines(_file(lake, "sentiment_lexicon") if lexicon else None), progress, artifact_root=artifact_root(lake),
    )  # fmt: skip


def texts_of(lake: Lake, release: Release, lock: DataLock | None = None) -> tuple[Texts, pa.Array]:
    """What the settings say that a model is made from, headlines read at the release's version; and the headlines' sessions.

    Parameters
    ----------
    lock : of an earlier fit, whose labelled sentences are taken: the lake keeps them.

    Raises
    ------
    Permanent
        The release has no Korean headline, or a file that a setting names is not there.
    """
    rows = read(lake, release, NEWS, ["title", "language", "session_date"])
    korean = rows.filter(pc.equal(rows["language"], "ko"))
    if not korean.num_rows:
        raise Permanent(f"release {release.release_id}", expected=f"Korean headlines in {NEWS}", found="none")
    named = lake.settings.sentiment_model
    folder = lake.settings.path(named) if named else None
    encoder = OWN if folder is None else str(folder) if folder.exists() else named
    headlines = sorted(set(korean["title"].to_pylist()))
    sentences, labels = _labelled(lake) if lock is None else _labelled_then(lake, lock)
    return Texts(headlines, sentences, encoder, labels), korean["session_date"].combine_chunks()


def _labelled(lake: Lake) -> tuple[pd.DataFrame, str]:
    """The sentences that the setting names, our own without it, and where they are from."""
    file = _file(lake, "sentiment_labels") if lake.settings.sentiment_labels else None
    return read_labelled(file), file.name if file else "the project's own"


def _labelled_then(lake: Lake, lock: DataLock) -> tuple[pd.DataFrame, str]:
    path = _kept(lock.model, lock)
    if not lake.store.exists(path):  # of a fit from before they were kept
        return _labelled(lake)
    return read_labelled(io.BytesIO(lake.store.get(path))), str(lock.parameters["labels"])


def _kept(name: str, lock: DataLock) -> str:
    """Where the labelled sentences of a fit are: files change and vanish, and a number is to be made again."""
    return f"models/{name}/labels/{lock.dataset_digest}.csv"


def lock_of(lake: Lake, release: Release, model: SentimentModel, texts: Texts, days: pa.Array) -> DataLock:
    """Everything that the fit depends on."""
    return DataLock(
        release_id=release.release_id,
        rulebook=release.rulebook,
        code_sha=lake.code.sha,
        code_dirty=lake.code.dirty,
        seed=SEED,
        dataset_digest=texts.digest(),
        model=model.name,
        parameters=model.parameters(texts.encoder, texts.labels),
        features=("text",),
        train_from=pc.min(days).as_py(),
        train_to=pc.max(days).as_py(),
        tables=dict(release.tables),
    )


def _file(lake: Lake, setting: str) -> Path:
    path = lake.settings.path(str(getattr(lake.settings, setting)))
    if not path.is_file():
        raise Permanent(f"MARKETLAKE_{setting.upper()}", expected="a file", found=str(path))
    return path
