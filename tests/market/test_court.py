"""The leak court finds what looks ahead, whoever wrote it, and accuses nobody else."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from market import adjust
from market.court import Facts, judged
from market.errors import Permanent
from market.features.catalogue import libraries
from market.features.definition import Feature
from market.features.engine import Program
from market.features.parse import parse
from market.features.sections import compile_features
from tests.market import leaks

INSTANTS = [*(leaks.at(t) for t in (42, 85, 98, 115)), leaks.at(101) - timedelta(hours=3)]
"""Closes, one in a week's gap and one when a quarter is amended, and a time of trading."""


@pytest.fixture(scope="module")
def facts() -> dict[str, pd.DataFrame]:
    return leaks.facts()


@pytest.fixture(scope="module")
def verdicts(facts: dict[str, pd.DataFrame]) -> dict[str, list]:
    return {name: judged(compute, facts, leaks.KEY, INSTANTS) for name, compute in leaks.LEAKS.items()}


def test_all_planted_leaks_are_caught(verdicts: dict[str, list]) -> None:
    assert [name for name, found in verdicts.items() if not found] == []
    assert len(verdicts) == 48


@pytest.mark.parametrize("name", leaks.HONEST)
def test_what_only_looks_back_is_not_accused(facts: dict[str, pd.DataFrame], name: str) -> None:
    assert [str(leak) for leak in judged(leaks.HONEST[name], facts, leaks.KEY, INSTANTS)] == []


def of_program(program: Program) -> leaks.Computation:
    """The features as gold makes them: of the newest bars, forward-adjusted by what splits were known."""

    def compute(told: Facts) -> pd.DataFrame:
        rows = leaks.believed(told["prices"])
        rows["value"] = rows["volume"] * rows["close"]
        rows["factor"] = leaks.factor_of(rows, told["factors"])
        rows["cumulative_factor"] = rows.groupby("security_id")["factor"].cumprod()
        rows["base_price"] = rows.groupby("security_id")["close"].shift() * rows["factor"]
        rows["market_cap"], rows["n_headlines"] = rows["close"] * 1e6, rows["session_no"] % 7 + 0.0
        rows["n_stories"], rows["level"] = rows["n_headlines"], np.sin(rows["close"])
        rows["dispersion"], rows["novelty"] = np.cos(rows["close"]) ** 2, np.sin(rows["close"]) ** 2
        offsets = np.append(np.flatnonzero(~rows["security_id"].duplicated()), len(rows))
        adjusted = adjust.forward_adjusted(rows)
        columns = {name: adjusted[name].to_numpy(dtype=float) for name in program.inputs}
        numbers, exchange = rows["session_no"].to_numpy(), np.zeros(len(offsets) - 1, dtype=np.int64)
        made = program.run(columns, offsets, session_numbers=numbers, keeps_state=False, exchanges=exchange).values
        return pd.concat([rows[[*leaks.KEY, "known_at"]], pd.DataFrame(made)], axis=1)

    return compute


@pytest.mark.parametrize("library", libraries())
def test_no_feature_of_any_library_is_accused(library: str) -> None:
    facts, features = leaks.facts(sessions=290), libraries()[library]
    compute = of_program(compile_features(tuple(features.values())))
    assert [str(leak) for leak in judged(compute, facts, leaks.KEY, [leaks.at(t) for t in (85, 180, 270)])] == []
    made = compute(facts)
    still = [name for name in features if made[name].nunique() < 2 and name != "close0"]  # the close over itself
    assert len(still) < (30 if library == "candles" else 1), f"never moved, so never tried: {still}"


def test_no_cross_section_is_accused(facts: dict[str, pd.DataFrame]) -> None:
    texts = [
        "cs_rank(delta(close, 5))",
        "cs_zscore(log(volume))",
        "mean(cs_demean(close / open), 5)",
        "cs_winsorize(close / ref(close, 1), level=0.1)",
    ]
    features = [Feature(f"x{i}", parse(text), "Under test.", "1", "ours") for i, text in enumerate(texts)]
    compute = of_program(compile_features(features))
    assert [str(leak) for leak in judged(compute, facts, leaks.KEY, INSTANTS)] == []
    assert all(compute(facts)[one.name].nunique() > 10 for one in features)


def test_what_a_computation_remembers_is_noticed(facts: dict[str, pd.DataFrame]) -> None:
    seen: list[pd.DataFrame] = []

    def compute(told: Facts) -> pd.DataFrame:
        panel = leaks.wide(told)
        seen.append(panel.ret)
        widest = max(seen, key=len)
        return leaks.long((panel.ret - widest.mean()) / widest.std(), panel)

    assert judged(compute, facts, leaks.KEY, INSTANTS)


def test_a_leak_says_which_row_knew_what_too_early(facts: dict[str, pd.DataFrame]) -> None:
    once = facts | {"prices": facts["prices"].drop_duplicates(list(leaks.KEY))}
    found = judged(leaks.LEAKS["tomorrow's return"], once, leaks.KEY, INSTANTS[:1])
    assert {leak.test for leak in found} == {"prefix", "poison"}
    assert found[0].key == ("S0", 42) and np.isnan(found[0].then) and "known by 2024-02-12" in str(found[0])


def test_facts_and_rows_must_say_when_they_were_known(facts: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(Permanent, match="facts prices: expected a column known_at"):
        judged(
            leaks.HONEST["a mean of twenty"], {"prices": facts["prices"].drop(columns="known_at")}, leaks.KEY, INSTANTS
        )
    with pytest.raises(Permanent, match="once for each security_id, session_no"):
        judged(lambda told: told["prices"], facts, leaks.KEY, INSTANTS)
