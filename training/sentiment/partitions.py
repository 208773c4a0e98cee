"""Scoring inside Spark's workers: Arrow batches in, the same rows with their scores out; one model per worker process.

    texts.mapInArrow(ScorePartitions(folder, "title"), "url string, title string, negative double, ...")

What does not belong here: Spark (lake.spark), reading and writing tables.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from market.errors import Permanent
from training.sentiment.encoder import digest_of
from training.sentiment.labels import LABELS
from training.sentiment.scoring import LEVEL, Scorer

SCORES = (*LABELS, LEVEL)

_LOADED: dict[tuple[str, bool], Scorer] = {}
"""The one model of this process: Spark keeps its Python workers, so that many partitions meet the same."""


class ScorePartitions:
    """What ``mapInArrow`` calls with the batches of a partition.

    Parameters
    ----------
    source : a folder that every worker sees, or files by name; files travel with the task, so a model of base size is better named.
    text : the column with the texts.
    int8 : as ``Scorer``.
    """

    def __init__(self, source: Mapping[str, bytes] | str | Path, text: str = "text", *, int8: bool = False) -> None:
        self._source = dict(source) if isinstance(source, Mapping) else str(source)
        self._key = (digest_of(source) if isinstance(source, Mapping) else str(source), int8)
        self._text = text

    def schema(self, of: pa.Schema) -> pa.Schema:
        """Of the rows that come out: the columns that came in, then the scores as float64, null where the text is empty."""
        return pa.schema([*of, *(pa.field(name, pa.float64()) for name in SCORES)])

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same batches with their scores.

        Raises
        ------
        Permanent
            There is no such column, or one of the scores' names is taken; and as ``open_encoder``.
        """
        for batch in batches:
            names = batch.schema.names
            if self._text not in names or set(SCORES) & set(names):
                raise Permanent(
                    "scoring a partition", expected=f"a column {self._text} and none of {', '.join(SCORES)}",
                    found=", ".join(names),
                )  # fmt: skip
            scores = self._scorer().score(batch.column(self._text).to_pylist())
            columns = [pa.array(scores[name].to_numpy(), pa.float64(), from_pandas=True) for name in SCORES]
            yield pa.RecordBatch.from_arrays([*batch.columns, *columns], schema=self.schema(batch.schema))

    def _scorer(self) -> Scorer:
        if self._key not in _LOADED:
            _LOADED.clear()  # another model took its place: two of base size may be more than a worker has
            _LOADED[self._key] = Scorer(self._source, int8=self._key[1])
        return _LOADED[self._key]
