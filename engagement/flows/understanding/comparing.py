"""How good classifiers are on texts that none of them has seen, and which one is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.sentiment.base import N_CLASSES
from engagement.learning.sentiment.calibration import (
    expected_calibration_error,
    reliability,
)

RESAMPLES = 1000
BINS = 10
MACRO_F1 = "macro_f1"

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Answers:
    """
    What one model said about the held-out texts: probabilities (n × 3) and decided classes (n).
    """

    proba: NDArray[np.float64]
    classes: Ints
    seconds: float = 0.0

    def measured(self, truth: Ints, rng: np.random.Generator) -> dict[str, float]:
        """Return macro-F1 with its 95 % interval, accuracy and expected calibration error."""
        low, high = interval(self.classes, truth, rng)
        hits = float((self.classes == truth).mean()) if len(truth) else 0.0
        return {
            MACRO_F1: round(macro_f1(self.classes, truth), 6),
            f"{MACRO_F1}_low": round(low, 6),
            f"{MACRO_F1}_high": round(high, 6),
            "accuracy": round(hits, 6),
            "calibration_error": round(expected_calibration_error(self.proba, truth, BINS), 6),
            "fit_seconds": round(self.seconds, 3),
        }

    def curve(self, truth: Ints) -> dict[str, list[float | None]]:
        """Return the reliability curve as JSON; bins without a text are None."""
        drawn = reliability(self.proba, truth, BINS)
        return {
            "edges": [round(float(edge), 3) for edge in drawn.edges],
            "confidence": [_finite(value) for value in drawn.confidence],
            "accuracy": [_finite(value) for value in drawn.accuracy],
            "counts": [int(n) for n in drawn.counts],
        }


def _finite(value: Any) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def joined(answers: list[Answers], rows: list[Ints], n: int) -> Answers:
    """Return the answers about parts of ``n`` texts as one; ``rows`` say which texts they are."""
    proba = np.zeros((n, N_CLASSES))
    classes = np.zeros(n, dtype=np.int64)
    for one, where in zip(answers, rows, strict=True):
        proba[where], classes[where] = one.proba, one.classes
    return Answers(proba, classes, sum(one.seconds for one in answers))


def macro_f1(guesses: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean F1 of the classes that occur among ``truth``; 0 without texts."""
    return float(_macro_f1(_confusion(np.asarray(guesses), np.asarray(truth))))


def _confusion(guesses: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
    cells = np.bincount(truth * N_CLASSES + guesses, minlength=N_CLASSES * N_CLASSES)
    return cells.astype(np.float64)


def _macro_f1(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return macro-F1 of confusion counts, shape (…, 9) → (…)."""
    table = cells.reshape(*cells.shape[:-1], N_CLASSES, N_CLASSES)
    hits = np.diagonal(table, axis1=-2, axis2=-1)
    there = table.sum(axis=-1)
    both = there + table.sum(axis=-2)
    f1 = np.divide(2 * hits, both, out=np.zeros_like(hits), where=both > 0)
    known = there > 0
    total = np.where(known, f1, 0.0).sum(axis=-1)
    mean: NDArray[np.float64] = total / np.maximum(known.sum(axis=-1), 1)
    return mean


def interval(guesses: Ints, truth: Ints, rng: np.random.Generator) -> tuple[float, float]:
    """Return between which bounds macro-F1 lies in 95 of 100 draws of as many texts."""
    if not len(truth):
        return 0.0, 0.0
    cells = _confusion(guesses, truth)
    drawn = rng.multinomial(len(truth), cells / cells.sum(), size=RESAMPLES)
    low, high = np.quantile(_macro_f1(drawn.astype(np.float64)), [0.025, 0.975])
    return float(low), float(high)


def gain(new: Ints, old: Ints, truth: Ints, rng: np.random.Generator) -> tuple[float, float, float]:
    """
    Return by how much macro-F1 of ``new`` is above that of ``old``: mean, lower and upper bound.

    Both answered the same texts, which are drawn anew together: what makes a text hard for both
    cancels out.
    """
    if not len(truth):
        return 0.0, 0.0, 0.0
    n = N_CLASSES
    joint = np.bincount((truth * n + new) * n + old, minlength=n**3).astype(np.float64)
    drawn = rng.multinomial(len(truth), joint / joint.sum(), size=RESAMPLES).reshape(-1, n, n, n)
    of_new = drawn.sum(axis=3).reshape(RESAMPLES, n * n).astype(np.float64)
    of_old = drawn.sum(axis=2).reshape(RESAMPLES, n * n).astype(np.float64)
    low, high = np.quantile(_macro_f1(of_new) - _macro_f1(of_old), [0.025, 0.975])
    return macro_f1(new, truth) - macro_f1(old, truth), float(low), float(high)
