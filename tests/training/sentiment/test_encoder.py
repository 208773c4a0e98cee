"""Folders and ids of models: what is opened, in which order its classes come, and what is refused before anything is loaded."""

import json
import pickle

import pytest

from market.errors import Permanent, Transient
from training.sentiment.encoder import digest_of, open_encoder
from training.sentiment.scoring import Scorer

pytestmark = pytest.mark.usefixtures("needs_deep")

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing answers


def configured(folder, **changes):
    known = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(known | changes))


def test_what_was_fitted_is_read_again_from_files_and_from_a_folder(fitted, folder, encoder):
    assert digest_of(encoder.files()) == fitted.digest == digest_of(open_encoder(folder).files())


def test_what_was_read_leaves_no_trace_in_the_files(fitted):
    opened = open_encoder(fitted.files)
    opened.tokens(["가온전자 급등", "나래해운 약세 지속"])
    assert digest_of(opened.files()) == fitted.digest


def test_a_model_without_a_head_gets_one_drawn_by_the_seed(pretrained):
    heads = [open_encoder(pretrained.files, seed).files()["model.safetensors"] for seed in (1, 1, 2)]
    assert open_encoder(pretrained.files).is_fresh
    assert heads[0] == heads[1] != heads[2]


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["positive", "negative", "neutral"], (1, 2, 0)),
        (["Neutral", "Positive", "Negative"], (2, 0, 1)),
        (["부정", "중립", "긍정"], (0, 1, 2)),
    ],
)
def test_classes_are_taken_by_what_the_configuration_calls_them(folder, names, order):
    configured(folder, id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})
    assert open_encoder(folder).order == order


@pytest.mark.parametrize("names", [["LABEL_0", "LABEL_1", "LABEL_2"], ["negative", "positive", "mixed"]])
def test_a_head_of_other_classes_is_refused(folder, names):
    configured(folder, id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})
    with pytest.raises(Permanent, match="id2label"):
        open_encoder(folder)


def test_a_folder_without_a_tokenizer_is_refused(folder):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(Permanent, match="expected a tokenizer"):
        open_encoder(folder)


@pytest.mark.parametrize("kept", [0, 100, 20_000])
def test_a_truncated_checkpoint_is_refused(folder, kept):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(Permanent, match=rf"model\.safetensors: expected safetensors, whole; was {kept} bytes"):
        open_encoder(folder)


class Trap:
    """Loading it would write a file."""

    def __reduce__(self):
        return (open, ("loaded", "w"))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_pickle_in_place_of_safetensors_is_refused_and_never_loaded(folder, name, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(Permanent, match="safetensors"):
        open_encoder(folder)
    assert not (folder / "loaded").exists()


def test_a_folder_without_a_configuration_is_refused(folder):
    (folder / "config.json").unlink()
    with pytest.raises(Permanent, match=r"config\.json"):
        open_encoder(folder)


def test_a_kind_of_model_that_needs_its_own_code_is_refused(folder):
    configured(folder, model_type="novel", auto_map={"AutoConfig": "novel.Config"})
    (folder / "novel.py").write_text("raise SystemExit('was run')")
    with pytest.raises(Permanent, match="without running its code"):
        open_encoder(folder)


def test_weights_that_are_not_there_are_not_drawn(folder):
    configured(folder, num_hidden_layers=2)
    with pytest.raises(Permanent, match=r"all weights of its configuration; was \d+ missing"):
        open_encoder(folder)


def test_a_tokenizer_of_a_larger_model_is_refused(folder, pretrained):
    names = json.loads((folder / "tokenizer.json").read_text())
    names["added_tokens"].append(names["added_tokens"][0] | {"id": 9_000, "content": "[MORE]"})
    (folder / "tokenizer.json").write_text(json.dumps(names))
    with pytest.raises(Permanent, match="a tokenizer of this model"):
        open_encoder(folder)


@pytest.mark.parametrize("content", ["{", "{}"])
def test_a_broken_tokenizer_is_refused(folder, content):
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(Permanent, match="model"):
        open_encoder(folder)


@pytest.mark.parametrize("name", ["/no/such/folder", "no-such-folder", "../a/b/c"])
def test_a_missing_folder_is_refused(name):
    with pytest.raises(Permanent, match="a folder, or an id at the hub"):
        open_encoder(name)


def test_a_hub_that_does_not_answer_may_answer_later():
    with pytest.raises(Transient, match="an answer of the hub") as caught:
        open_encoder("nobody/no-such-model@refs/pr/1", endpoint=NOBODY)
    assert "Name a folder" in str(caught.value)


def test_of_ten_thousand_characters_the_beginning_counts(encoder):
    long = "가온전자, 분기 영업손실 '어닝 쇼크'...목표가 하향 " * 400
    assert len(long) > 10_000
    assert len(encoder.tokens([long])[0]) == encoder.max_tokens
    scores = Scorer(encoder).score([long, long + "완전히 다른 끝", "가" * 10_000])
    assert scores["level"].notna().all() and scores.iloc[0].equals(scores.iloc[1])
