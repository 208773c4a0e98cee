"""What a word brought is what the level loses without it."""

import hashlib
import json

import pandas as pd
import pytest

from exchange.synthetic import news
from market.errors import Permanent
from training import scoring
from training.sentiment.model import FLAVOUR
from training.sentiment.packed import pack
from training.sentiment.scoring import LEVEL, Scorer
from training.sentiment.words import MOST, brought


class Counting:
    """Says of a text what its words are worth together; of none nothing."""

    def score(self, texts):
        worth = {"흑자": 0.5, "급락": -0.75}
        said = [sum(worth.get(word, 0.0) for word in text.split()) if text else float("nan") for text in texts]
        return pd.DataFrame({LEVEL: said})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("가온전자 흑자 급락", {"급락": -0.75, "흑자": 0.5, "가온전자": 0.0}),
        ("급락  급락\t소식", {"급락": -1.5, "소식": 0.0}),  # left out wherever it stands
        ("흑자", {"흑자": 0.5}),
        ("", {}),
    ],
)
def test_a_hand_worked_headline(text, expected):
    found = brought(Counting(), text)
    assert found == expected and list(found) == list(expected)


def test_of_a_very_long_text_the_beginning_is_asked():
    assert len(brought(Counting(), " ".join(f"말{i}" for i in range(5 * MOST)))) == MOST


@pytest.mark.parametrize(("texts", "sign"), [(news.GOOD, 1), (news.BAD, -1)])
def test_what_the_words_of_a_tone_brought_has_its_sign(fitted, texts, sign):
    """Over all headlines of the tone: in a single one words stand in for each other."""
    scorer = Scorer(fitted.files)
    shares = [sum(brought(scorer, template.format(n="가온전자")).values()) for template, *_ in texts]
    assert sign * sum(shares) > 0.1 * len(texts)


def test_an_export_tells_it_as_other_models_do_and_an_altered_one_is_refused(fitted):
    raw = pack(fitted.files)
    signature = {
        "model": "tones",
        "version": 1,
        "flavour": FLAVOUR,
        "digests": {"booster": hashlib.sha256(raw).hexdigest()},
    }
    text = news.GOOD[0][0].format(n="가온전자")
    asked = pd.DataFrame({"text": [text]})
    assert scoring.contributions(raw, json.loads(json.dumps(signature)), asked) == brought(Scorer(fitted.files), text)
    with pytest.raises(Permanent, match="SHA-256"):
        scoring.contributions(raw[:-1], signature, asked)
