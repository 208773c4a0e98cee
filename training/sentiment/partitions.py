"""Scoring inside Spark's workers: Arrow batches in, the same rows with their scores out; one model per worker process.

    texts.mapInArrow(ScorePartitions(folder, "title"), "url string, title string, negative double, ...")

What does not belong here: Spark (lake.spark), reading and writing tables.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from market.errors import Permanent
from training.sentiment.encoder import digest_of
from training.sentiment.labels import LABELS
from training.sentiment.scoring import LEVEL, Scorer

SCORES = (*LABELS, LEVEL)

_LOADED: dict[tuple[str, bool, bool], Scorer] = {}
"""The one model of this process: Spark keeps its Python workers, so that many partitions meet the same."""


class Shared(Protocol):
    """Files by name that every worker gets once, as a broadcast of Spark holds them."""

    @property
    def value(self) -> Mapping[str, bytes]:
        """The files."""
        ...


class ScorePartitions:
    """What ``mapInArrow`` calls with the batches of a partition.

    Parameters
    ----------
    source : a folder that every worker sees, files by name, which travel with each task, or files that are shared.
    text : the column with the texts.
    int8, fixed_shapes : as ``Scorer``.
    """

    def __init__(
        self,
        source: Mapping[str, bytes] | Shared | str | Path,
        text: str = "text",
        *,
        int8: bool = False,
        fixed_shapes: bool = False,
    ) -> None:
        self._source = str(source) if isinstance(source, str | Path) else source
        files = self._files()
        self._key = (files if isinstance(files, str) else digest_of(files), int8, fixed_shapes)
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
            _LOADED[self._key] = Scorer(self._files(), int8=self._key[1], fixed_shapes=self._key[2])
        return _LOADED[self._key]

    def _files(self) -> Mapping[str, bytes] | str:
        return self._source if isinstance(self._source, str | Mapping) else self._source.value
