"""How often the judging of a model is right where the truth is known: `python -m bench.evaluation`.

Small worlds with a planted signal, and without one, each judged as training judges a model: how often a signal is found
(power), how often one is found where there is none (false discoveries), and what choosing the best of several trials does to
the latter, with and without the discount for trials. Prints tables and writes bench/results/.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from bench import report
from market.evaluation import session_rank_ic
from market.overfitting import deflated_sharpe, probabilistic_sharpe, sharpe
from tests.support.planted import HORIZON, planted
from training.evaluate import walk_forward
from training.evidence import shown, tranches_of
from training.gates import GATES, judge
from training.model import Model, WalkForward
from training.panel import prepare, session_days

PACKAGES = ("xgboost", "numpy", "pandas")
STRENGTHS = (0.0, 0.02, 0.04, 0.08)
TRIALS = 10
MODEL = Model(
    name="judged",
    service="price_model",
    features=("signal", "noise_a", "noise_b"),
    label="forward_return_5d",
    horizon=HORIZON,
    doc="Looks for the planted signal.",
    parameters={"n_rounds": 40, "max_depth": 3, "nthread": 1},
    validation=WalkForward(n_folds=3, embargo=5, min_train=120),
    combinations=None,
)
NOISE = replace(MODEL, features=("noise_a", "noise_b"))


def main() -> None:
    """Every world of every strength, then the worlds without a signal again with several trials each."""
    words = argparse.ArgumentParser(
        description="Power and false discoveries of the judging, on worlds whose truth is known."
    )
    words.add_argument("--seeds", type=int, default=200)
    words.add_argument("--processes", type=int, default=2)
    asked = words.parse_args()
    with ProcessPoolExecutor(asked.processes) as pool:
        worlds = {
            f"{strength:g}": told(list(pool.map(partial(judged, strength=strength), range(asked.seeds))))
            for strength in STRENGTHS
        }
        chosen = list(pool.map(best_of_several, range(asked.seeds)))
    for strength, found in worlds.items():
        print(f"strength {strength}: " + ", ".join(f"{name} {value:.4f}" for name, value in found.items()))
    picked = {name: float(np.mean([one[name] for one in chosen])) for name in chosen[0]}
    print(f"best of {TRIALS} without a signal: " + ", ".join(f"{name} {value:.4f}" for name, value in picked.items()))
    report.write(
        "evaluation", PACKAGES, {"seeds": asked.seeds, "worlds": worlds, "trials": TRIALS, "best_of_several": picked}
    )


def judged(seed: int, strength: float) -> dict[str, float]:
    """One world: what the perfect score reaches there, what the model does, and what the gates say."""
    panel = prepare("bench", planted(seed, strength), MODEL.features, MODEL.label)
    evaluation = walk_forward(MODEL, panel, MODEL.parameters, seed, lambda done, total, what: None)
    made = tranches_of(evaluation)
    metrics = shown(evaluation, made)
    verdicts = {
        outcome.gate: float(outcome.passed)
        for outcome in judge(
            GATES,
            metrics
            | {
                "leaks": 0.0,
                "sessions_behind": 0.0,
                "replay_differs": 0.0,
                "deflated_rank_ic": probabilistic_sharpe(evaluation.daily, overlap=HORIZON),
            },
            None,
        )
    }
    perfect = session_rank_ic(panel["signal"], panel["label"], session_days(panel), panel["exchange"]).mean()
    return {
        "perfect_rank_ic": float(perfect), "rank_ic": metrics["rank_ic_mean"], **verdicts, "all_gates": float(all(verdicts.values())),
        "interval_above_zero": float(metrics["rank_ic_lower"] > 0), "sharpe_is_no_luck": float(probabilistic_sharpe(made["net"], overlap=HORIZON) > 0.95),
    }  # fmt: skip


def best_of_several(seed: int) -> dict[str, float]:
    """A world without a signal, several parameters and seeds tried, the one of the best rank IC kept, as tuning does: who believes it?"""
    panel = prepare("bench", planted(10_000 + seed, 0.0), NOISE.features, NOISE.label)
    rng = np.random.default_rng(seed)
    tried = []
    for trial in range(TRIALS):
        chosen = {**NOISE.parameters, "max_depth": int(rng.integers(1, 7)), "n_rounds": int(rng.integers(10, 60))}
        evaluation = walk_forward(NOISE, panel, chosen, trial, lambda done, total, what: None)
        tried.append((evaluation.metrics(), evaluation.daily))
    metrics, daily = max(tried, key=lambda one: one[0]["rank_ic_mean"])
    discounted = deflated_sharpe(daily, [sharpe(one) for _, one in tried], TRIALS, overlap=HORIZON)
    return {
        "two_errors": float(metrics["rank_ic_mean"] > 2 * metrics["rank_ic_se"]),
        "signal": float(metrics["rank_ic_mean"] > metrics["rank_ic_bar"]),
        "beyond_trials": float(discounted.probability >= 0.95),
        "both": float(metrics["rank_ic_mean"] > metrics["rank_ic_bar"] and discounted.probability >= 0.95),
    }


def told(found: list[dict[str, float]]) -> dict[str, float]:
    """Means over the worlds: of a verdict the share that passed."""
    return {name: round(float(np.mean([one[name] for one in found])), 4) for name in found[0]}


if __name__ == "__main__":
    main()
