"""Training a model of headlines on a release, and the texts of an earlier one: read at its versions, call `training.sentiment`, judge.

What does not belong here: what a model does (`training.sentiment`), models of rows (`assets.learning`), orchestration (`assets.models`).
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from assets.learning import SEED, artifact_root, current, install, read, tracking_uri
from assets.models import NEWS
from lake.lake import Lake
from lake.releases import Release
from market.errors import Permanent
from training.gates import SENTIMENT_GATES
from training.lock import DataLock
from training.registry import GateResult, promote
from training.sentiment.baselines import baselines
from training.sentiment.labels import read_labelled
from training.sentiment.model import OWN, SentimentModel
from training.sentiment.train import Progress, Texts, train
from training.trained import Trained


def fit(lake: Lake, model: SentimentModel, progress: Progress) -> tuple[Trained, GateResult]:
    """A model taught on the current release's headlines and the labelled sentences, registered, champion if it passes its gates."""
    release = current(lake)
    texts, days = texts_of(lake, release)
    lexicon = lake.settings.sentiment_lexicon
    trained = train(
        model, texts, lock_of(lake, release, model, texts, days), tracking_uri(lake), model.name,
        baselines(_file(lake, "sentiment_lexicon") if lexicon else None), progress, artifact_root=artifact_root(lake),
    )  # fmt: skip
    result = promote(tracking_uri(lake), model.name, trained.version, gates=SENTIMENT_GATES)
    if result.promoted:
        install(lake, model.name, trained.version)
    return trained, result


def texts_of(lake: Lake, release: Release) -> tuple[Texts, pa.Array]:
    """What the settings say that a model is made from, headlines read at the release's version; and the headlines' sessions.

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
    labels = _file(lake, "sentiment_labels") if lake.settings.sentiment_labels else None
    headlines = sorted(set(korean["title"].to_pylist()))
    return (
        Texts(headlines, read_labelled(labels), encoder, labels.name if labels else "the project's own"),
        korean["session_date"].combine_chunks(),
    )


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
