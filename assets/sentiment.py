"""What the champion among the models of headlines says of them: which are read, by whom, each text once, taken up where it was broken off.

What does not belong here: training one (`assets.reading`), how a text is scored (`training.sentiment`), orchestration (`assets.models`).
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from assets.building import Built, keep
from lake.lake import Lake
from lake.masters import is_cluster
from lake.objects import Store
from lake.windows import between
from market import registry
from market.errors import Permanent
from market.exports import signature_of
from market.mentions import SUMMARY, TITLE
from market.table import Window
from training.catalogue import readers
from training.sentiment.labels import normalised
from training.sentiment.packed import unpack
from training.sentiment.partitions import SCORES, ScorePartitions
from training.sentiment.scoring import Scorer

SENTIMENT, NEWS, STORIES = "silver.sentiment", "silver.news", "silver.stories"
CHUNK = 2_000
"""Texts that are lost at most when the work is broken off."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Reader:
    """An exported model of headlines."""

    model: str
    version: int
    run_id: str
    digest: str
    raw: bytes


def read(lake: Lake, window: Window, say: Say) -> Built | None:
    """The headlines of the window as the model of silver.sentiment reads them; None where none is champion yet.

    A session goes on with the model that read the others, so that numbers can be compared; where the window covers all that
    was read, the champion takes over.

    Raises
    ------
    Permanent
        The model's export is not there or not the one that was signed, or torch is not installed here.
    """
    reader = _reader(lake, window)
    if reader is None:
        return None
    table = registry.table(SENTIMENT)
    told = _headlines(lake, window)
    told = told.assign(text=told["title"].map(normalised))
    scores, files = _scores(lake, reader, window, sorted(set(told["text"]) - {""}), say)
    rows = told[told["text"] != ""].merge(scores, on="text", how="left")
    rows = rows.assign(model=reader.model, model_version=reader.version, run_id=reader.run_id)
    made = keep(lake, table, table.conform(pa.Table.from_pandas(rows, preserve_index=False)), window)
    if not made.blocking:
        for file in files:  # one's own alone: another run may be reading
            file.unlink(missing_ok=True)
    return made


class Champion(NamedTuple):
    """Whoever reads."""

    model: str
    version: int

    def __str__(self) -> str:
        return f"{self.model}@{self.version}"


def champion(store: Store) -> Champion | None:
    """The champion among the models of headlines, the first by name; None where there is none."""
    for name in sorted(readers()):
        path = f"models/{name}/champion.json"
        if store.exists(path):
            return Champion(name, int(json.loads(store.get(path))["version"]))
    return None


def is_waiting(lake: Lake) -> bool:
    """Whether there is a champion, and silver.sentiment holds what another said, or nothing."""
    present = champion(lake.store)
    return present is not None and _held(lake, None) != {present}


def _reader(lake: Lake, window: Window) -> Reader | None:
    present, held = champion(lake.store), _held(lake, window)
    if present is None:
        return None
    name, version = present if not held or present in held else max(held)
    folder = f"models/{name}/{version}"
    signature = signature_of(lake.store.get(f"{folder}/signature.json"))
    raw = lake.store.get(f"{folder}/{signature['file']}")
    digest, expected = hashlib.sha256(raw).hexdigest(), signature["digests"]["booster"]
    if digest != expected:
        raise Permanent(folder, expected=f"the files of its signature, SHA-256 {expected}", found=digest,
                        do="Promote the version again: the two files belong together")  # fmt: skip
    return Reader(name, version, str(signature["run_id"]), digest, raw)


def _held(lake: Lake, beyond: Window | None) -> set[Champion]:
    """Models and versions of the rows; of those that are not in the window, where one is given."""
    table = registry.table(SENTIMENT)
    if not lake.delta.exists(table):
        return set()
    rows = lake.delta.read(table, columns=["session_date", "model", "model_version"]).to_pandas()
    if beyond is not None:
        rows = rows[(rows["session_date"] < beyond.start) | (rows["session_date"] > beyond.end)]
    return {
        Champion(str(one.model), int(one.model_version))
        for one in rows.drop_duplicates(["model", "model_version"]).itertuples()
    }


def _headlines(lake: Lake, window: Window) -> pd.DataFrame:
    """Versions of the Korean headlines that name their security without doubt, with their stories."""
    where = between(window.start, window.end)
    names = [
        "session_date",
        "session_month",
        "security_id",
        "exchange",
        "url",
        "title",
        "language",
        "mention",
        "known_at",
        "known_until",
    ]
    news = lake.delta.read(registry.table(NEWS), where=where, columns=names).to_pandas(timestamp_as_object=False)
    key = ["security_id", "session_date", "url"]
    stories = lake.delta.read(registry.table(STORIES), where=where, columns=[*key, "story_id"]).to_pandas()
    chosen = news[(news["language"] == "ko") & news["mention"].isin((TITLE, SUMMARY))]
    return chosen.merge(stories.drop_duplicates(key), on=key, how="inner")


def _scores(
    lake: Lake, reader: Reader, window: Window, texts: Sequence[str], say: Say
) -> tuple[pd.DataFrame, list[Path]]:
    """A row per text, with its scores, and where they are until they are committed; those that the table holds of this model are not read again."""
    columns = ["text", *SCORES]
    known = _known(lake, reader, window)
    wanted = [text for text in texts if text not in known.index]
    folder = lake.settings.path(str(lake.settings.training_folder)) / "read" / reader.digest[:16]
    chunks = [wanted[at : at + CHUNK] for at in range(0, len(wanted), CHUNK)]
    made, score = [known.loc[known.index.isin(texts)].reset_index()[columns]], None
    files = []
    for number, chunk in enumerate(chunks, 1):
        file = folder / f"{hashlib.sha256(chr(10).join(chunk).encode()).hexdigest()[:16]}.parquet"
        if not file.exists():
            score = score or _scorer(lake, reader)
            _put(file, score(chunk))
        files.append(file)
        made.append(pd.read_parquet(file)[columns])
        say(f"{number}/{len(chunks)} headlines read: {min(number * CHUNK, len(wanted))} of {len(wanted)}")
    return pd.concat(made, ignore_index=True), files


def _known(lake: Lake, reader: Reader, window: Window) -> pd.DataFrame:
    table = registry.table(SENTIMENT)
    if not lake.delta.exists(table):
        return pd.DataFrame(columns=list(SCORES), index=pd.Index([], name="text"))
    names = ["title", "model", "model_version", *SCORES]
    rows = lake.delta.read(table, where=between(window.start, window.end), columns=names).to_pandas()
    rows = rows[(rows["model"] == reader.model) & (rows["model_version"] == reader.version)]
    return rows.assign(text=rows["title"].map(normalised)).drop_duplicates("text").set_index("text")[list(SCORES)]


def _scorer(lake: Lake, reader: Reader) -> Callable[[Sequence[str]], pd.DataFrame]:
    """In this process; on the workers of a Spark cluster where there is one."""
    files = unpack(reader.raw)
    if not is_cluster(lake.settings.spark_master):
        scorer = Scorer(files, fixed_shapes=True)
        return lambda texts: scorer.score(texts).assign(text=list(texts))
    work = ScorePartitions(lake.spark.session.sparkContext.broadcast(files), fixed_shapes=True)

    def spread(texts: Sequence[str]) -> pd.DataFrame:
        rows = pa.table({"text": pa.array(texts, pa.string())})
        return lake.spark.mapped(rows, work, work.schema(rows.schema)).to_pandas()

    return spread


def _put(file: Path, scores: pd.DataFrame) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    scores.to_parquet(part, index=False)
    part.replace(file)
