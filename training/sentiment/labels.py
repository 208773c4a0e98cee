"""Labelled sentences as a frame: ours or a file's, held against the rules, and split so that no text is on two sides.

Our own 453 headlines (sentences.csv) were written for this project, of companies that do not exist, under its licence.
What does not belong here: learning from them (training.sentiment.fine_tuning), tokens.
"""

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.errors import Permanent

LABELS = ("negative", "neutral", "positive")
"""The classes, in the order of every array of three in this package."""

OWN = Path(__file__).with_name("sentences.csv")
LEAST_PER_CLASS = 10
_NAMES = {"kor_sentence": "text", "sentence": "text", "labels": "label"}
"""What published sets call the columns; a Korean sentence goes before an English one."""


def normalised(text: object) -> str:
    """The text as everything here reads it: NFC, each run of white space one space, none at the ends; "" for what is none."""
    return " ".join(unicodedata.normalize("NFC", text).split()) if isinstance(text, str) else ""


def read_labelled(path: Path | str | IO[bytes] | None = None) -> pd.DataFrame:
    """Columns ``text`` (normalised) and ``label``, in the file's order, exact duplicates included; our own sentences without a file.

    Raises
    ------
    Permanent
        As ``read_rows`` and ``checked``.
    """
    return checked(read_rows(path or OWN), _named(path or OWN))


def _named(path: Path | str | IO[bytes]) -> str:
    return f"labelled sentences {Path(path).name}" if isinstance(path, str | Path) else "labelled sentences"


def read_rows(path: Path | str | IO[bytes]) -> pd.DataFrame:
    """Columns ``text`` (normalised) and ``label`` (in small letters) of a CSV in UTF-8, unchecked; row 1 has index 0.

    Parameters
    ----------
    path : a file, open or by its path, with the columns text and label, or as published sets call them: labels, and kor_sentence or sentence.

    Raises
    ------
    Permanent
        The file is missing, is no CSV or lacks a column.
    """
    where = _named(path)
    try:
        rows = pd.read_csv(path, dtype="string", keep_default_na=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise Permanent(where, expected="a CSV file in UTF-8", found=str(error)) from error
    for theirs, ours in _NAMES.items():
        if ours not in rows.columns and theirs in rows.columns:
            rows = rows.rename(columns={theirs: ours})
    if not {"text", "label"} <= set(rows.columns):
        raise Permanent(where, expected="columns text and label", found=", ".join(rows.columns) or "none")
    return pd.DataFrame(
        {"text": rows["text"].map(normalised).astype("string"), "label": rows["label"].str.strip().str.lower()}
    )


def contradicting(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows have a text that another row labels otherwise.  The published 4,846 sentences have six."""
    return rows.groupby("text")["label"].transform("nunique") > 1


def checked(rows: pd.DataFrame, where: str = "labelled sentences") -> pd.DataFrame:
    """The rows themselves, where they can be learned from.

    Raises
    ------
    Permanent
        An empty text, an unknown label, one text with two labels, or fewer than ``LEAST_PER_CLASS`` different texts of a class,
        so one class only too.  Keys are row numbers: 1 is the first row after the header.
    """
    faults = (
        (rows["text"] == "", "a text in every row", "rows without"),
        (~rows["label"].isin(LABELS), f"labels {', '.join(LABELS)}", "rows with another"),
        (contradicting(rows), "one label per text", "rows whose text has two"),
    )
    for broken, expected, found in faults:
        if broken.any():
            numbers = [int(i) + 1 for i in rows.index[broken]]
            raise Permanent(
                where, expected=expected, found=f"{len(numbers)} {found}", keys=[f"row {n}" for n in numbers]
            )
    counts = rows.drop_duplicates()["label"].value_counts().reindex(list(LABELS), fill_value=0)
    if counts.min() < LEAST_PER_CLASS:
        raise Permanent(
            where,
            expected=f"at least {LEAST_PER_CLASS} different texts of each class",
            found=", ".join(f"{count} {name}" for name, count in counts.items()),
            do="Label more sentences of the smallest class",
        )
    return rows


@dataclass(frozen=True)
class Parts:
    """Rows to fit on, to stop and calibrate by, and to judge on; no text is in two of them."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def split(rows: pd.DataFrame, seed: int, validation: float = 0.15, test: float = 0.2) -> Parts:
    """Stratified by label, dealt by a seed; every copy of a text is on the side of its first.

    Parameters
    ----------
    rows : as ``checked`` returns them; their order does not matter.
    validation, test : shares of the different texts of each class; at least one of each class goes to every side.

    Raises
    ------
    Permanent
        The shares leave nothing to fit on.
    """
    if not (validation > 0 and test > 0 and validation + test < 1):
        raise Permanent("split", expected="shares above 0 that leave some rows", found=f"{validation} and {test}")
    unique = rows.drop_duplicates("text").sort_values("text", ignore_index=True)
    rng = np.random.default_rng(seed)
    side = pd.Series("train", index=unique["text"], dtype="string")
    for label in LABELS:
        texts = rng.permutation(unique.loc[unique["label"] == label, "text"].to_numpy())
        n_test, n_validation = (max(1, round(share * texts.size)) for share in (test, validation))
        side[texts[:n_test]] = "test"
        side[texts[n_test : n_test + n_validation]] = "validation"
    of = rows["text"].map(side)
    return Parts(*(rows[of == name].reset_index(drop=True) for name in ("train", "validation", "test")))


def codes(labels: "pd.Series[str]") -> npt.NDArray[np.int64]:
    """(n,) int64 position of each label in ``LABELS``."""
    return np.asarray(labels.map({name: code for code, name in enumerate(LABELS)}), dtype=np.int64)
