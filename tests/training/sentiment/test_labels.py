"""Labelled sentences: what can be learned from, what is refused and how it is named, and sides that share no text."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import Permanent
from training.sentiment.labels import (
    LABELS,
    LEAST_PER_CLASS,
    checked,
    contradicting,
    normalised,
    read_labelled,
    read_rows,
    split,
)


def labelled(*more: tuple[str, str], n: int = LEAST_PER_CLASS) -> pd.DataFrame:
    rows = [*more, *((f"{label} {i}", label) for label in LABELS for i in range(n))]
    return pd.DataFrame(rows, columns=["text", "label"]).astype("string")


def test_our_own_sentences_hold_our_own_rules():
    rows = read_labelled()
    assert len(rows) >= 450 and rows["label"].value_counts().min() >= 150
    assert not rows["text"].duplicated().any()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("", "neutral"), "1 rows without"),
        (("오름세", "great"), "1 rows with another"),
        (("negative 0", "positive"), "2 rows whose text has two"),
    ],
    ids=["empty text", "unknown label", "contradicting duplicate"],
)
def test_a_row_that_nothing_can_be_learned_from_is_named(row, said):
    with pytest.raises(Permanent, match=said) as caught:
        checked(labelled(row))
    assert caught.value.keys[0] == "row 1"


@pytest.mark.parametrize("kept", [("neutral",), ("negative", "positive")], ids=["one class", "two classes"])
def test_a_class_without_rows_is_refused(kept):
    rows = labelled()
    with pytest.raises(Permanent, match=r"at least 10 different texts of each class; was .*0 "):
        checked(rows[rows["label"].isin(kept)])


def test_copies_do_not_make_a_class_large_enough():
    rows = pd.concat([labelled(n=LEAST_PER_CLASS - 1)] * 2, ignore_index=True)
    with pytest.raises(Permanent, match="9 negative"):
        checked(rows)


def test_published_column_names_are_read(tmp_path):
    file = tmp_path / "published.csv"
    rows = labelled().rename(columns={"text": "kor_sentence", "label": "labels"}).assign(sentence="in English")
    rows.to_csv(file, index=False)
    assert read_labelled(file)["text"].iloc[0] == "negative 0"


@pytest.mark.parametrize(
    "content", [None, b"", b"a,b\n1,2\n", b"\xff\xfe\x00"], ids=["missing", "empty", "other columns", "no UTF-8"]
)
def test_what_is_no_file_of_labelled_sentences_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(Permanent, match=r"labelled sentences rows\.csv"):
        read_labelled(tmp_path / "rows.csv")


def test_contradicting_rows_can_be_left_out_by_name(tmp_path):
    labelled(("negative 0", "positive")).to_csv(tmp_path / "rows.csv", index=False)
    rows = read_rows(tmp_path / "rows.csv")
    assert contradicting(rows).sum() == 2
    assert len(rows[~contradicting(rows)]) == 3 * LEAST_PER_CLASS - 1


def test_decomposed_letters_and_white_space_make_no_other_text():
    assert normalised("\u1100\u1161온\u00a0\u3000전자\n") == "가온 전자" and normalised(None) == ""


@given(seed=st.integers(0, 1_000), copies=st.integers(1, 4))
def test_no_text_is_on_two_sides_and_none_is_lost(seed, copies):
    rows = pd.concat([labelled()] * copies, ignore_index=True)
    parts = split(rows, seed)
    sides = [set(side["text"]) for side in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 30
    assert len(parts.train) + len(parts.validation) + len(parts.test) == len(rows)
    assert all(set(side["label"]) == set(LABELS) for side in (parts.train, parts.validation, parts.test))


def test_the_same_seed_deals_the_same_whatever_the_order_of_rows():
    rows = labelled()
    shuffled = rows.sample(frac=1.0, random_state=5)
    assert set(split(rows, 4).test["text"]) == set(split(shuffled, 4).test["text"])
    assert set(split(rows, 4).test["text"]) != set(split(rows, 5).test["text"])
