"""What a network must beat: a lexicon's count of words, and TF-IDF of characters with logistic regression.

What does not belong here: holding them against the network (training.sentiment.judging).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.errors import Permanent
from training.sentiment.agreement import Codes, macro_f1
from training.sentiment.labels import codes, normalised

Baseline = Callable[[pd.DataFrame, pd.DataFrame, Sequence[str]], Codes]
"""Fitted on train rows and chosen by validation rows (``text``, ``label``), it gives a class per text."""

STRENGTHS = (1.0, 3.0, 10.0)
_LEAST_LETTERS = 2
_WORD = re.compile(r"\w+")


def baselines(lexicon: Path | str | None = None) -> Mapping[str, Baseline]:
    """By name: ``tfidf``, and ``lexicon`` where the file of one is given.  Without one none is made up: it is left out.

    Parameters
    ----------
    lexicon : as ``read_lexicon`` takes it.
    """
    found: dict[str, Baseline] = {"tfidf": tfidf}
    return found if lexicon is None else found | {"lexicon": partial(by_words, read_lexicon(lexicon))}


def tfidf(train: pd.DataFrame, validation: pd.DataFrame, texts: Sequence[str]) -> Codes:
    """Class per text by TF-IDF of 1 to 4 characters within words and a balanced logistic regression.

    Its strength is the one of ``STRENGTHS`` with the best macro F1 on the validation rows, the weakest of equals.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=2)
    rows, targets = vectorizer.fit_transform(train["text"]), codes(train["label"])
    watched, truth = vectorizer.transform(validation["text"]), codes(validation["label"])
    fitted = [
        LogisticRegression(C=one, class_weight="balanced", tol=1e-3, max_iter=1_000).fit(rows, targets)
        for one in STRENGTHS
    ]
    worth = [macro_f1(truth, model.predict(watched)) for model in fitted]
    return np.asarray(fitted[int(np.argmax(worth))].predict(vectorizer.transform(texts)), dtype=np.int64)


@dataclass(frozen=True)
class Lexicon:
    """Polarity by word, from -2 to 2, and the letters of the longest word."""

    polarity: Mapping[str, int]
    longest: int

    def level(self, text: str) -> int:
        """Sum of the polarities of the words a text holds.

        From the beginning of each of its words the longest entry counts, once, and what follows it in that word is an ending.
        """
        found, end = 0, 0
        for word in _WORD.finditer(text):
            if word.start() >= end:
                end = word.start() + self._longest_at(text, word.start())
                found += self.polarity.get(text[word.start() : end], 0)
        return found

    def _longest_at(self, text: str, at: int) -> int:
        for length in range(min(self.longest, len(text) - at), _LEAST_LETTERS - 1, -1):
            if text[at : at + length] in self.polarity:
                return length
        return 0


def read_lexicon(path: Path | str) -> Lexicon:
    """The KNU sentiment lexicon (a list of word, word_root, polarity); words of one letter are left out: they stand in any word.

    Raises
    ------
    Permanent
        The file is missing or no such list.
    """
    where = f"lexicon {Path(path).name}"
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        words = {normalised(entry["word"]): int(entry["polarity"]) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Permanent(where, expected="a JSON list of word and polarity", found=str(error)) from error
    kept = {word: polarity for word, polarity in words.items() if len(word) >= _LEAST_LETTERS}
    if not kept:
        raise Permanent(where, expected="words of two letters and more", found=f"{len(words)} words")
    return Lexicon(kept, max(map(len, kept)))


def by_words(lexicon: Lexicon, train: pd.DataFrame, validation: pd.DataFrame, texts: Sequence[str]) -> Codes:
    """Class per text by its level: below one threshold negative, above another positive, both those with the best macro F1 on all
    rows given."""
    known = pd.concat([train, validation])
    levels, truth = _levels(lexicon, known["text"]), codes(known["label"])
    low, high = max(_thresholds(levels), key=lambda pair: (macro_f1(truth, _cut(levels, *pair)), -abs(sum(pair))))
    return _cut(_levels(lexicon, texts), low, high)


def _levels(lexicon: Lexicon, texts: Iterable[str]) -> npt.NDArray[np.int64]:
    return np.array([lexicon.level(normalised(text)) for text in texts], dtype=np.int64)


def _thresholds(levels: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    steps = range(max(-6, int(levels.min())), min(6, int(levels.max())) + 1)
    return [(low, high) for low in steps for high in steps if low <= high]


def _cut(levels: npt.NDArray[np.int64], low: int, high: int) -> Codes:
    return np.where(levels < low, 0, np.where(levels > high, 2, 1)).astype(np.int64)
