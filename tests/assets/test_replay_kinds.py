"""Runs of all three kinds, of rows, of sequences and of texts, are made again bit for bit, and an altered one of each is named."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import assets.replay
from assets import learning, reading
from assets.replay import replay, replay_each
from lake.lake import Lake
from lake.releases import Release
from market import registry
from tests.assets.conftest import left, write_version
from tests.training.sentiment.conftest import READ, SHORT, TINY
from training import replay as refitting
from training import tracking
from training.catalogue import models, readers
from training.sentiment.deep import absent, versions
from training.sentiment.labels import read_labelled
from training.sentiment.train import refit
from training.tracking import PACKAGES
from training.trained import Trained

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(absent()), reason=f"not installed: {', '.join(absent())}; `make .venv/bin/.deep` adds it"),
]

SEQUENCES, HEADLINES = "sequence_rank_5d", "headline_sentiment"
SMALL = {"window": 4, "hidden": 4, "n_epochs": 1}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model of headlines, its encoder made small."""
    small = replace(readers()[HEADLINES], shape=TINY, reading=READ, own_tuning=replace(SHORT, epochs=2), seeds=(1,))
    monkeypatch.setattr(assets.replay, "readers", lambda: {HEADLINES: small})


@pytest.fixture
def of_texts(trained_lake: Lake, reader: None) -> str:
    titles = read_labelled()["text"].tolist()
    sessions = pd.to_datetime(["2023-05-02", "2023-05-03"] * len(titles))[: len(titles)]
    rows = {
        "session_date": sessions.date, "session_month": "2023-05", "security_id": "XKRX:000001", "exchange": "XKRX", "symbol": "000001",
        "title": titles, "url": [f"https://news.example/{n}" for n in range(len(titles))], "language": "ko",
        "published_at": sessions.tz_localize("UTC"), "source": "naver", "payload_digest": "0" * 64,
        "row_no": range(len(titles)), "known_at": sessions.tz_localize("UTC"),
    }  # fmt: skip
    unknown = {column.name: None for column in registry.table(reading.NEWS).columns if column.name not in rows}
    frame = pd.DataFrame(rows | unknown)
    tables = {**learning.current(trained_lake).tables, reading.NEWS: write_version(trained_lake, reading.NEWS, frame)}
    release: Release = replace(learning.current(trained_lake), tables=tables)
    texts, days = reading.texts_of(trained_lake, release)
    model = assets.replay.readers()[HEADLINES]
    lock = reading.lock_of(trained_lake, release, model, texts, days)
    return left(trained_lake, lock, refit(model, texts, lock), versions())


@pytest.fixture
def of_sequences(trained_lake: Lake) -> str:
    model, release = models()[SEQUENCES], learning.current(trained_lake)
    frame = learning.training_frame(trained_lake, release, model)
    lock = learning.lock_of(trained_lake, release, model, frame)
    lock = replace(lock, parameters={**lock.parameters, **SMALL})
    return left(trained_lake, lock, refitting.refit(model, frame, lock), model.algorithm.version)


def test_one_after_the_other_they_match(
    trained_lake: Lake, recorded: Trained, of_sequences: str, of_texts: str
) -> None:
    made = list(replay_each(trained_lake, [recorded.run_id, of_sequences, of_texts], here=True))
    assert [(one.model, one.matches, one.differences, one.packages) for one in made] == [
        (name, True, (), ()) for name in ("return_rank_5d", SEQUENCES, HEADLINES)
    ]


@pytest.mark.parametrize("kind", ["of_sequences", "of_texts"])
def test_an_altered_lock_and_another_version_of_a_library_are_named(
    trained_lake: Lake, kind: str, request: pytest.FixtureRequest, tamper: Callable[..., Any]
) -> None:
    run_id = request.getfixturevalue(kind)
    tamper(trained_lake, run_id, seed=8)
    client = tracking.client(learning.tracking_uri(trained_lake))
    client.set_tag(run_id, PACKAGES, "torch 0.1")
    again = replay(trained_lake, run_id, here=True)
    assert not again.matches
    assert [told.split(":")[0] for told in again.differences] == ["seed", "booster", "predictions"]
    assert again.packages[0].startswith("torch: recorded 0.1, here ")
