"""A pre-trained encoder with a head of three classes, as one thing: its tokenizer, its network, and which output means what.

Any model of transformers' AutoModelForSequenceClassification: KR-FinBert-SC and the like with their heads, KoBERT, KLUE BERT and the
like with a fresh one for training.sentiment.fine_tuning.  What does not belong here: where a folder comes from
(training.sentiment.folder), learning.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from market.errors import Permanent
from training.sentiment import deep
from training.sentiment.folder import checked, folder_of, read_files, write_files
from training.sentiment.kobert import MARK, read_sentencepiece
from training.sentiment.labels import LABELS

if TYPE_CHECKING:
    import torch

Source = Mapping[str, bytes] | str | Path
"""A model as files by name, as a folder, or as an id at the hub."""

MAX_TOKENS = 128
"""Of a text, marks included; the rest is not read.  Of 16,962 real headlines cut as KoBERT would the longest has 78."""

SETTINGS = "sentiment.json"
"""Our own file beside transformers': the temperature, and how many tokens are read."""

_MEANINGS = {
    "negative": {"negative", "neg", "부정"},
    "neutral": {"neutral", "neu", "중립"},
    "positive": {"positive", "pos", "긍정"},
}


@dataclass(frozen=True)
class Encoder:
    """A loaded model.

    Parameters
    ----------
    name : for messages.
    tokenizer, network : of transformers.
    order : which output is negative, neutral, positive.
    is_fresh : the head was drawn, not learned.
    temperature : that logits are divided by before they become probabilities.
    max_tokens : of a text, marks included; the rest is not read.
    """

    name: str
    tokenizer: Any
    network: Any
    order: tuple[int, int, int]
    is_fresh: bool
    temperature: float = 1.0
    max_tokens: int = MAX_TOKENS

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each text, marks included, cut at ``max_tokens``."""
        if not texts:
            return []
        found = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens, return_attention_mask=False)
        return list(found["input_ids"])

    def outputs(self, numbers: Sequence[Sequence[int]]) -> "torch.Tensor":
        """(n, 3) logits in the order of ``LABELS``; texts of unequal length are padded and masked, of equal length neither."""
        import torch

        longest = max(map(len, numbers))
        if all(len(one) == longest for one in numbers):
            found = self.network(input_ids=torch.tensor(numbers))
        else:
            found = self.network(**self.tokenizer.pad({"input_ids": list(numbers)}, return_tensors="pt"))
        return found.logits[:, list(self.order)]

    def with_settings(self, **changes: Any) -> "Encoder":
        """The same network with another temperature or length."""
        return replace(self, **changes)

    def files(self) -> dict[str, bytes]:
        """What ``open_encoder`` reads again, by file name."""
        kept = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return saved(self.network, self.tokenizer) | {SETTINGS: json.dumps(kept).encode()}


def open_encoder(source: Source, seed: int = 0, endpoint: str | None = None) -> Encoder:
    """The model of a folder, of files, or at the hub, ready to be asked (dropout off).

    Parameters
    ----------
    source : as ``folder_of`` takes it, or files by name as ``Encoder.files`` gives them.
    seed : of a fresh head.
    endpoint : of the hub; the library's own where None.

    Raises
    ------
    Permanent
        As ``folder_of`` and ``checked``; transformers cannot read it without running its code, weights of the encoder are missing,
        the head's classes are not ours, or the tokenizer is of another model.
    Transient
        As ``folder_of``.
    """
    deep.require()
    if isinstance(source, Mapping):
        with TemporaryDirectory() as folder:
            return _open(write_files(source, Path(folder)), f"model {digest_of(source)[:12]}", seed)
    return _open(folder_of(source, endpoint), f"model {source}", seed)


def saved(network: Any, tokenizer: Any) -> dict[str, bytes]:
    """The folder that transformers writes, by file name; what was cut or padded before leaves no trace in it."""
    if hasattr(tokenizer, "backend_tokenizer"):
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()
    with TemporaryDirectory() as folder, deep.quiet():
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return read_files(Path(folder))


def digest_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) over names and contents, in the order of the names."""
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def probabilities(logits: npt.ArrayLike, temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """(n, 3) probabilities of (n, 3) logits divided by the temperature."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _open(folder: Path, where: str, seed: int) -> Encoder:
    from transformers import AutoConfig

    checked(folder, where)
    with deep.pinned(seed):
        try:
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        except (ValueError, KeyError, OSError) as error:
            raise _unreadable(where, error) from error
        is_fresh = not any("SequenceClassification" in name for name in config.architectures or ())
        order = (0, 1, 2) if is_fresh else _order(where, config.id2label)
        network = _network(folder, where, config, is_fresh)
        tokenizer = _tokenizer(folder, where, config)
    kept = json.loads((folder / SETTINGS).read_text()) if (folder / SETTINGS).is_file() else {}
    longest = min(kept.get("max_tokens", MAX_TOKENS), getattr(config, "max_position_embeddings", MAX_TOKENS))
    return Encoder(where, tokenizer, network, order, is_fresh, float(kept.get("temperature", 1.0)), longest)


def _order(where: str, names: Mapping[int, str]) -> tuple[int, int, int]:
    """Position of each of our classes among the head's."""
    said = {str(name).strip().lower(): int(number) for number, name in names.items()}
    found = [[number for name, number in said.items() if name in _MEANINGS[label]] for label in LABELS]
    if len(said) != len(LABELS) or any(len(one) != 1 for one in found):
        raise Permanent(
            where, expected=f"a head of the classes {', '.join(LABELS)}", found=", ".join(map(str, names.values())),
            do="Say what its outputs mean in id2label of config.json, or take the model it was fine-tuned from",
        )  # fmt: skip
    return found[0][0], found[1][0], found[2][0]


def _network(folder: Path, where: str, config: Any, is_fresh: bool) -> Any:
    from safetensors import SafetensorError
    from transformers import AutoModelForSequenceClassification

    if is_fresh:
        config.id2label, config.label2id = dict(enumerate(LABELS)), {name: i for i, name in enumerate(LABELS)}
    try:
        network, told = AutoModelForSequenceClassification.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            dtype="float32",
        )
    except (ValueError, KeyError, OSError, RuntimeError, SafetensorError) as error:
        raise _unreadable(where, error) from error
    core = f"{network.base_model_prefix}."
    missing = sorted(
        name for name in told["missing_keys"] if not is_fresh or (name.startswith(core) and ".pooler." not in name)
    )
    if missing:  # transformers would draw them
        raise Permanent(
            where, expected="all weights of its configuration", found=f"{len(missing)} missing", keys=missing
        )
    return network.eval()


def _tokenizer(folder: Path, where: str, config: Any) -> Any:
    from transformers import AutoTokenizer

    pieces = sorted(folder.glob("*.model"))
    order = folder / "vocab.txt"
    if config.model_type == "bert" and pieces and not (folder / "tokenizer.json").is_file():
        found: Any = read_sentencepiece(pieces[0], order if order.is_file() else None, config.max_position_embeddings)
    else:
        try:
            found = AutoTokenizer.from_pretrained(folder, config=config, trust_remote_code=False)
        except Exception as error:  # the Rust reader of tokenizer.json raises bare Exception
            raise _unreadable(where, error) from error
        if not pieces and _is_sentencepiece_in_disguise(found):
            raise Permanent(
                where, expected="the .model file that cuts texts into the pieces of vocab.txt", found="vocab.txt alone",
                do=f"Pieces that begin with {MARK} are SentencePiece's; read as WordPiece they would cut nothing rightly",
            )  # fmt: skip
    size = max(found.get_vocab().values(), default=-1) + 1
    if size > config.vocab_size or found.pad_token_id is None:
        raise Permanent(
            where, expected=f"a tokenizer of this model, at most {config.vocab_size} tokens and one to pad with",
            found=f"{size} tokens, padding {found.pad_token}",
        )  # fmt: skip
    return found


def _is_sentencepiece_in_disguise(tokenizer: Any) -> bool:
    inside = getattr(tokenizer, "backend_tokenizer", None)
    wordpiece = inside is not None and type(inside.model).__name__ == "WordPiece"
    return wordpiece and not any(token.startswith("##") for token in tokenizer.get_vocab())


def _unreadable(where: str, error: Exception) -> Permanent:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return Permanent(where, expected="a model that transformers reads without running its code", found=said)
