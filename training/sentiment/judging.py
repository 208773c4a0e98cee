"""What a fine-tuned encoder is worth on rows that nothing was fitted on or chosen by, over several seeds, beside baselines.

What does not belong here: gates, and recording (training.tracking).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.errors import Permanent
from training.algorithm import Float1D
from training.sentiment.agreement import Codes, Float2D, confusion, macro_f1, per_class
from training.sentiment.baselines import Baseline
from training.sentiment.calibration import calibration_error, reliability
from training.sentiment.encoder import open_encoder
from training.sentiment.fine_tuning import Fitted
from training.sentiment.labels import LABELS, Parts, codes
from training.sentiment.scoring import Scorer

N_DRAWS = 2_000
CONFIDENCE = 0.95
OWN, RIGHT = "the model", "accuracy of the model"

Fit = Callable[[pd.DataFrame, pd.DataFrame, int], Fitted]
"""Train rows, validation rows and a seed to a fitted model."""


class Interval(NamedTuple):
    """A number, its standard error, and between which values it lies with 95 % confidence, by the bootstrap."""

    value: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """What the test rows show.

    Parameters
    ----------
    macro_f1, accuracy : mean over the seeds; the intervals cover other rows and other seeds.
    by_class : precision, recall, f1 (columns) of each class (rows), all seeds together.
    confusion : (3, 3) what was (rows) against what was said (columns), rows of all seeds together.
    raw, calibrated : (n, 3) probabilities before and after the temperature, all seeds after each other.
    truth : (n,) the class of each of those rows.
    by_seed : macro F1 of each seed.
    over : macro F1 less that of each baseline on the same rows, by the baseline's name.
    baselines : macro F1 of each baseline.
    temperatures : of each seed.
    """

    macro_f1: Interval
    accuracy: Interval
    by_class: pd.DataFrame
    confusion: npt.NDArray[np.int64]
    raw: Float2D
    calibrated: Float2D
    truth: Codes
    by_seed: Mapping[int, float]
    over: Mapping[str, Interval]
    baselines: Mapping[str, float]
    temperatures: Mapping[int, float]

    @property
    def reliability(self) -> pd.DataFrame:
        """As ``training.sentiment.calibration.reliability``, after the temperature."""
        return reliability(self.calibrated, self.truth)

    def metrics(self) -> dict[str, float]:
        """All numbers by name, for MLflow."""
        found = {
            **_named("macro_f1", self.macro_f1),
            **_named("accuracy", self.accuracy),
            "macro_f1_seed_std": float(np.std(list(self.by_seed.values()), ddof=1)) if len(self.by_seed) > 1 else 0.0,
            "seeds": float(len(self.by_seed)),
            "test_rows": float(self.truth.size // len(self.by_seed)),
            "ece": calibration_error(self.calibrated, self.truth),
            "ece_before_temperature": calibration_error(self.raw, self.truth),
            "temperature": float(np.mean(list(self.temperatures.values()))),
        }
        for label, row in self.by_class.iterrows():
            found |= {f"{name}_{label}": float(row[name]) for name in self.by_class.columns}
        for name, interval in self.over.items():
            found |= {f"{name}_macro_f1": self.baselines[name], **_named(f"macro_f1_over_{name}", interval)}
        return found


def judge(parts: Parts, fit: Fit, seeds: Sequence[int], baselines: Mapping[str, Baseline], threads: int = 1) -> Verdict:
    """Fits once per seed on the same rows and holds each against the same test rows.

    Parameters
    ----------
    parts : as ``training.sentiment.labels.split`` gives them.
    fit : the same for every seed but the seed.
    baselines : as ``training.sentiment.baselines.baselines`` gives them.
    threads : of scoring.

    Raises
    ------
    Permanent
        No seed, or one of them twice; and as ``fit``.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise Permanent("judging sentiment", expected="different seeds, at least one", found=f"{seeds}")
    texts = parts.test["text"].tolist()
    raw: list[Float2D] = []
    calibrated: list[Float2D] = []
    temperatures: dict[int, float] = {}
    for seed in seeds:
        fitted = fit(parts.train, parts.validation, seed)
        encoder = open_encoder(fitted.files)
        temperatures[seed] = fitted.temperature
        for found, temperature in ((raw, 1.0), (calibrated, fitted.temperature)):
            scorer = Scorer(encoder.with_settings(temperature=temperature), threads=threads)
            found.append(scorer.score(texts)[list(LABELS)].to_numpy())
    others = {name: one(parts.train, parts.validation, texts) for name, one in baselines.items()}
    return weigh(codes(parts.test["label"]), raw, calibrated, seeds, temperatures, others)


def weigh(
    truth: Codes, raw: Sequence[Float2D], calibrated: Sequence[Float2D], seeds: Sequence[int], temperatures: Mapping[int, float],
    others: Mapping[str, Codes],
) -> Verdict:  # fmt: skip
    """The verdict on probabilities that are there already.

    Parameters
    ----------
    truth : (n,) the class of each test row.
    raw, calibrated : (n, 3) a seed, before and after the temperature.
    others : (n,) the class that each baseline says.
    """
    said = [one.argmax(axis=1) for one in calibrated]
    again, everything = np.tile(truth, len(seeds)), np.concatenate(said)
    drawn = _drawn(truth, said, others)
    once = {name: macro_f1(truth, one) for name, one in others.items()}
    macro = float(np.mean([macro_f1(truth, one) for one in said]))
    return Verdict(
        macro_f1=_interval(macro, drawn[OWN]),
        accuracy=_interval(float((everything == again).mean()), drawn[RIGHT]),
        by_class=pd.DataFrame(per_class(again, everything), index=list(LABELS), columns=["precision", "recall", "f1"]),
        confusion=confusion(again, everything).astype(np.int64),
        raw=np.concatenate(raw),
        calibrated=np.concatenate(calibrated),
        truth=again,
        by_seed={seed: macro_f1(truth, one) for seed, one in zip(seeds, said, strict=True)},
        over={name: _interval(macro - once[name], drawn[OWN] - drawn[name]) for name in others},
        baselines=once,
        temperatures=temperatures,
    )


def _drawn(truth: Codes, said: Sequence[Codes], others: Mapping[str, Codes]) -> dict[str, Float1D]:
    """Macro F1 and accuracy over ``N_DRAWS`` draws of rows and seeds, and macro F1 of each baseline by its name on the same rows:
    what all find easy or hard is then no difference."""
    rng = np.random.default_rng(0)  # of the measuring alone: the same rows give the same interval
    found = {name: np.empty(N_DRAWS) for name in (OWN, RIGHT, *others)}
    for draw in range(N_DRAWS):
        weights = np.bincount(rng.integers(0, truth.size, truth.size), minlength=truth.size).astype(np.float64)
        seeds = rng.integers(0, len(said), len(said))
        found[OWN][draw] = np.mean([macro_f1(truth, said[seed], weights) for seed in seeds])
        found[RIGHT][draw] = np.mean([np.average(said[seed] == truth, weights=weights) for seed in seeds])
        for name, one in others.items():
            found[name][draw] = macro_f1(truth, one, weights)
    return found


def _interval(value: float, draws: Float1D) -> Interval:
    outside = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(draws, [outside, 1.0 - outside])
    return Interval(value, float(draws.std(ddof=1)), float(low), float(high))


def _named(name: str, interval: Interval) -> dict[str, float]:
    return {
        name: interval.value, f"{name}_se": interval.se, f"{name}_low": interval.low, f"{name}_high": interval.high
    }  # fmt: skip
