"""How well headlines are judged, on real ones: `python -m bench.sentiment_accuracy`.

A small BERT of our own reads the recorded headlines without labels and is taught the 4,846 labelled sentences of finance_data.csv,
over several seeds; or `--model`, a folder or hub id such as a KoBERT, is taught them by the same code.  Beside it stand the KNU
lexicon, TF-IDF, and the same small BERT that has read nothing.  Then: how many labels of unlabelled headlines int8 keeps.  The
sentences are translated from English, and for local use only (their ORIGIN file).  Not a test: it never fails on a number.
"""

import argparse
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from bench import report
from bench.sentiment import PACKAGES, SHARED, headlines
from training.sentiment import deep
from training.sentiment.baselines import baselines
from training.sentiment.encoder import Source
from training.sentiment.fine_tuning import Fitted, Tuning, fine_tune
from training.sentiment.judging import Verdict, judge
from training.sentiment.labels import Parts, checked, contradicting, read_rows, split
from training.sentiment.pretraining import Reading, Shape, own_encoder
from training.sentiment.scoring import equal_labels

SPLIT_SEED = 0
OWN_RATE, BASE_RATE = 5e-4, 5e-5


def main() -> None:
    """Teach, judge, print, write."""
    asked = _asked()
    if missing := deep.absent():
        print(f"left out: no {', '.join(missing)}; `make .venv/bin/.deep` adds them")
        return
    if not SHARED.exists():
        print("left out: ../shared/data/kr_sentiment is absent, the real sentences are not here")
        return
    rows = read_rows(SHARED / "finance_data.csv")
    parts = split(checked(rows[~contradicting(rows)]), SPLIT_SEED)
    titles, seeds = headlines(), tuple(range(asked.seeds))
    print(
        f"{len(rows):,} sentences, {int(contradicting(rows).sum())} contradicting left out; {len(parts.test):,} to judge on"
    )
    tuning = Tuning(epochs=asked.epochs, rate=BASE_RATE if asked.model else OWN_RATE, patience=3, threads=asked.threads)
    shape = Shape(layers=asked.layers, hidden=asked.hidden, heads=max(1, asked.hidden // 64))
    found: dict[str, Any] = {"arguments": vars(asked), "test_rows": len(parts.test)}
    read_none = own_encoder([*titles, *parts.train["text"]], 0, shape, Reading(steps=0)).files
    source: Source = asked.model or _read(titles, parts, shape, asked)
    lexicon = SHARED / "knu_SentiWord_info.json"
    kept: list[Fitted] = []
    for name, one in ((asked.model or "own, read the headlines", source), ("own, read nothing", read_none)):
        began = perf_counter()
        verdict = judge(parts, partial(_fit, one, tuning, kept), seeds, baselines(lexicon), asked.threads)
        _tell(name, verdict, perf_counter() - began)
        found[name] = {key: round(value, 4) for key, value in verdict.metrics().items()}
    drawn = np.random.default_rng(1).choice(titles, min(len(titles), asked.headlines), replace=False).tolist()
    found["equal_labels_int8"] = round(equal_labels(kept[0].files, drawn), 4)
    print(f"int8 keeps {found['equal_labels_int8']:.2%} of the labels of {len(drawn):,} headlines without any")
    report.write("sentiment-accuracy", (*PACKAGES, "scikit-learn"), found)


def _asked() -> argparse.Namespace:
    words = argparse.ArgumentParser(
        description="Sentiment of real sentences: macro F1 with intervals, beside baselines."
    )
    words.add_argument("--model", default="", help="a folder or hub id in place of our own encoder")
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--steps", type=int, default=4_000, help="of reading headlines")
    words.add_argument("--epochs", type=int, default=12)
    words.add_argument("--layers", type=int, default=2)
    words.add_argument("--hidden", type=int, default=128)
    words.add_argument("--threads", type=int, default=2)
    words.add_argument("--headlines", type=int, default=5_000, help="on which int8 is held against float32")
    return words.parse_args()


def _read(titles: list[str], parts: Parts, shape: Shape, asked: argparse.Namespace) -> dict[str, bytes]:
    """Files of an encoder that has read the headlines and the train sentences, never those it is judged on."""
    began = perf_counter()
    read = own_encoder([*titles, *parts.train["text"]], 0, shape, Reading(steps=asked.steps, threads=asked.threads))
    curve = [round(float(np.mean(part)), 2) for part in np.array_split(read.losses, 8) if part.size]
    print(f"read {len(titles):,} headlines in {perf_counter() - began:.0f} s, loss {' '.join(map(str, curve))}")
    return read.files


def _fit(source: Source, tuning: Tuning, kept: list[Fitted], train: Any, validation: Any, seed: int) -> Fitted:
    kept.append(fine_tune(source, train, validation, seed, tuning))
    return kept[-1]


def _tell(name: str, verdict: Verdict, seconds: float) -> None:
    one, named = verdict.macro_f1, verdict.metrics()
    print(
        f"\n{name}: macro F1 {one.value:.3f} ({one.low:.3f} to {one.high:.3f}), accuracy {verdict.accuracy.value:.3f}, {seconds:.0f} s"
    )
    print(f"  of each seed: {', '.join(f'{value:.3f}' for value in verdict.by_seed.values())}")
    for other, lead in verdict.over.items():
        print(f"  {other} {verdict.baselines[other]:.3f}: lead {lead.value:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})")
    print(f"  calibration error {named['ece_before_temperature']:.3f}, {named['ece']:.3f} after the temperature")
    print(verdict.by_class.round(3).to_string())
    print(verdict.confusion)


if __name__ == "__main__":
    main()
