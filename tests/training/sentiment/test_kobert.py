"""KoBERT's own way of cutting texts, from its SentencePiece model, without its code."""

import pytest

from market.errors import Permanent
from training.sentiment.encoder import open_encoder
from training.sentiment.fine_tuning import fine_tune

pytestmark = pytest.mark.usefixtures("needs_deep")

MARKS = ("[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]")
PIECES = {
    "▁": -3.0,
    "▁가온": -4.0,
    "전자": -4.0,
    "▁급": -5.0,
    "등": -5.0,
    "급": -6.0,
    "▁가": -9.0,
    "온": -9.0,
    ",": -3.5,
}


def model_bytes(kind=1):
    """A SentencePiece model as KoBERT's: marks first, then pieces with their scores."""
    from transformers.utils import sentencepiece_model_pb2_new as messages

    model = messages.ModelProto()
    model.trainer_spec.model_type, model.trainer_spec.unk_id = kind, 0
    letters = {letter: -12.0 for letter in "솔빛에너지해식품도담항공나래운두제약순매지속강세약하향외국인기관"}
    for name, score in {**dict.fromkeys(MARKS, 0.0), **letters, **PIECES}.items():
        piece = model.pieces.add()
        piece.piece, piece.score, piece.type = name, score, 1 if name not in MARKS else 3 if name != "[UNK]" else 2
    return model.SerializeToString()


@pytest.fixture
def kobert(folder, pretrained):
    """A BERT without a head beside `spiece.model`, as skt/kobert-base-v1 is published."""
    for file in folder.iterdir():
        file.unlink()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes(pretrained.files[name])
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "XLNetTokenizer", "do_lower_case": false}')
    (folder / "spiece.model").write_bytes(model_bytes())
    return folder


def cut(encoder, text):
    return encoder.tokenizer.convert_ids_to_tokens(encoder.tokens([text])[0])


def test_a_text_is_cut_into_its_pieces_between_the_marks_of_bert(kobert):
    assert cut(open_encoder(kobert), "가온전자, 급등") == ["[CLS]", "▁가온", "전자", ",", "▁급", "등", "[SEP]"]


def test_letters_written_apart_are_cut_like_whole_ones(kobert):
    import unicodedata

    encoder = open_encoder(kobert)
    assert cut(encoder, unicodedata.normalize("NFD", "가온전자")) == cut(encoder, "가온전자")


def test_what_no_piece_holds_is_unknown(kobert):
    assert cut(open_encoder(kobert), "뷁")[-2] == "[UNK]"


def test_numbers_come_from_the_list_of_the_other_publisher(kobert):
    names = [*MARKS, *reversed(PIECES)]
    (kobert / "vocab.txt").write_text("\n".join(names))
    encoder = open_encoder(kobert)
    assert encoder.tokens(["가온전자"])[0] == [names.index(name) for name in ("[CLS]", "▁가온", "전자", "[SEP]")]


def test_it_is_fine_tuned_and_read_again_like_any_other(kobert, parts):
    from tests.training.sentiment.conftest import SHORT

    fitted = fine_tune(kobert, parts.train, parts.validation, 1, SHORT)
    again = open_encoder(fitted.files)
    assert "tokenizer.json" in fitted.files and not again.is_fresh
    assert cut(again, "가온전자 급등") == cut(open_encoder(kobert), "가온전자 급등")


@pytest.mark.parametrize("content", [b"", b"no model", "another kind"])
def test_what_is_no_unigram_model_is_refused(kobert, content):
    (kobert / "spiece.model").write_bytes(model_bytes(kind=2) if content == "another kind" else content)
    with pytest.raises(Permanent, match=r"spiece\.model: expected a .*model of SentencePiece"):
        open_encoder(kobert)


def test_its_pieces_alone_are_not_taken_for_wordpiece(kobert):
    (kobert / "spiece.model").unlink()
    (kobert / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": false}')
    (kobert / "vocab.txt").write_text("\n".join([*MARKS, *PIECES]))
    with pytest.raises(Permanent, match=r"the \.model file"):
        open_encoder(kobert)
