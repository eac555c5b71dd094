"""Probabilities that mean what they say: of all texts given 70 %, seven in ten are so."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.storable import Storable

Float64 = NDArray[np.float64]
TINY = 1e-7


def softmax(logits: ArrayLike) -> Float64:
    """Return probabilities of each row of ``logits``; rows sum to 1."""
    rows = np.asarray(logits, dtype=np.float64)
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    shares: Float64 = powers / powers.sum(axis=1, keepdims=True)
    return shares


def logs(proba: ArrayLike) -> Float64:
    """Return the logarithms of probabilities, those of nothing kept finite."""
    clipped: Float64 = np.log(np.clip(np.asarray(proba, dtype=np.float64), TINY, 1.0))
    return clipped


class Calibrator(Storable):
    """
    Maps the logits of a model to calibrated probabilities, learnt on texts it has not seen.

    ``method``: ``"temperature"``, one number that makes all probabilities bolder or more careful
    (Guo et al. 2017) and never changes which class is likeliest; ``"platt"``, a slope and a shift
    a class (vector scaling), which also repairs shifted class shares; ``"isotonic"``, one monotone
    step function a class (Zadrozny & Elkan 2002), for more than a few thousand texts. Fewer than
    ``min_texts`` texts, and nothing is changed.
    """

    slopes_: Float64
    shifts_: Float64
    steps_x_: Float64
    steps_y_: Float64

    def __init__(self, method: str = "platt", min_texts: int = 30) -> None:
        if method not in {"temperature", "platt", "isotonic"}:
            raise ValueError(f"method must be temperature, platt or isotonic, not {method!r}")
        self.method = method
        self.min_texts = min_texts

    def fit(self, logits: ArrayLike, labels: ArrayLike) -> Self:
        """Learn from logits, shape (texts, classes), and class numbers."""
        rows = np.asarray(logits, dtype=np.float64)
        numbers = np.asarray(labels, dtype=np.int64)
        n_classes = rows.shape[1]
        self.slopes_, self.shifts_ = np.ones(n_classes), np.zeros(n_classes)
        self.steps_x_ = self.steps_y_ = np.empty((n_classes, 0))
        if len(rows) < self.min_texts or len(np.unique(numbers)) < 2:
            return self
        if self.method == "isotonic":
            self._fit_steps(softmax(rows), numbers)
        else:
            self._fit_lines(rows, numbers)
        return self

    def _fit_lines(self, rows: Float64, numbers: NDArray[np.int64]) -> None:
        from scipy.optimize import minimize

        n_classes = rows.shape[1]
        truth = np.eye(n_classes)[numbers]
        shared = self.method == "temperature"
        # Classes that a slope has seen too little of stay near where the others are.
        penalty = 1.0 / len(rows)

        def loss(parameters: Float64) -> tuple[float, Float64]:
            slopes = np.full(n_classes, parameters[0]) if shared else parameters[:n_classes]
            shifts = np.zeros(n_classes) if shared else parameters[n_classes:]
            proba = softmax(rows * slopes + shifts)
            value = -np.log(np.clip((proba * truth).sum(axis=1), TINY, 1)).mean()
            value += penalty * (((slopes - 1) ** 2).sum() + (shifts**2).sum())
            wrong = (proba - truth) / len(rows)
            by_slope = (wrong * rows).sum(axis=0) + 2 * penalty * (slopes - 1)
            if shared:
                return float(value), np.array([by_slope.sum()])
            by_shift = wrong.sum(axis=0) + 2 * penalty * shifts
            return float(value), np.concatenate([by_slope, by_shift])

        start = np.ones(1) if shared else np.r_[np.ones(n_classes), np.zeros(n_classes)]
        lower = np.full(len(start), -20.0)
        lower[: 1 if shared else n_classes] = 0.01  # A slope below zero would turn a class around.
        found = minimize(
            loss, start, jac=True, method="L-BFGS-B", bounds=[(low, 20.0) for low in lower]
        ).x
        self.slopes_ = np.full(n_classes, found[0]) if shared else found[:n_classes]
        self.shifts_ = np.zeros(n_classes) if shared else found[n_classes:]

    def _fit_steps(self, proba: Float64, numbers: NDArray[np.int64]) -> None:
        from sklearn.isotonic import IsotonicRegression

        n_classes = proba.shape[1]
        curves = []
        for column in range(n_classes):
            isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
            isotonic.fit(proba[:, column], numbers == column)
            curves.append((isotonic.X_thresholds_, isotonic.y_thresholds_))
        width = max(len(x) for x, _ in curves)
        self.steps_x_ = np.array([np.pad(x, (0, width - len(x)), "edge") for x, _ in curves])
        self.steps_y_ = np.array([np.pad(y, (0, width - len(y)), "edge") for _, y in curves])

    def apply(self, logits: ArrayLike) -> Float64:
        """Return calibrated probabilities; rows sum to 1."""
        rows = np.asarray(logits, dtype=np.float64)
        if not self.steps_x_.shape[1]:
            return softmax(rows * self.slopes_ + self.shifts_)
        proba = softmax(rows)
        columns = [
            np.interp(proba[:, c], self.steps_x_[c], self.steps_y_[c])
            for c in range(proba.shape[1])
        ]
        stepped = np.clip(np.stack(columns, axis=1), TINY, 1.0)
        shares: Float64 = stepped / stepped.sum(axis=1, keepdims=True)
        return shares


class Reliability(NamedTuple):
    """
    The reliability curve: texts sorted into equal bins by the probability of the likeliest class.

    ``confidence`` and ``accuracy`` are NaN in bins without a text; all arrays have one entry a bin.
    """

    edges: Float64
    confidence: Float64
    accuracy: Float64
    counts: NDArray[np.int64]


def reliability(proba: ArrayLike, labels: ArrayLike, bins: int = 10) -> Reliability:
    rows = np.asarray(proba, dtype=np.float64)
    numbers = np.asarray(labels, dtype=np.int64)
    edges = np.linspace(0, 1, bins + 1)
    confidence = rows.max(axis=1) if len(rows) else np.empty(0)
    right = rows.argmax(axis=1) == numbers if len(rows) else np.empty(0, dtype=bool)
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_confidence = np.bincount(place, confidence, minlength=bins) / counts
        accuracy = np.bincount(place, right.astype(np.float64), minlength=bins) / counts
    return Reliability(edges, mean_confidence, accuracy, counts.astype(np.int64))


def expected_calibration_error(proba: ArrayLike, labels: ArrayLike, bins: int = 10) -> float:
    """
    Return by how much confidence and accuracy differ, averaged over texts (Naeini et al. 2015).

    Equal-width bins by the probability of the likeliest class; 0 without texts.
    """
    curve = reliability(proba, labels, bins)
    if not curve.counts.sum():
        return 0.0
    gaps = np.abs(np.nan_to_num(curve.accuracy - curve.confidence))
    return float((gaps * curve.counts).sum() / curve.counts.sum())


def best_weights(
    proba: ArrayLike, labels: ArrayLike, measure: Any = None, margin: float = 0.0
) -> Float64:
    """
    Return what to multiply the probabilities with so that the likeliest class gives the best
    macro-F1, found by coordinate search on held-out ``proba`` and ``labels``.

    Classes that do not occur among ``labels`` keep 1 and are left out of the measure. All keep 1
    where weights gain no more than ``margin``: with few labels that much is chance.
    """
    rows = np.asarray(proba, dtype=np.float64)
    numbers = np.asarray(labels, dtype=np.int64)
    n_classes = rows.shape[1]
    weights = np.ones(n_classes)
    present = np.unique(numbers)
    if len(present) < 2:
        return weights
    measure = measure or macro_f1
    # Steps below this change fewer decisions than chance does.
    for factors in (np.geomspace(0.25, 4, 17), np.geomspace(0.8, 1.25, 9)):
        for column in present[1:].tolist():
            tried = []
            for factor in factors:
                candidate = weights.copy()
                candidate[column] *= factor
                tried.append(measure((rows * candidate).argmax(axis=1), numbers))
            # The middle of the best factors: the edge of a plateau is luck.
            best = np.flatnonzero(np.asarray(tried) >= max(tried) - 1e-12)
            weights[column] *= factors[best[len(best) // 2]]
    weighed, plain = (measure((rows * w).argmax(axis=1), numbers) for w in (weights, 1.0))
    return weights if not margin or weighed - plain > margin else np.ones(n_classes)


def macro_f1(predicted: ArrayLike, labels: ArrayLike) -> float:
    """Return the mean F1 of the classes that occur among ``labels``."""
    guesses, truth = np.asarray(predicted), np.asarray(labels)
    values = []
    for number in np.unique(truth):
        hits = int(((guesses == number) & (truth == number)).sum())
        values.append(2 * hits / int((guesses == number).sum() + (truth == number).sum()))
    return float(np.mean(values)) if values else 0.0
