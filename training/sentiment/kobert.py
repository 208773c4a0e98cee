"""KoBERT's tokenizer without code from the hub: its SentencePiece vocabulary, read into a fast tokenizer with BERT's marks.

KoBERT is published twice, and neither way loads with transformers alone.  skt/kobert-base-v1 has `spiece.model` and asks for a class
of a package of its own, because transformers' XLNetTokenizer, which its files name, puts [CLS] at the end; monologg/kobert has a
`.model` file for the cutting, `vocab.txt` for the numbers, and asks for its own Python file to be run.  Both are a unigram model of
8,002 pieces with `[CLS] text [SEP]` around a text.  What KoBERT's classes do beyond that, cutting a comma off a number where a piece
ends with both, is not repeated here: on a model trained like theirs 99.8 % of 5,000 headlines get their class's numbers to the last.  What does not belong here: vocabularies that transformers reads by itself.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from market.errors import Permanent

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MARK = "▁"
"""How SentencePiece writes a space."""

_UNIGRAM = 1
_CONTROL = 3
_MARKS = {
    "unk_token": "[UNK]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


def read_sentencepiece(file: Path, order: Path | None = None, max_tokens: int = 512) -> "PreTrainedTokenizerFast":
    """A tokenizer that cuts as the unigram model does; numbers are those of ``order`` (a piece a line), or the model's own.

    Raises
    ------
    Permanent
        The file is no unigram model of SentencePiece, lacks one of BERT's marks, or ``order`` lacks pieces.
    """
    from tokenizers import Tokenizer, models, processors
    from transformers import PreTrainedTokenizerFast

    scores, charsmap = _pieces(file)
    if order is not None:
        names = order.read_text(encoding="utf-8").splitlines()
        scores = {name: scores.get(name, 0.0) for name in names}
    if missing := [mark for mark in _MARKS.values() if mark not in scores]:
        raise Permanent(f"{file.name}", expected="BERT's marks among its pieces", found=f"no {', '.join(missing)}")
    numbers = {piece: number for number, piece in enumerate(scores)}
    cutting = Tokenizer(models.Unigram(list(scores.items()), unk_id=numbers["[UNK]"], byte_fallback=False))
    cutting.normalizer = _normalizer(charsmap)
    cutting.pre_tokenizer = _spaces()
    cutting.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(mark, numbers[mark]) for mark in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(tokenizer_object=cutting, model_max_length=max_tokens, **_MARKS)


def _pieces(file: Path) -> tuple[dict[str, float], bytes]:
    """Score of each piece in the model's order, and its table of characters to be replaced."""
    from google.protobuf.message import DecodeError
    from transformers.utils import sentencepiece_model_pb2_new as messages

    model = messages.ModelProto()
    try:
        model.ParseFromString(file.read_bytes())
    except DecodeError as error:
        raise Permanent(file.name, expected="a model of SentencePiece, whole", found=str(error)) from error
    if not model.pieces or model.trainer_spec.model_type != _UNIGRAM:
        raise Permanent(
            file.name, expected="a unigram model of SentencePiece",
            found=f"{len(model.pieces)} pieces, of kind {model.trainer_spec.model_type}",
        )  # fmt: skip
    return {piece.piece: piece.score for piece in model.pieces}, model.normalizer_spec.precompiled_charsmap


def _normalizer(charsmap: bytes) -> Any:
    from tokenizers import normalizers

    # As KoBERT's class does before it cuts; NFC after it, so that syllables are whole whatever the table says of their letters.
    steps = [
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
        normalizers.NFC(),
    ]  # fmt: skip
    return normalizers.Sequence([*steps, *([normalizers.Precompiled(charsmap)] if charsmap else [])])


def _spaces() -> Any:
    from tokenizers import pre_tokenizers

    return pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="always")]
    )
