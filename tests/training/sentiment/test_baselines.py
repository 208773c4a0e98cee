"""What a network must beat: it learns what words can tell, and is left out where there are none."""

import json

import numpy as np
import pytest

from market.errors import Permanent
from training.sentiment.agreement import macro_f1
from training.sentiment.baselines import Lexicon, baselines, by_words, read_lexicon, tfidf
from training.sentiment.labels import codes


@pytest.fixture
def lexicon(tmp_path):
    words = [("급등", 2), ("강세", 1), ("급락", -2), ("약세", -1), ("순매", 0), ("하", 1)]
    entries = [{"word": word, "word_root": word, "polarity": str(polarity)} for word, polarity in words]
    (tmp_path / "words.json").write_text(json.dumps(entries), encoding="utf-8")
    return tmp_path / "words.json"


def test_characters_tell_the_planted_tones(parts):
    said = tfidf(parts.train, parts.validation, parts.test["text"].tolist())
    assert macro_f1(codes(parts.test["label"]), said) > 0.95


def test_without_a_file_there_is_no_lexicon(lexicon):
    assert list(baselines()) == ["tfidf"] and sorted(baselines(lexicon)) == ["lexicon", "tfidf"]


def test_a_word_counts_by_its_longest_beginning_once():
    words = Lexicon({"급등": 2, "급등세": 1, "약세": -1}, longest=3)
    assert words.level("급등세로 출발") == 1
    assert words.level("주가급등") == 0  # inside a word it may be anything
    assert words.level("급등...약세") == 1 and words.level("") == 0


def test_words_of_one_letter_are_left_out(lexicon):
    assert "하" not in read_lexicon(lexicon).polarity


def test_the_lexicon_is_cut_where_the_rows_say(parts, lexicon):
    said = by_words(read_lexicon(lexicon), parts.train, parts.validation, parts.test["text"].tolist())
    assert macro_f1(codes(parts.test["label"]), said) > 0.34 and set(np.unique(said)) <= {0, 1, 2}


@pytest.mark.parametrize("content", [None, "[", "{}", '[{"word": "x"}]', '[{"word": "x", "polarity": "1"}]'])
def test_what_is_no_lexicon_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "words.json").write_text(content)
    with pytest.raises(Permanent, match=r"lexicon words\.json"):
        read_lexicon(tmp_path / "words.json")
