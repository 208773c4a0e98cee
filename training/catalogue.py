"""All models, discovered from the files under training/models.

What does not belong here: a list kept by hand.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType, ModuleType

import training.models
from market.errors import Permanent
from training.gates import GATES, PROBABILITY_GATES, SENTIMENT_GATES, Gate
from training.model import Model
from training.sentiment.model import SentimentModel


@lru_cache(maxsize=1)
def models() -> Mapping[str, Model]:
    """Every model that scores rows of features, by name."""
    return MappingProxyType({name: one for name, one in declared().items() if isinstance(one, Model)})


@lru_cache(maxsize=1)
def readers() -> Mapping[str, SentimentModel]:
    """Every model that reads texts, by name."""
    return MappingProxyType({name: one for name, one in declared().items() if isinstance(one, SentimentModel)})


@lru_cache(maxsize=1)
def declared() -> Mapping[str, Model | SentimentModel]:
    """Every model of either kind by name, in the order of the names."""
    return discover(training.models)


def gates_of(name: str) -> Sequence[Gate]:
    """What a version of that model must show before it may be champion."""
    if name in readers():
        return SENTIMENT_GATES
    return PROBABILITY_GATES if name in models() and models()[name].target == "up" else GATES


def left_out() -> Mapping[str, str]:
    """Models that cannot be fitted here, and the package that each of them lacks."""
    return {name: lacks for name, one in declared().items() if (lacks := one.missing())}


def model(name: str) -> Model:
    """The model of that name.

    Raises
    ------
    Permanent
        There is none; the message lists those there are.
    """
    found = models().get(name)
    if found is None:
        raise Permanent(
            f"model {name}", expected=f"one of {', '.join(models())}", found="no file under training/models"
        )
    return found


def discover(package: ModuleType) -> Mapping[str, Model | SentimentModel]:
    """The ``MODEL`` of each module of a package whose name does not begin with an underscore.

    Raises
    ------
    Permanent
        A module without MODEL, two models of one name, or a model that is not named like its file.
    """
    found: dict[str, Model | SentimentModel] = {}
    files: dict[str, str] = {}
    for entry in sorted(pkgutil.iter_modules(package.__path__), key=lambda e: e.name):
        if entry.name.startswith("_"):
            continue
        where = f"{package.__name__}.{entry.name}"
        one = getattr(importlib.import_module(where), "MODEL", None)
        if not isinstance(one, Model | SentimentModel):
            raise Permanent(where, expected="MODEL = Model(...) or SentimentModel(...)", found=type(one).__name__)
        if one.name in found:
            raise Permanent(where, expected="one file per model", found=f"{one.name}, also in {files[one.name]}")
        found[one.name], files[one.name] = one, where
    for name, where in files.items():
        if where.rpartition(".")[2] != name:
            raise Permanent(where, expected=f"a file named {name}.py, like its model", found=where.rpartition(".")[2])
    return MappingProxyType(found)
