"""A small BERT of our own for where no pre-trained one is at hand: its vocabulary and weights come from unlabelled headlines alone.

Words are masked and guessed (J. Devlin and others, *BERT*, 2019, section 3.1), as transformers' collator does it.  It is no KoBERT: it
has read some ten thousand headlines, not the Korean Wikipedia.  What does not belong here: labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from market.errors import Permanent
from training.sentiment import deep
from training.sentiment.descent import Descent, Told
from training.sentiment.encoder import MAX_TOKENS, saved
from training.sentiment.labels import normalised

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LEAST_TEXTS = 100
_WIDTH, _SPREAD = 768, 0.02
"""BERT's width, and the spread its weights are drawn with; a narrower network needs a wider one for sums of the same size."""


@dataclass(frozen=True)
class Shape:
    """Of the network: layers, width, heads, tokens of its vocabulary at most, and of a text at most."""

    layers: int = 2
    hidden: int = 128
    heads: int = 2
    vocabulary: int = 8_000
    positions: int = MAX_TOKENS

    def __post_init__(self) -> None:
        if min(self.layers, self.hidden, self.heads, self.positions - 1) < 1 or self.hidden % self.heads:
            raise Permanent("shape of a BERT", expected="numbers above 0, a width the heads divide", found=repr(self))


@dataclass(frozen=True)
class Reading:
    """How long it reads: steps, texts a step, the highest learning rate, share of words masked, threads."""

    steps: int = 2_000
    batch: int = 64
    rate: float = 1e-3
    masked: float = 0.15
    warm_up: float = 0.1
    threads: int = 1


@dataclass(frozen=True)
class Pretrained:
    """An encoder without a head, as ``open_encoder`` reads it, and the loss of each step."""

    files: dict[str, bytes]
    losses: tuple[float, ...]


def own_encoder(
    texts: Sequence[str], seed: int, shape: Shape = Shape(), reading: Reading = Reading(), on_step: Told | None = None
) -> Pretrained:
    """A small BERT that has read these texts; equal texts in equal order, seed and threads give equal bytes.

    Parameters
    ----------
    texts : unlabelled; each is normalised and read once, empty ones not.

    Raises
    ------
    Permanent
        Fewer than ``LEAST_TEXTS`` different texts, or a shape that is none.
    """
    deep.require()
    from transformers import BertConfig, BertForMaskedLM, DataCollatorForLanguageModeling

    unique = [text for text in dict.fromkeys(map(normalised, texts)) if text]
    if len(unique) < LEAST_TEXTS:
        raise Permanent("pre-training", expected=f"at least {LEAST_TEXTS} different texts", found=f"{len(unique)}")
    with deep.pinned(seed, reading.threads):
        tokenizer = _tokenizer(unique, shape)
        network = BertForMaskedLM(
            BertConfig(
                vocab_size=len(tokenizer), hidden_size=shape.hidden, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
                intermediate_size=4 * shape.hidden, max_position_embeddings=shape.positions, pad_token_id=0,
                initializer_range=_SPREAD * (_WIDTH / shape.hidden) ** 0.5,
            )
        )  # fmt: skip
        numbers = tokenizer(unique, truncation=True, max_length=shape.positions)["input_ids"]
        mask = DataCollatorForLanguageModeling(tokenizer, mlm_probability=reading.masked)
        descent = Descent(network.train(), reading.steps, reading.rate, reading.warm_up, on_step)
        rng = np.random.default_rng(seed)
        losses = []
        for _ in range(reading.steps):
            drawn = rng.choice(len(numbers), min(reading.batch, len(numbers)), replace=False)
            losses.append(descent.step(_surprise(network, mask([{"input_ids": numbers[i]} for i in drawn]))))
        return Pretrained(saved(network, tokenizer), tuple(losses))


def _surprise(network: Any, masked: Mapping[str, Any]) -> Any:
    """Mean loss over the masked words.  The network would guess all of them, seven times the work, and take this part."""
    import torch

    at = masked["labels"] != -100
    seen = network.bert(masked["input_ids"], attention_mask=masked["attention_mask"]).last_hidden_state
    total = torch.nn.functional.cross_entropy(network.cls(seen[at]), masked["labels"][at], reduction="sum")
    return total / at.sum().clamp_min(1)  # of a batch of few words none may be masked


def _tokenizer(texts: Sequence[str], shape: Shape) -> "PreTrainedTokenizerFast":
    """Byte pairs over what is there: every character seen is a token, then the pairs seen most.

    Not WordPiece: its trainer numbers the pieces inside a word by the order of a hash map, so that two processes differ.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    cutting = Tokenizer(models.BPE(unk_token="[UNK]"))
    cutting.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    cutting.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Metaspace()])
    cutting.decoder = decoders.Metaspace()
    cutting.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=shape.vocabulary, special_tokens=list(MARKS), show_progress=False)
    )
    numbers = {mark: cutting.token_to_id(mark) for mark in MARKS}
    cutting.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=list(numbers.items())
    )
    marks = {f"{mark.strip('[]').lower()}_token": mark for mark in MARKS}
    return PreTrainedTokenizerFast(tokenizer_object=cutting, model_max_length=shape.positions, **marks)
