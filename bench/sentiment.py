"""How fast headlines are scored, by a BERT of base shape on one core: `python -m bench.sentiment`.

Ours (each text once, texts of one length together, int8) against what a loop over transformers does (32 at a time in their order,
padded to the longest of each, float32), both from text to label, on real headlines and weights that are drawn: speed does not depend
on what they know.  Wall time is what the bars are on; time of the processor stands beside it, for machines that others use.  Labels of weights
that know nothing are the hardest to keep: what int8 keeps of a taught encoder's, and how good they are, is
bench.sentiment_accuracy. Not a test: it never fails on a time.
"""

import argparse
from collections.abc import Callable, Sequence
from time import perf_counter, process_time
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench import report
from lake.settings import ROOT
from training.sentiment import deep
from training.sentiment.encoder import Encoder, open_encoder
from training.sentiment.labels import LABELS, normalised
from training.sentiment.pretraining import Reading, Shape, own_encoder
from training.sentiment.scoring import Scorer, labels_of

SHARED = ROOT.parent / "shared" / "data" / "kr_sentiment"
PACKAGES = ("torch", "transformers", "tokenizers", "numpy")
BASE = Shape(layers=12, hidden=768, heads=12, vocabulary=32_000)
BARS = {"unique": 2.5, "with_duplicates": 6.0, "equal_labels": 0.99}
BATCH = 32
ROUNDS = 2
DUPLICATES = 0.6
SEED = 7


def main() -> None:
    """Measure, print, write."""
    words = argparse.ArgumentParser(description="Headlines to labels: ours against a padded float32 loop.")
    words.add_argument("--texts", type=int, default=200)
    words.add_argument("--threads", type=int, default=1)
    asked = words.parse_args()
    if missing := deep.absent():
        print(f"left out: no {', '.join(missing)}; `make .venv/bin/.deep` adds them")
        return
    if not SHARED.exists():
        print("left out: ../shared/data/kr_sentiment is absent, the real headlines are not here")
        return
    titles = headlines()
    encoder = centred(drawn(titles), titles[-200:])
    rng = np.random.default_rng(SEED)
    unique = rng.choice(titles, asked.texts, replace=False).tolist()
    few = unique[: round(asked.texts * (1 - DUPLICATES))]
    again = [*few, *rng.choice(few, asked.texts - len(few)).tolist()]
    found = {
        name: against(encoder, texts, asked.threads)
        for name, texts in (("unique", unique), ("with_duplicates", rng.permutation(again).tolist()))
    }
    report.write("sentiment", PACKAGES, {"texts": asked.texts, "threads": asked.threads, "bars": BARS, **found})


def headlines() -> list[str]:
    """Every recorded headline of the portals, normalised, once, in the files' order."""
    files = sorted(SHARED.glob("snu_*_raw_naver*.csv"))
    texts = pd.concat([pd.read_csv(file, dtype="string")["title"] for file in files]).map(normalised)
    return [text for text in texts.drop_duplicates() if text]


def drawn(titles: Sequence[str]) -> Encoder:
    """A BERT of base shape with a vocabulary of real headlines and weights out of the urn."""
    return open_encoder(own_encoder(titles, SEED, BASE, Reading(steps=0)).files, SEED)


def centred(encoder: Encoder, texts: Sequence[str]) -> Encoder:
    """The same with a head that says each class about as often: the labels of one that always says the same are easily equal."""
    import torch

    from training.sentiment.batching import logits

    middle = np.median(logits(encoder, encoder.tokens(texts)), axis=0)
    with torch.no_grad():
        encoder.network.classifier.bias -= torch.from_numpy(middle)
    return encoder


def against(encoder: Encoder, texts: Sequence[str], threads: int) -> dict[str, Any]:
    """Least seconds of both on the same texts, one after the other ``ROUNDS`` times, and how many labels are the same."""
    rounds = []
    for _ in range(ROUNDS):
        scorer = Scorer(encoder, int8=True, threads=threads)
        ours, own = timed(lambda scorer=scorer: labels_of(scorer.score(texts)).to_numpy())
        theirs, loop = timed(lambda: padded_loop(encoder, texts, threads))
        rounds.append((own, loop))
    own, loop = np.min(rounds, axis=0)
    equal = float((ours == theirs).mean())
    ratio, cpu = loop[0] / own[0], loop[1] / own[1]
    shares = pd.Series(theirs).value_counts(normalize=True).round(2).to_dict()
    print(
        f"{len(texts):,} texts, {len(set(texts)):,} different: ours {own[0]:.1f} s, padded float32 loop {loop[0]:.1f} s;"
        f" {ratio:.1f}x ({cpu:.1f}x of the processor's time), labels equal {equal:.1%} ({shares})"
    )
    return {
        "different": len(set(texts)), "ours_s": round(own[0], 2), "loop_s": round(loop[0], 2), "ratio": round(ratio, 2),
        "ratio_cpu": round(cpu, 2), "equal_labels": round(equal, 4),
    }  # fmt: skip


def padded_loop(encoder: Encoder, texts: Sequence[str], threads: int) -> npt.NDArray[np.object_]:
    """Labels as most write it."""
    import torch

    said = []
    torch.set_num_threads(threads)
    with torch.inference_mode():
        for start in range(0, len(texts), BATCH):
            batch = encoder.tokenizer(
                list(texts[start : start + BATCH]), padding=True, truncation=True, max_length=encoder.max_tokens,
                return_tensors="pt",
            )  # fmt: skip
            said.append(encoder.network(**batch).logits.argmax(dim=1))
    return np.array(LABELS, dtype=object)[torch.cat(said).numpy()]


def timed(work: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    """What came of it, and seconds by the clock and of the processor."""
    began = perf_counter(), process_time()
    found = work()
    return found, (perf_counter() - began[0], process_time() - began[1])


if __name__ == "__main__":
    main()
