"""Probabilities that mean what they say."""

import numpy as np
import pytest

from engagement.learning.sentiment.calibration import (
    Calibrator,
    best_weights,
    expected_calibration_error,
    macro_f1,
    reliability,
    softmax,
)


@pytest.fixture(scope="module")
def bold():
    """Logits five times too bold, and what was true."""
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(6_000, 3)) + np.array([0, -1, 1])
    truth = np.array([rng.choice(3, p=p) for p in softmax(logits)])
    return logits * 5, truth


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_bold_answers_are_made_honest(bold, method):
    logits, truth = bold
    before = expected_calibration_error(softmax(logits), truth)
    calibrator = Calibrator(method).fit(logits[:3_000], truth[:3_000])
    proba = calibrator.apply(logits[3_000:])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert before > 0.15
    assert expected_calibration_error(proba, truth[3_000:]) < 0.05


def test_too_few_texts_change_nothing(bold):
    logits, truth = bold
    calibrator = Calibrator(min_texts=30).fit(logits[:10], truth[:10])
    np.testing.assert_allclose(calibrator.apply(logits[:5]), softmax(logits[:5]))


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="method"):
        Calibrator("magic")


def test_the_error_of_a_hand_made_example():
    proba = np.array([[0.9, 0.1, 0], [0.9, 0.1, 0], [0.3, 0.6, 0.1], [0.3, 0.6, 0.1]])
    # Sure of 90 % and right once of two; sure of 60 % and right both times.
    assert expected_calibration_error(proba, [0, 1, 1, 1]) == pytest.approx((0.4 + 0.4) / 2)
    curve = reliability(proba, [0, 1, 1, 1])
    assert curve.counts.sum() == 4
    assert curve.counts[8] == 2
    assert curve.accuracy[8] == 0.5
    assert np.isnan(curve.accuracy[0])
    assert expected_calibration_error(np.empty((0, 3)), []) == 0


def test_rare_classes_are_decided_for_sooner_where_that_makes_a_better_f1():
    rng = np.random.default_rng(5)
    truth = (rng.random(3_000) < 0.9).astype(int) * 2
    logit = rng.normal(size=3_000) + np.where(truth == 2, 1, -1) + 2.2
    share = 1 / (1 + np.exp(-logit))
    proba = np.c_[1 - share, np.zeros(3_000), share]
    weights = best_weights(proba, truth)
    assert weights[2] < 1
    after, before = (proba * weights).argmax(axis=1), proba.argmax(axis=1)
    assert macro_f1(after, truth) > macro_f1(before, truth)
