"""Probabilities that mean what they say: the temperature, the table and the error."""

import numpy as np
import pytest

from training.sentiment.calibration import calibration_error, fit_temperature, reliability
from training.sentiment.encoder import probabilities


def test_the_temperature_lowers_the_error_of_the_overconfident(overconfident):
    logits, truth = overconfident
    temperature = fit_temperature(logits[:300], truth[:300])
    before, after = (calibration_error(probabilities(logits[300:], t), truth[300:]) for t in (1.0, temperature))
    assert temperature > 2 and before > 0.25 and after < 0.1


def test_the_temperature_changes_no_label(overconfident):
    logits, _ = overconfident
    assert (probabilities(logits, 3.0).argmax(axis=1) == logits.argmax(axis=1)).all()


def test_few_rows_without_an_error_do_not_mean_certainty():
    truth = np.arange(30) % 3
    said = probabilities(4.0 * np.eye(3)[truth], fit_temperature(4.0 * np.eye(3)[truth], truth))
    assert said.max() < 0.98


def test_the_error_of_a_worked_case():
    said = np.array([[0.95, 0.05, 0.0], [0.95, 0.05, 0.0], [0.0, 0.45, 0.55], [0.0, 0.45, 0.55]])
    truth = np.array([0, 1, 2, 2])  # half right at 0.95, always right at 0.55
    assert calibration_error(said, truth) == pytest.approx((0.45 + 0.45) / 2)
    table = reliability(said, truth)
    assert table["n"].tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert table["right"].dropna().tolist() == [1.0, 0.5]


def test_probabilities_of_large_logits_are_finite():
    assert probabilities([[1e4, 0.0, -1e4]]).tolist() == [[1.0, 0.0, 0.0]]
