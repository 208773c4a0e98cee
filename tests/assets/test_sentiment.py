"""Headlines read into the lake: each text once, by one model at a time, taken up where it was broken off, with bits of its own."""

import hashlib
import json
from datetime import date

import pandas as pd
import pyarrow as pa
import pytest

from assets import sentiment
from lake.lake import Lake
from lake.settings import Settings
from market import calendars, registry
from market.errors import Permanent, Transient
from market.sources import SOURCES
from market.table import Window
from training.sentiment import deep
from training.sentiment.fine_tuning import Tuning, fine_tune
from training.sentiment.labels import read_labelled, split
from training.sentiment.packed import pack
from training.sentiment.pretraining import Reading, Shape, own_encoder
from training.sentiment.scoring import Scorer

pytestmark = pytest.mark.skipif(
    bool(deep.absent()), reason="the deep models are not installed: `make .venv/bin/.deep` adds them"
)
DAYS = calendars.sessions("XKRX", date(2024, 5, 27), date(2024, 6, 5))
NAME = "headline_sentiment"


@pytest.fixture(scope="module")
def encoders() -> list[dict[str, bytes]]:
    """Two models of three classes, hardly taught: what they say matters less here than who says it."""
    parts = split(read_labelled(), seed=1)
    begun = own_encoder(parts.train["text"].tolist(), 1, Shape(1, 16, 2, 500, 32), Reading(steps=2))
    rows = parts.train.groupby("label").head(20)
    return [fine_tune(begun.files, rows, parts.validation, seed, Tuning(epochs=1)).files for seed in (1, 2)]


@pytest.fixture
def lake(tmp_path) -> Lake:
    """Three headlines a session, one of which another press copied and one that names nobody."""
    settings = Settings(
        lake_url=str(tmp_path / "lake"),
        state_dir=tmp_path / "var",
        training_folder=tmp_path / "work",
        **{source.setting("base_url"): "live" for source in SOURCES.values()},
        _env_file=None,
    )
    made = Lake(settings)
    rows = [row for day in DAYS for row in told(day)]
    for name in ("silver.news", "silver.stories"):
        table = registry.table(name)
        frame = pd.DataFrame(rows)[[c.name for c in table.columns if c.name in rows[0]]]
        made.replace(table, table.conform(pa.Table.from_pandas(frame, preserve_index=False)), window(DAYS[0], DAYS[-1]))
    return made


def told(day: date) -> list[dict[str, object]]:
    at = pd.Timestamp(calendars.close_at("XKRX", day)) - pd.Timedelta(hours=2)
    titles = (
        "외국인, 가온전자 순매수 지속...강세",
        "외국인,  가온전자 순매수 지속...강세",
        f"가온전자 {day.day}일 공시",
        "코스피 마감",
    )
    return [
        {
            "session_date": day, "session_month": f"{day:%Y-%m}", "security_id": "XKRX:005930", "exchange": "XKRX", "symbol": "005930",
            "title": title, "url": f"https://p/{day}/{k}", "language": "ko", "mention": "none" if k == 3 else "title",
            "published_at": at, "source": "naver", "payload_digest": "a" * 64, "row_no": k, "known_at": at, "known_until": pd.NaT,
            "story_id": f"{k:016x}", "first_url": f"https://p/{day}/{k}", "link": "first", "likeness": 1.0,
        }
        for k, title in enumerate(titles)
    ]  # fmt: skip


def window(first: date, last: date) -> Window:
    return Window(first, last, calendars.close_at("XKRX", DAYS[-1]))


def export(lake: Lake, version: int, files: dict[str, bytes]) -> None:
    raw = pack(files)
    signature = {"file": "encoder.zip", "flavour": "sentiment", "run_id": f"run{version}",
                 "digests": {"booster": hashlib.sha256(raw).hexdigest()}}  # fmt: skip
    lake.store.put(f"models/{NAME}/{version}/encoder.zip", raw)
    lake.store.put(f"models/{NAME}/{version}/signature.json", json.dumps(signature).encode())
    lake.store.put(f"models/{NAME}/champion.json", json.dumps({"version": version}).encode())


def held(lake: Lake) -> pd.DataFrame:
    rows = lake.delta.read(registry.table(sentiment.SENTIMENT)).to_pandas()
    return rows.sort_values(["session_date", "url"], ignore_index=True)


def quietly(text: str) -> None:
    """Nobody watches."""


def test_nothing_is_read_without_a_champion(lake):
    assert sentiment.read(lake, window(DAYS[0], DAYS[-1]), quietly) is None
    assert not sentiment.is_waiting(lake)


def test_headlines_that_name_the_security_are_read_each_text_once(lake, encoders, monkeypatch):
    export(lake, 1, encoders[0])
    asked: list[str] = []
    score = Scorer.score
    monkeypatch.setattr(Scorer, "score", lambda self, texts: (asked.extend(texts), score(self, texts))[1])
    made = sentiment.read(lake, window(DAYS[0], DAYS[-1]), quietly)
    assert made is not None and not made.blocking and made.n_quarantined == 0
    rows = held(lake)
    assert len(rows) == 3 * len(DAYS) and not rows["title"].str.contains("코스피").any()
    assert len(asked) == len(set(asked)) == 1 + len(DAYS)
    assert (rows["known_at"] == pd.DataFrame([r for d in DAYS for r in told(d)[:3]])["known_at"]).all()
    assert set(zip(rows["model"], rows["model_version"], rows["run_id"], strict=True)) == {(NAME, 1, "run1")}
    copies = rows[rows["url"].str.endswith(("/0", "/1"))]
    assert copies["level"].nunique() == 1


def test_a_session_alone_has_the_bits_of_all_together(lake, encoders):
    export(lake, 1, encoders[0])
    sentiment.read(lake, window(DAYS[0], DAYS[-1]), quietly)
    whole = held(lake)
    for day in DAYS:
        said = Scorer(encoders[0], fixed_shapes=True).score([row["title"] for row in told(day)[:3]])
        here = whole[whole["session_date"] == day].reset_index(drop=True)
        pd.testing.assert_frame_equal(here[said.columns.tolist()], said, check_exact=True)


def test_a_day_goes_on_with_the_model_that_read_the_others_until_a_champion_reads_all(lake, encoders):
    export(lake, 1, encoders[0])
    sentiment.read(lake, window(DAYS[0], DAYS[-2]), quietly)
    export(lake, 2, encoders[1])
    assert sentiment.is_waiting(lake) and str(sentiment.champion(lake.store)) == f"{NAME}@2"
    sentiment.read(lake, window(DAYS[-1], DAYS[-1]), quietly)
    assert set(held(lake)["model_version"]) == {1}
    sentiment.read(lake, window(DAYS[0], DAYS[-1]), quietly)
    assert set(held(lake)["model_version"]) == {2} and not sentiment.is_waiting(lake)


def test_what_the_model_has_read_is_not_read_again(lake, encoders, monkeypatch):
    export(lake, 1, encoders[0])
    sentiment.read(lake, window(DAYS[0], DAYS[-1]), quietly)
    before = held(lake)
    monkeypatch.setattr(Scorer, "score", lambda self, texts: pytest.fail("read again"))
    sentiment.read(lake, window(DAYS[0], DAYS[-1]), quietly)
    pd.testing.assert_frame_equal(held(lake), before, check_exact=True)


def test_a_reading_that_is_broken_off_goes_on_where_it_was(lake, encoders, monkeypatch):
    export(lake, 1, encoders[0])
    monkeypatch.setattr(sentiment, "CHUNK", 2)
    score, n = Scorer.score, []

    def breaks(self, texts):
        n.append(len(texts))
        if len(n) == 3:
            raise ConnectionError("power cut")
        return score(self, texts)

    monkeypatch.setattr(Scorer, "score", breaks)
    with pytest.raises(ConnectionError):
        sentiment.read(lake, window(DAYS[0], DAYS[-1]), quietly)
    assert not lake.delta.exists(registry.table(sentiment.SENTIMENT))  # nothing half-read is seen
    said: list[str] = []
    sentiment.read(lake, window(DAYS[0], DAYS[-1]), said.append)
    assert sum(n) == 2 + 2 + 2 + (1 + len(DAYS) - 4)  # the first two parts were kept
    assert said[-1].endswith(f"{1 + len(DAYS)} of {1 + len(DAYS)}") and not list(
        (lake.settings.training_folder).rglob("*.parquet")
    )
    assert len(held(lake)) == 3 * len(DAYS)


def test_an_export_that_was_changed_is_refused(lake, encoders):
    export(lake, 1, encoders[0])
    lake.store.put(f"models/{NAME}/1/encoder.zip", pack(encoders[1]))
    with pytest.raises(Permanent, match="the files of its signature"):
        sentiment.read(lake, window(DAYS[0], DAYS[-1]), quietly)


def test_what_was_read_is_kept_until_it_is_committed(lake, encoders, monkeypatch):
    """A commit that fails costs no reading: the next run begins with what was read."""
    export(lake, 1, encoders[0])
    keep = sentiment.keep

    def away(*_):
        raise Transient("s3", expected="an answer", found="none")

    monkeypatch.setattr(sentiment, "keep", away)
    with pytest.raises(Transient):
        sentiment.read(lake, window(DAYS[0], DAYS[-1]), quietly)
    monkeypatch.setattr(sentiment, "keep", keep)
    monkeypatch.setattr(sentiment, "_scorer", lambda *_: pytest.fail("read again"))
    sentiment.read(lake, window(DAYS[0], DAYS[-1]), quietly)
    assert len(held(lake)) == 3 * len(DAYS)
    assert not list(lake.settings.path(str(lake.settings.training_folder)).rglob("*.parquet"))
