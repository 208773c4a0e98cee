"""A tiny encoder that has read our headlines, and one taught the tones of the synthetic world; skipped where the extra is absent."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exchange.synthetic import news
from training.sentiment import deep
from training.sentiment.encoder import Encoder, open_encoder
from training.sentiment.fine_tuning import Fitted, Tuning, fine_tune
from training.sentiment.labels import Parts, normalised, read_labelled, split
from training.sentiment.pretraining import Pretrained, Reading, Shape, own_encoder

NAMES = (
    "가온전자",
    "누리화학",
    "미르건설",
    "벼리반도체",
    "하람소재",
    "솔빛에너지",
    "해솔식품",
    "도담항공",
    "나래해운",
    "두레제약",
)
TONES = {"negative": news.BAD, "neutral": news.PLAIN, "positive": news.GOOD}
TINY = Shape(layers=1, hidden=32, heads=2, vocabulary=1_500, positions=64)
READ = Reading(steps=120, batch=16, rate=3e-3)
SHORT = Tuning(epochs=25, batch=16, rate=3e-3, patience=6)


@pytest.fixture(scope="session")
def needs_deep() -> None:
    """Skips what needs a network where its packages are absent."""
    if missing := deep.absent():
        pytest.skip(f"the optional extra is absent: no {', '.join(missing)}; `make .venv/bin/.deep` adds it")


@pytest.fixture(scope="session")
def planted() -> pd.DataFrame:
    """Headlines of the synthetic world with the tone they were written in."""
    rows = [
        (normalised(texts[i % len(texts)][0].format(n=name)), label)
        for label, texts in TONES.items()
        for i, name in enumerate(
            f"{name}{ending}" for ending in ("", "홀딩스", "솔루션", "바이오", "테크", "랩") for name in NAMES
        )
    ]
    return pd.DataFrame(rows, columns=["text", "label"]).astype("string")


@pytest.fixture(scope="session")
def parts(planted: pd.DataFrame) -> Parts:
    return split(planted, seed=0, test=0.4)


@pytest.fixture(scope="session")
def headlines(planted: pd.DataFrame) -> list[str]:
    """Unlabelled: the planted ones and our own."""
    return [*planted["text"], *read_labelled()["text"]]


@pytest.fixture(scope="session")
def pretrained(needs_deep: None, headlines: list[str]) -> Pretrained:
    return own_encoder(headlines, seed=1, shape=TINY, reading=READ)


@pytest.fixture(scope="session")
def taught(pretrained: Pretrained) -> Callable[..., Fitted]:
    """Fits the tiny encoder on train and validation rows with a seed."""

    def fit(train: pd.DataFrame, validation: pd.DataFrame, seed: int, **more: object) -> Fitted:
        return fine_tune(pretrained.files, train, validation, seed, SHORT, **more)  # type: ignore[arg-type]

    return fit


@pytest.fixture(scope="session")
def fitted(taught: Callable[..., Fitted], parts: Parts) -> Fitted:
    return taught(parts.train, parts.validation, 1)


@pytest.fixture(scope="session")
def encoder(fitted: Fitted) -> Encoder:
    return open_encoder(fitted.files)


@pytest.fixture
def folder(fitted: Fitted, tmp_path: Path) -> Path:
    """The fitted model as a folder, to be spoiled."""
    for name, content in fitted.files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture(scope="session")
def overconfident() -> tuple[np.ndarray, np.ndarray]:
    """Logits that are right seven times in ten and claim far more, and the classes."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 600)
    said = np.where(rng.random(600) < 0.7, truth, (truth + rng.integers(1, 3, 600)) % 3)
    return 6.0 * np.eye(3)[said] + rng.normal(0.0, 0.5, (600, 3)), truth
