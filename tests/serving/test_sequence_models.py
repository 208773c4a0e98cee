"""A model that looks at windows answers like the others: for symbols from the release's sessions, for rows from the rows that are given."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from market.labels import rank_within
from tests.support.champion import described_as_today
from training import scoring
from training.inputs import Inputs
from training.lstm import Lstm

pytest.importorskip("torch", reason="torch is not installed: `make .venv/bin/.deep` adds it")
MODEL, FEATURES, WINDOW = "sequences", ("return_1d", "rsi_14", "momentum_20"), 5
URL = f"/api/v1/models/{MODEL}"


@pytest.fixture
def signature(client, store, built_tables):
    """An LSTM of five sessions, exported as promotion does."""
    frame = built_tables[0]["gold.features_daily"].to_pandas()
    numbers = frame[list(FEATURES)].astype(np.float64)
    algorithm = Lstm()
    inputs = Inputs(frame, numbers, numbers.notna().all(axis=1).to_numpy())
    target = rank_within(inputs.matrix()["return_1d"].to_numpy(), np.zeros(int(inputs.rows.sum()), dtype=np.int64))
    raw = algorithm.fit(inputs, target, algorithm.validated({"window": WINDOW, "hidden": 4, "n_epochs": 1}), 1)
    described = described_as_today(FEATURES)
    made = {"model": MODEL, "version": 1, "run_id": "run1", "release_id": "r00001", "doc": "Ranks.", "flavour": "lstm",
            "file": "network.safetensors", "window_sessions": WINDOW, "reach_days": 2 * WINDOW + 14, "features": described, "output": {"name": "score"},
            "label": "forward_return_5d", "horizon_sessions": 5, "metrics": {}, "lock": {},
            "digests": {"booster": hashlib.sha256(raw).hexdigest()}}  # fmt: skip
    store.put(f"models/{MODEL}/1/network.safetensors", raw)
    store.put(f"models/{MODEL}/1/signature.json", json.dumps(made).encode())
    pointer = {"version": 1, "run_id": "run1", "release_id": "r00001"}
    store.put(f"models/{MODEL}/champion.json", json.dumps(pointer).encode())
    client.app.state.champions.refresh()
    return made, raw


def _asked(client, **body):
    answer = client.post(f"{URL}/predict", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_symbols_have_the_scores_and_ranks_of_the_lake_s_own_scoring(client, lake, signature, built_tables):
    described, raw = signature
    frame = built_tables[0]["gold.features_daily"].to_pandas()
    for day in ("2024-05-31", "2024-05-03"):
        upto = frame[frame["session_date"] <= pd.Timestamp(day).date()]
        expected = scoring.score(raw, described, upto, pd.Timestamp(day).date()).set_index("security_id")
        for row in _asked(client, symbols=["005930", "AAPL"], session_date=day):
            assert (row["score"], row["rank"]) == tuple(expected.loc[row["security_id"], ["score", "rank"]])
            assert row["session_date"] == day


def test_rows_of_ones_own_are_windows_of_their_security(client, lake, signature, built_tables):
    frame = built_tables[0]["gold.features_daily"].to_pandas()
    own = frame[frame["security_id"] == "XKRX:005930"].sort_values("session_date").tail(WINDOW)
    rows = [
        {"security_id": "mine", "session_date": f"{row['session_date']}", **{n: float(row[n]) for n in FEATURES}}
        for row in own.to_dict("records")
    ]
    (asked,) = _asked(client, symbols=["005930"])
    assert _asked(client, rows=rows)[-1]["score"] == asked["score"]
    nameless = [{name: row[name] for name in FEATURES} for row in rows]
    assert _asked(client, rows=nameless)[-1]["score"] != asked["score"]  # nobody's rows are no window of each other
    (nothing,) = _asked(client, rows=[dict.fromkeys(FEATURES)])
    assert nothing["score"] is None


def test_a_holiday_has_no_score(client, lake, signature):
    (row,) = _asked(client, symbols=["005930"], session_date="2024-05-05")
    assert (row["score"], row["rank"]) == (None, None)
