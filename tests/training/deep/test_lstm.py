"""The LSTM finds what is in the order of sessions, gives equal bits, and refuses what it cannot read."""

import json
import struct
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from market.errors import Permanent
from market.evaluation import mean_and_standard_error, session_rank_ic
from tests.support.planted import planted
from training import court, evaluate
from training.distributed import Launch
from training.inputs import Inputs
from training.lstm import Lstm
from training.model import Stopping
from training.panel import prepare, session_days

SMALL = {"window": 4, "hidden": 8, "n_epochs": 2, "batch": 64, "learning_rate": 0.01}


@pytest.fixture(scope="session")
def lstm(small_model):
    rules = replace(small_model.validation, n_folds=2, min_train=80)
    return replace(small_model, algorithm=Lstm(), parameters=SMALL, validation=rules)


@pytest.fixture(scope="session")
def panel():
    """Fewer rows than the trees get: an epoch goes through every window."""
    return planted(seed=1, n_sessions=150, n_securities=20)


@pytest.fixture(scope="session")
def fitted(lstm, panel):
    return lstm.fit(panel, seed=7)


def _lagged(n_sessions=120, n_securities=20):
    """Outcomes that follow the feature of three sessions before, and nothing else."""
    rng = np.random.default_rng(5)
    signal = rng.normal(size=(n_sessions, n_securities))
    label = np.full(signal.shape, np.nan)
    label[3:] = signal[:-3] + 0.3 * rng.normal(size=(n_sessions - 3, n_securities))
    dates = pd.bdate_range("2022-01-03", periods=n_sessions)
    return pd.DataFrame(
        {"security_id": np.tile([f"XKRX:{i:06d}" for i in range(n_securities)], n_sessions),
         "session_date": np.repeat(dates, n_securities), "signal": signal.ravel(), "noise_a": rng.normal(size=signal.size),
         "noise_b": rng.normal(size=signal.size), "forward_return_5d": label.ravel()}
    )  # fmt: skip


def test_equal_rows_and_seed_give_equal_bits_in_any_row_order(lstm, panel, fitted):
    assert lstm.fit(panel.sample(frac=1, random_state=3), seed=7) == fitted
    assert lstm.fit(panel, seed=8) != fitted


def test_what_lies_three_sessions_back_is_found_by_a_window_of_four_and_not_by_one_of_three(lstm):
    frame = _lagged()
    early, late = frame[frame["session_date"] < "2022-05-01"], frame["session_date"] >= "2022-05-01"
    found = {}
    for width in (3, 4):
        model = replace(lstm, parameters={**SMALL, "window": width, "n_epochs": 40})
        scores = model.predict(model.fit(early, seed=1), frame, late.to_numpy())
        judged = frame[late]
        daily = session_rank_ic(
            scores, judged["forward_return_5d"], session_days(judged), judged["security_id"].str[:4]
        )
        found[width] = mean_and_standard_error(daily.to_numpy()).mean
    assert found[4] > 0.8
    assert abs(found[3]) < 0.2


def test_a_score_depends_on_its_own_window_alone_bit_for_bit(lstm, panel, fitted):
    whole = lstm.predict(fitted, panel)
    rows = np.zeros(len(panel), dtype=bool)
    rows[[5, 700, 2000, -1]] = True
    np.testing.assert_array_equal(lstm.predict(fitted, panel, rows), whole[rows])
    own = panel["security_id"] == panel["security_id"].iloc[-1]
    np.testing.assert_array_equal(lstm.predict(fitted, panel[own].tail(4))[-1], whole[-1])


def test_later_rows_change_no_score(lstm, panel, fitted):
    cut = panel["session_date"] <= panel["session_date"].median()
    np.testing.assert_array_equal(lstm.predict(fitted, panel[cut]), lstm.predict(fitted, panel)[cut.to_numpy()])


def test_the_leak_court_accuses_it_of_nothing(lstm, panel):
    prepared = prepare("test", panel, lstm.features, lstm.label)
    evaluation = evaluate.walk_forward(lstm, prepared, lstm.parameters, 7, lambda done, total, what: None)
    assert court.tried(lstm, prepared, lstm.parameters, 7, evaluation) == []


def test_a_feature_that_is_null_or_constant_everywhere_changes_nothing_but_its_own_weights(lstm, panel):
    flat = panel.assign(noise_a=3.0, noise_b=np.nan)
    raw = lstm.fit(flat, seed=7)
    assert np.isfinite(lstm.predict(raw, flat)).all()
    shares = lstm.algorithm.importance(raw, lstm.features)
    assert shares["noise_a"] == shares["noise_b"] == 0.0
    assert shares["signal"] == pytest.approx(1.0)


def test_shares_of_the_features_sum_to_one_and_the_signal_leads(lstm, fitted):
    shares = lstm.algorithm.importance(fitted, lstm.features)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert max(shares, key=shares.__getitem__) == "signal"


def test_attributions_add_up_to_what_the_score_is_beyond_that_of_the_means(lstm, panel, fitted):
    from training.lstm_network import Fitted, attributions, scores

    network = Fitted.unpack(fitted)
    rows = np.zeros(len(panel), dtype=bool)
    rows[2000:2010] = True
    numbers = panel[list(lstm.features)]
    windows = Inputs(panel, numbers, rows).windows(4)
    brought = attributions(network, network.scale(windows.values), windows.firsts, windows.places, n_steps=64)
    means = replace(windows, values=np.tile(network.scale.mean, (len(windows.values), 1)))
    np.testing.assert_allclose(brought.sum(axis=(1, 2)), scores(network, windows) - scores(network, means), atol=2e-4)


def test_a_probability_is_one(lstm, panel):
    direction = replace(lstm, target="up", parameters={**SMALL, "loss": "logistic"})
    scores = direction.predict(direction.fit(panel, seed=7), panel)
    assert 0 < scores.min() < scores.max() < 1
    with pytest.raises(Permanent, match="target 'up' are probabilities"):
        replace(lstm, target="up")


def test_it_stops_where_later_sessions_are_met_best(lstm, panel):
    whole = replace(lstm, parameters={**SMALL, "n_epochs": 30, "learning_rate": 0.05})
    told = []
    raw = replace(whole, stopping=Stopping(patience=2)).launched(Launch(told=told.append)).fit(panel, seed=7)
    watched = [one["watched_loss"] for one in told if "watched_loss" in one]
    best = int(np.argmin(watched)) + 1
    assert best + 2 == len(watched) < 30  # two epochs without anything better, and no more
    assert raw == whole.fit(panel, {"n_epochs": best}, seed=7)


def test_the_curve_is_told_epoch_by_epoch(lstm, panel):
    told = []
    lstm.launched(Launch(told=told.append)).fit(panel, seed=7)
    assert [one["epoch"] for one in told] == [1.0, 2.0]
    assert told[1]["train_loss"] < told[0]["train_loss"]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [({"window": 1}, "window 1 is no int in"), ({"loss": "huber"}, "'huber' is none of squared, logistic"),
     ({"n_rounds": 5}, "n_rounds is unknown"), ({"hidden": 0, "batch": 1.5}, "hidden 0 .*batch 1.5")],
)  # fmt: skip
def test_parameters_out_of_range_are_named(lstm, parameters, told):
    with pytest.raises(Permanent, match=told):
        replace(lstm, parameters=parameters)


def _altered(raw, how):
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    if how == "another":
        header["__metadata__"] = {"format": "pt"}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + raw[8 + size :]


@pytest.mark.parametrize("how", ["cut", "empty", "pickle", "another", "words"])
def test_bytes_that_are_none_of_an_lstm_are_refused_and_a_pickle_is_never_opened(lstm, panel, fitted, how, tmp_path):
    import torch

    if how == "pickle":
        torch.save({"weight": torch.zeros(2)}, tmp_path / "a.bin")
    raw = {"cut": fitted[:-50], "empty": b"", "words": b"a model", "another": _altered(fitted, "another")}.get(
        how, (tmp_path / "a.bin").read_bytes() if how == "pickle" else b""
    )
    with pytest.raises(Permanent, match="expected safetensors of an LSTM"):
        lstm.predict(raw, panel)


def test_one_fitted_on_other_features_is_refused(lstm, panel, fitted):
    with pytest.raises(Permanent, match="fitted on"):
        replace(lstm, features=("signal", "noise_a")).predict(fitted, panel)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_refused_with_their_column(lstm, panel, value):
    with pytest.raises(Permanent, match="column noise_a"):
        lstm.fit(panel.assign(noise_a=np.where(panel.index == 3, value, 0.0)))


def test_one_label_only_says_so(lstm, panel):
    with pytest.raises(Permanent, match="at least two different values"):
        lstm.fit(panel.assign(forward_return_5d=1.0))
