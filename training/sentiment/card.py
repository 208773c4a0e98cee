"""The card of a sentiment model: what it is made from, how it was judged, what is known against it, as Markdown made of what happened.

What does not belong here: measuring (training.sentiment.judging), deciding (training.gates).
"""

import math
from typing import TYPE_CHECKING

from training.card import spaced, table
from training.lock import DataLock
from training.sentiment.judging import Interval, Verdict
from training.sentiment.labels import LABELS, Parts
from training.sentiment.model import OWN, SentimentModel

if TYPE_CHECKING:
    from training.sentiment.train import Texts


def card(model: SentimentModel, lock: DataLock, texts: "Texts", parts: Parts, verdict: Verdict) -> str:
    """The card of one run, before anybody decided about it."""
    sections = [
        [f"# {model.name}", model.doc],
        ["## Made from", *_made(lock, texts, parts)],
        ["## Judged on sentences that it never saw", *_judged(verdict)],
        ["## Known weaknesses", *(f"- {one}" for one in weaknesses(texts, verdict))],
    ]
    return "\n\n".join("\n".join(spaced(section)) for section in sections) + "\n"


def weaknesses(texts: "Texts", verdict: Verdict) -> list[str]:
    """What speaks against it, in sentences with their numbers; what holds for every one comes last."""
    found = [
        f"Not shown to be better than {name} on the same sentences (lead {over.value:+.3f}, error {over.se:.3f})."
        for name, over in verdict.over.items()
        if not over.low > 0
    ]
    worst = verdict.by_class["f1"].idxmin()
    found.append(f"Worst at {worst}: F1 {verdict.by_class.loc[worst, 'f1']:.3f}.")
    if texts.encoder == OWN:
        found.append(
            "Its encoder is a small one that has read nothing but this lake's headlines and the sentences it is taught with; a KoBERT or"
            " KR-FinBert, named by MARKETLAKE_SENTIMENT_MODEL, has read Korean."
        )
    return [
        *found,
        "It judges the words of one headline by itself: irony, what was expected, and what is news to whom are not in it.",
        "It was taught after most of the headlines that it is asked about were written: a score of an old headline is the model's, not the day's.",
    ]


def _made(lock: DataLock, texts: "Texts", parts: Parts) -> list[str]:
    counts = table(
        ("", *LABELS),
        [
            (name, *(int((rows["label"] == label).sum()) for label in LABELS))
            for name, rows in (
                ("taught with", parts.train),
                ("stopped and calibrated by", parts.validation),
                ("judged by", parts.test),
            )
        ],
    )
    return [
        f"Encoder: {texts.encoder}. Headlines: {len(set(texts.headlines)):,} different ones of release {lock.release_id},"
        f" {lock.train_from} to {lock.train_to}. Labelled sentences: {texts.labels}; commit {lock.code_sha}.",
        *counts,
        "The headlines are under the terms of their sources, and labelled sentences under those of who labelled them.",
    ]


def _judged(verdict: Verdict) -> list[str]:
    def shown(one: Interval) -> str:
        return f"{one.value:.3f}, 95 % from {one.low:.3f} to {one.high:.3f}"

    metrics = verdict.metrics()
    rows = [
        ("macro F1", shown(verdict.macro_f1)),
        ("accuracy", shown(verdict.accuracy)),
        *((f"lead over {name} ({verdict.baselines[name]:.3f})", shown(over)) for name, over in verdict.over.items()),
        ("calibration error", f"{metrics['ece']:.3f}, before the temperature {metrics['ece_before_temperature']:.3f}"),
        ("seeds", ", ".join(f"{seed}: {f1:.3f}" for seed, f1 in verdict.by_seed.items())),
    ]
    classes = [
        (label, *(f"{verdict.by_class.loc[label, name]:.3f}" for name in verdict.by_class.columns)) for label in LABELS
    ]
    spread = (
        "" if math.isnan(metrics["macro_f1_seed_std"]) else f" Deviation over seeds {metrics['macro_f1_seed_std']:.3f}."
    )
    return [
        *table(("", "on the test sentences"), rows),
        f"The intervals cover other sentences and other seeds.{spread}",
        *table(("class", *verdict.by_class.columns), classes),
    ]
