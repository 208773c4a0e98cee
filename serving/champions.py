"""The models that answer: each name's champion as promotion exported it to the lake, switched without a restart.

What does not belong here: features (the callers bring them), training, the registry.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost
from loguru import logger

from lake.objects import Store
from market.errors import MarketlakeError, Permanent, Transient
from market.exports import refuse_changed, signature_of
from serving.problems import Problem, unknown
from training.inputs import Inputs
from training.lstm import Lstm
from training.sentiment.model import FLAVOUR
from training.sentiment.packed import unpack
from training.sentiment.scoring import Scorer

FOLDER = "models"
CHAMPION, SIGNATURE = "champion.json", "signature.json"
LARGEST = float(np.finfo(np.float32).max)  # the booster compares in single precision


Predict = Callable[[Inputs], npt.NDArray[np.float64]]
Read = Callable[[Sequence[str | None]], pd.DataFrame]


@dataclass(frozen=True)
class Champion:
    """One loaded model.

    Parameters
    ----------
    features : names, in the booster's order.
    signature : the file beside the model's: features with units, output, metrics, lock, digests.
    predict : (n,) score of each row that is meant; None of a model that reads texts.
    read : probabilities of each text, as ``training.sentiment.scoring.Scorer.score`` gives them; None of one that scores rows.
    """

    name: str
    version: int
    run_id: str
    release_id: str
    digest: str
    features: tuple[str, ...]
    signature: Mapping[str, Any]
    predict: Predict | None
    read: Read | None

    def score(self, inputs: Inputs) -> npt.NDArray[np.float64]:
        """(n,) score of each row that is meant, features in the model's order; one of NaN ("not known") alone scores NaN."""
        if not inputs.rows.any():
            return np.empty(0)
        assert self.predict is not None, "asked only where there is one"
        scores = self.predict(inputs)
        scores[inputs.matrix().isna().all(axis=1).to_numpy()] = np.nan  # every such row would have the same number
        return scores

    @property
    def reference(self) -> dict[str, Any]:
        """What an answer says of the model behind it."""
        return {"name": self.name, "version": self.version, "run_id": self.run_id, "release_id": self.release_id,
                "booster": self.digest}  # fmt: skip


class Champions:
    """The champion of every model name in the lake. Nothing runs by itself: call `refresh`, outside any request."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loaded: Mapping[str, Champion] = {}
        self._versions: Mapping[str, tuple[int, ...]] = {}
        self._seen: dict[str, bytes] = {}
        self._unserved: dict[str, str] = {}

    def all(self) -> list[Champion]:
        """Champions by name."""
        return [self._loaded[name] for name in sorted(self._loaded)]

    def get(self, name: str) -> Champion | None:
        """The champion of that name, None where there is none."""
        return self._loaded.get(name)

    def unserved(self, name: str) -> str | None:
        """Why the champion that the lake names cannot be loaded, in words; None where it is, or there is none."""
        return self._unserved.get(name)

    def asked_for(self, name: str) -> Champion:
        """The champion of that name.

        Raises
        ------
        Problem
            409 where it cannot be loaded, with why; 404 where there is none.
        """
        if (champion := self.get(name)) is not None:
            return champion
        if why := self.unserved(name):
            raise Problem(409, "model-not-served", f"The champion of {name} cannot be served: {why}")
        there = ", ".join(one.name for one in self.all()) or "(no model has a champion yet)"
        raise unknown("model", name, f"one of {there}")

    def versions(self, name: str) -> tuple[int, ...]:
        """Exported versions of the model, oldest first."""
        return self._versions.get(name, ())

    def refresh(self) -> None:
        """Load the champions whose pointer changed; one that cannot be loaded leaves the one before, and is logged."""
        try:
            paths = [path.split("/") for path in self._store.list(f"{FOLDER}/")]
        except (MarketlakeError, OSError) as error:
            logger.warning("models not listed", failure=str(error))
            return
        names = sorted({parts[1] for parts in paths if len(parts) == 3 and parts[2] == CHAMPION})
        self._versions = {
            name: tuple(sorted(int(p[2]) for p in paths if p[1] == name and p[-1] == SIGNATURE and p[2].isdigit()))
            for name in names
        }
        loaded = {name: champion for name in names if (champion := self._champion(name))}
        self._loaded = loaded

    def _champion(self, name: str) -> Champion | None:
        pointer = b""
        try:
            pointer = self._store.get(f"{FOLDER}/{name}/{CHAMPION}")
            if self._seen.get(name) == pointer:
                return self._loaded.get(name)
            champion = load(self._store, name, json.loads(pointer))
        except (Transient, OSError) as error:
            logger.warning("champion not read", model=name, failure=str(error))
            return self._loaded.get(name)
        except (Permanent, ValueError, KeyError, TypeError, xgboost.core.XGBoostError) as error:
            self._seen[name] = pointer  # a broken export is reported once, and read again when the pointer moves
            self._unserved[name] = _in_words(error)
            logger.error("champion not loaded", model=name, failure=str(error))
            return self._loaded.get(name)
        self._seen[name] = pointer
        self._unserved.pop(name, None)
        logger.info("champion loaded", model=name, version=champion.version, run_id=champion.run_id)
        return champion


def load(store: Store, name: str, pointer: Mapping[str, Any]) -> Champion:
    """The model that the pointer names.

    Raises
    ------
    Permanent
        The booster is not the one its signature describes, or its features are others by now.
    """
    folder = f"{FOLDER}/{name}/{int(pointer['version'])}"
    signature = signature_of(store.get(f"{folder}/{SIGNATURE}"))
    refuse_changed(signature)
    raw = store.get(f"{folder}/{signature['file']}")
    digest, expected = hashlib.sha256(raw).hexdigest(), signature["digests"]["booster"]
    do = "Promote the version again: the two files belong together"
    if digest != expected:  # before the bytes reach the library, which trusts what it loads
        raise Permanent(folder, expected=f"the booster of its signature, SHA-256 {expected}", found=digest, do=do)
    features = tuple(str(feature["name"]) for feature in signature["features"])
    loaded = FLAVOURS[str(signature["flavour"])](raw)
    if loaded.features != features:
        raise Permanent(
            folder, expected=f"its signature's features {', '.join(features)}", found=", ".join(loaded.features), do=do
        )
    return Champion(
        name,
        int(pointer["version"]),
        str(pointer["run_id"]),
        str(pointer["release_id"]),
        digest,
        features,
        signature,
        loaded.predict,
        loaded.read,
    )


def _in_words(error: Exception) -> str:
    if isinstance(error, Permanent):
        return f"expected {error.expected}, was {error.found}"
    return "its export cannot be read"  # in a library's words, which are for the log


class Loaded(NamedTuple):
    """The features that a model was fitted on, and what scores rows of them or reads texts."""

    features: tuple[str, ...]
    predict: Predict | None = None
    read: Read | None = None


def _trees(raw: bytes) -> Loaded:
    booster = xgboost.Booster()
    booster.load_model(bytearray(raw))
    booster.set_param({"nthread": 1})
    names = list(booster.feature_names or ())

    def predict(inputs: Inputs) -> npt.NDArray[np.float64]:
        rows = xgboost.DMatrix(inputs.matrix().to_numpy(dtype=np.float64), feature_names=names, nthread=1)
        return np.asarray(booster.predict(rows), dtype=np.float64)

    return Loaded(tuple(names), predict)


def _sequences(raw: bytes) -> Loaded:
    algorithm = Lstm()
    return Loaded(algorithm.features(raw), lambda inputs: algorithm.predict(raw, inputs))


def _texts(raw: bytes) -> Loaded:
    scorer, alone = Scorer(unpack(raw)), Lock()

    def read(texts: Sequence[str | None]) -> pd.DataFrame:
        with alone:  # it remembers what it read, and torch's settings are of the process
            return scorer.score(texts)

    return Loaded(("text",), read=read)


FLAVOURS: Mapping[str, Callable[[bytes], Loaded]] = {"xgboost": _trees, Lstm.flavour: _sequences, FLAVOUR: _texts}
