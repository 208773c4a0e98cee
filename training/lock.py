"""The data lock: everything that a fit depends on, small enough to keep for ever, enough to make the run again.

What does not belong here: obtaining any of it (the caller knows the release and the code), refitting (training.replay).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date

import numpy as np
import pandas as pd

from market.errors import Permanent
from training.algorithm import Parameter
from training.model import Model
from training.panel import session_days

ARTIFACT = "data_lock.json"


@dataclass(frozen=True)
class DataLock:
    """What a training run saw.

    Parameters
    ----------
    release_id : the release whose tables were read.
    rulebook : version of the market rules.
    code_sha : commit of the code; ``code_dirty`` where the work tree had changes, so that the commit is not all of it.
    seed : of the algorithm's sampling.
    dataset_digest : of the training frame's canonical rows.
    model, parameters, features : as declared, parameters complete.
    train_from, train_to : first and last session date of the frame, both included.
    tables : Delta version of every table of the release.
    """

    release_id: str
    rulebook: str
    code_sha: str
    code_dirty: bool
    seed: int
    dataset_digest: str
    model: str
    parameters: Mapping[str, Parameter]
    features: tuple[str, ...]
    train_from: date
    train_to: date
    tables: Mapping[str, int]

    def to_dict(self) -> dict[str, object]:
        """JSON types only: dates as ISO text, features as a list."""
        plain = {
            "parameters": dict(self.parameters),
            "features": list(self.features),
            "train_from": self.train_from.isoformat(),
            "train_to": self.train_to.isoformat(),
            "tables": dict(self.tables),
        }
        return {f.name: plain.get(f.name, getattr(self, f.name)) for f in fields(self)}

    def to_json(self) -> str:
        """Sorted keys, so that equal locks are equal text."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_dict(cls, plain: Mapping[str, object]) -> "DataLock":
        """The lock that ``to_dict`` wrote.

        Raises
        ------
        Permanent
            A field is missing, unknown, or a date is none.
        """
        names = {f.name for f in fields(cls)}
        if plain.keys() != names:
            raise Permanent(
                "data lock",
                expected=f"the fields {', '.join(sorted(names))}",
                found=f"missing {sorted(names - plain.keys())}, unknown {sorted(plain.keys() - names)}",
            )
        values: dict[str, object] = dict(plain)
        try:
            values |= {name: date.fromisoformat(str(plain[name])) for name in ("train_from", "train_to")}
        except ValueError as error:
            raise Permanent("data lock", expected="train_from and train_to as YYYY-MM-DD", found=str(error)) from error
        values["features"] = tuple(plain["features"])  # type: ignore[arg-type]  # a list, from JSON
        return cls(**values)  # type: ignore[arg-type]  # names checked above

    @classmethod
    def from_json(cls, text: str) -> "DataLock":
        """The lock that ``to_json`` wrote; Permanent where the text is none."""
        try:
            plain = json.loads(text)
        except json.JSONDecodeError as error:
            raise Permanent("data lock", expected="JSON", found=str(error)) from error
        if not isinstance(plain, dict):
            raise Permanent("data lock", expected="a JSON object", found=type(plain).__name__)
        return cls.from_dict(plain)

    def tags(self) -> dict[str, str]:
        """The scalar fields as MLflow tags ``lock.<field>``, and ``release_id`` by itself, to search runs by."""
        scalars = {name: value for name, value in asdict(self).items() if not isinstance(value, dict | tuple | list)}
        return {f"lock.{name}": str(value) for name, value in scalars.items()} | {"release_id": self.release_id}

    def check(self, model: Model, panel: pd.DataFrame) -> None:
        """Refuse a lock that describes another model or other days than those at hand.

        ``panel`` is the frame as ``training.panel.prepare`` gives it.

        Raises
        ------
        Permanent
            The name, features or parameters differ, or a session of the frame lies outside the lock's.
        """
        differ = []
        if self.model != model.name:
            differ.append(f"model {self.model} against {model.name}")
        if self.features != model.features:
            differ.append(f"features {list(self.features)} against {list(model.features)}")
        complete = model.algorithm.validated({**model.parameters, **self.parameters})
        if complete != dict(self.parameters):
            differ.append(f"parameters {dict(self.parameters)} are not complete, {complete} are")
        days = session_days(panel)
        outside = (days < np.datetime64(self.train_from)) | (days > np.datetime64(self.train_to))
        if outside.any():
            differ.append(f"sessions {self.train_from}..{self.train_to} against {days.min()}..{days.max()}")
        if differ:
            raise Permanent(
                "data lock",
                expected="the model and frame at hand",
                found="; ".join(differ),
                do="Make the lock from them, or replay at the commit that the lock names",
            )
