"""Scores of a champion: for symbols, from a whole session's features, so that a rank means something; or for rows."""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lake.sql import ReleaseSql
from market.labels import rank_within
from serving.champions import LARGEST, Champion, Read
from serving.deps import iso_date
from serving.problems import Fault, Problem, shown
from serving.queries.cross_section import features_of_session
from serving.queries.indicators import FEATURES
from serving.queries.stocks import resolve
from training.inputs import Inputs

MAX_ROWS = 1000
LONGEST_TEXT = 10_000
KEPT_SESSIONS = 64
"""Sessions whose scores are kept, over all models: those of 3,000 names take a megabyte."""
SessionScores = Mapping[str, dict[str, Any]]
"""Session, score, rank and known_at by security."""
_KEYS = ("security_id", "session_date")


def of_symbols(
    sql: ReleaseSql, champion: Champion, symbols: Sequence[str], day: date | None
) -> tuple[list[dict[str, Any]], datetime | None]:
    """One row per symbol, in the order asked, and when the last of their features was known.

    A security without features in the session has a null score. The rank is the percentile within the session's
    securities of the exchange, as in `gold.predictions`.

    Raises
    ------
    Problem
        404: a symbol that there is not; 409: the model needs features that the release does not have.
    """
    missing = [name for name in champion.features if name not in FEATURES]
    if missing:
        detail = (
            f"Model {champion.name} needs {', '.join(missing)}, which are no columns of gold.features_daily; send rows"
        )
        raise Problem(409, "features-not-stored", detail)
    ids = [resolve(sql, symbol) for symbol in dict.fromkeys(symbols)]
    kept = sql.once(_Kept)
    found = {exchange: kept.scores(sql, champion, exchange, day) for exchange in {id_.split(":")[0] for id_ in ids}}
    nothing = {"session_date": day, "score": None, "rank": None, "known_at": None}
    rows = [{"security_id": security, **found[security.split(":")[0]].get(security, nothing)} for security in ids]
    known = [row["known_at"] for row in rows if row["known_at"]]
    return rows, max(known, default=None)


def of_rows(champion: Champion, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per given row: its keys back, and the score.

    Raises
    ------
    Problem
        422: a feature is missing, unknown, no number, or too large for the booster; every fault is named, up to 50.
    """
    faults = [fault for i, row in enumerate(rows) for fault in _faults(champion, i, row)][:50]
    if faults:
        first = faults[0]
        raise Problem(422, "bad-input", f"{first.where}: expected {first.expected}, was {first.found}", faults)
    matrix = np.array([[_number(row[name]) for name in champion.features] for row in rows], dtype=np.float64)
    numbers = pd.DataFrame(matrix.reshape(len(rows), len(champion.features)), columns=list(champion.features))
    # A row that does not say whose it is, or of when, is of nobody else: it has no earlier ones.
    keys = pd.DataFrame(
        {"security_id": [row.get("security_id") or f"row {i}" for i, row in enumerate(rows)],
         "session_date": pd.to_datetime([row.get("session_date") or "2000-01-01" for row in rows])}
    )  # fmt: skip
    scores = champion.score(Inputs(keys, numbers, np.ones(len(rows), dtype=np.bool_)))
    return [
        {"security_id": row.get("security_id"), "session_date": row.get("session_date"), "score": float(score),
         "rank": None, "known_at": None}
        for row, score in zip(rows, scores, strict=True)
    ]  # fmt: skip


def of_texts(read: Read, texts: Sequence[str | None]) -> list[dict[str, Any]]:
    """One row per text: itself, its probabilities and level, null where it is empty."""
    found = read(texts).astype(object)
    rows = found.where(found.notna(), None).to_dict("records")
    return [{"text": text, **row} for text, row in zip(texts, rows, strict=True)]


class _Kept:
    """Scores of whole sessions of one release: a rank needs all of them, whoever is asked for."""

    def __init__(self, _: ReleaseSql) -> None:
        self._lock = Lock()
        self._made: OrderedDict[tuple[str, str, date | None], Future[SessionScores]] = OrderedDict()

    def scores(self, sql: ReleaseSql, champion: Champion, exchange: str, day: date | None) -> SessionScores:
        """Of that champion; made by the first who asks for the session, while others who want the same wait."""
        key = champion.digest, exchange, day
        while True:
            asked, is_first = self._asked(key)
            if not is_first:
                if asked.exception() is None:
                    return asked.result()
                continue  # whoever made them left, or met an error: make them oneself
            try:
                asked.set_result(_session_scores(sql, champion, exchange, day))
            except BaseException as error:
                with self._lock:
                    self._made.pop(key, None)
                asked.set_exception(error)  # those who wait must not wait for ever
                raise
            return asked.result()

    def _asked(self, key: tuple[str, str, date | None]) -> "tuple[Future[SessionScores], bool]":
        """What will hold the scores, and whether the caller is to make them."""
        with self._lock:
            is_first = key not in self._made
            found = self._made.setdefault(key, Future())
            self._made.move_to_end(key)
            while len(self._made) > KEPT_SESSIONS:
                self._made.popitem(last=False)
            return found, is_first


def _session_scores(sql: ReleaseSql, champion: Champion, exchange: str, day: date | None) -> SessionScores:
    back = timedelta(days=champion.signature["reach_days"])
    rows = features_of_session(sql, exchange, day, champion.features, back)
    frame = rows.select(["security_id", "session_date", *champion.features]).to_pandas()
    meant = (frame["session_date"] == (day or frame["session_date"].max())).to_numpy(dtype=np.bool_)
    scores = champion.score(Inputs(frame, frame[list(champion.features)].astype(np.float64), meant))
    rows = rows.filter(pa.array(meant))
    ranks = rank_within(scores, np.zeros(len(scores), dtype=np.int64))
    made = zip(
        *(rows.column(name).to_pylist() for name in ("security_id", "session_date", "known_at")),
        scores,
        ranks,
        strict=True,
    )
    return {
        security: {"session_date": session, "score": float(score), "rank": float(rank), "known_at": known_at}
        for security, session, known_at, score, rank in made
    }


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _faults(champion: Champion, i: int, row: Mapping[str, Any]) -> list[Fault]:
    found = []
    for name in champion.features:
        if name not in row:
            found.append(Fault(where=f"rows.{i}.{name}", expected="a number or null", found="nothing"))
        elif not _is_number(row[name]):
            expected = f"a finite number within {LARGEST:.6g}, or null"
            found.append(Fault(where=f"rows.{i}.{name}", expected=expected, found=shown(row[name])))
    for name in row:
        if name not in champion.features and name not in _KEYS:
            expected = f"features among {', '.join(champion.features)}"
            found.append(Fault(where=f"rows.{i}", expected=expected, found=shown(name)))
    if not _is_text(row.get("security_id")):
        found.append(Fault(where=f"rows.{i}.security_id", expected="text", found=shown(row["security_id"])))
    try:
        iso_date(row.get("session_date"))
    except ValueError as error:
        found.append(Fault(where=f"rows.{i}.session_date", expected=str(error), found=shown(row["session_date"])))
    return found


def _is_text(value: Any) -> bool:
    # What cannot be written as UTF-8 (half of a surrogate pair) could not be given back.
    return value is None or (isinstance(value, str) and len(value) <= 100 and shown(value) == value)


def _is_number(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
