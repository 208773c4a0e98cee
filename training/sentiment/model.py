"""What a sentiment model is: where its encoder comes from, how it is taught and judged, declared once in a file under training/models.

What does not belong here: how it is taught (training.sentiment.fine_tuning), recorded (training.sentiment.train) or promoted.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import pandas as pd

from market.errors import Permanent
from training.algorithm import Parameter
from training.sentiment.deep import absent
from training.sentiment.descent import Told
from training.sentiment.encoder import Source, open_encoder
from training.sentiment.fine_tuning import Fitted, Tuning, fine_tune
from training.sentiment.labels import Parts
from training.sentiment.pretraining import Pretrained, Reading, Shape, own_encoder

FLAVOUR = "sentiment"
OWN = "own"
"""Where no encoder is named: a small one that has read the lake's headlines."""


@dataclass(frozen=True)
class SentimentModel:
    """One model of texts.

    Parameters
    ----------
    name : of the file that declares it, the registered model and the API route.
    doc : what it says of what, and for whom.
    shape, reading : of the encoder of our own, where none is named.
    tuning, own_tuning : how an encoder that is named is taught, and how one of our own.
    seeds : that it is judged with; the first one is registered.
    """

    name: str
    doc: str
    shape: Shape = field(default_factory=Shape)
    reading: Reading = field(default_factory=Reading)
    tuning: Tuning = field(default_factory=Tuning)
    own_tuning: Tuning = field(default_factory=Tuning)
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self) -> None:
        if not (self.name and self.doc and self.seeds) or len(set(self.seeds)) < len(self.seeds):
            raise Permanent(
                f"model {self.name or '(no name)'}", expected="a name, a doc, and different seeds", found=repr(self)
            )

    def missing(self) -> str | None:
        """Packages that it cannot do without and that are not installed; None where all are."""
        return ", ".join(absent()) or None

    def parameters(self, encoder: str, labels: str) -> dict[str, Parameter]:
        """Everything that a fit depends on beside its rows: the encoder's name, where the labels are from, and every number."""
        groups: dict[str, Tuning | Reading | Shape] = {"tuning": self.taught_by(encoder)}
        if encoder == OWN:
            groups |= {"reading": self.reading, "shape": self.shape}
        numbers = {f"{group}.{name}": value for group, one in groups.items() for name, value in asdict(one).items()}
        return {"encoder": encoder, "labels": labels, "seeds": ", ".join(map(str, self.seeds)), **numbers}

    def taught_by(self, encoder: str) -> Tuning:
        """How that encoder is taught."""
        return self.own_tuning if encoder == OWN else self.tuning

    def begin(
        self, encoder: str, headlines: Sequence[str], parts: Parts, seed: int, told: Told | None = None
    ) -> Pretrained:
        """The encoder before it is taught: the one that is named, or our own after it has read headlines and sentences.

        Of the sentences it reads those that it is taught with alone: what it is judged by it has not seen.
        """
        if encoder != OWN:
            return Pretrained(open_encoder(encoder).files(), ())
        return own_encoder([*headlines, *parts.train["text"]], seed, self.shape, self.reading, told)

    def teach(
        self,
        encoder: str,
        source: Source,
        train: pd.DataFrame,
        validation: pd.DataFrame,
        seed: int,
        told: Told | None = None,
    ) -> Fitted:
        """The encoder, begun as ``begin`` did, after it was taught the three classes."""
        return fine_tune(source, train, validation, seed, self.taught_by(encoder), told)
