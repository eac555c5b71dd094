"""Lines between classes over any features, calibrated on folds: what most rungs end in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from engagement.learning.sentiment.base import (
    N_CLASSES,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    Float32,
    Labels,
    frequencies,
)
from engagement.learning.sentiment.calibration import Calibrator, best_weights, softmax
from engagement.learning.storable import Storable

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

# Weighed rows are longer than 1 where they matter: they need less strength.
RATIO_STRENGTH = 0.2
MIN_FOR_RATIOS = 2_000  # With fewer rows the ratios are chance, and what is stacked on them loses.
# Lines that start from what was known need less strength. Their classes are weighed only where that
# gains more macro-F1 on the held-out texts than this over the root of their number: less is chance.
KNOWN_STRENGTH = 0.3
KNOWN_MARGIN = 0.3
IMPOSSIBLE = -30.0  # The logit of a class that the labels never showed.
# The class of each number of stars; none given is of no class.
CLASS_OF_STARS = np.array([-1, NEGATIVE, NEGATIVE, NEUTRAL, POSITIVE, POSITIVE])
MIN_OF_A_GRADE = 30  # Fewer texts of one number of stars are no grade of their own.


def part(arrays: dict[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays stored under ``name-``, without that."""
    prefix = f"{name}-"
    return {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}


def log_count_ratios(rows: Any, mine: NDArray[np.bool_]) -> NDArray[np.float32]:
    """
    Return how unevenly the rows that are ``mine`` and the others share each feature, shape
    (features,): the absolute logarithm of the ratio of their smoothed shares, of mean square 1.
    """
    held = csr_array(rows) > 0
    counts = [1.0 + np.asarray(held[kind].sum(axis=0)).ravel() for kind in (mine, ~mine)]
    own, others = (count / count.sum() for count in counts)
    ratios = np.abs(np.log(own / others))
    weights: NDArray[np.float32] = (ratios / max(np.sqrt((ratios**2).mean()), 1e-9)).astype(
        np.float32
    )
    return weights


class Grades(NamedTuple):
    """Finer labels, numbered from 0, shape (texts,), and the class of each number."""

    numbers: Labels
    classes: Labels


def graded(numbers: Labels, stars: ArrayLike | None) -> Grades | None:
    """
    Return the stars as grades within the classes ``numbers``; None where they tell no more.

    ``stars``, shape (texts,), 1 to 5, or 0 where none are known. A text without, or whose class is
    another one than its stars stand for, counts as the most frequent grade of its class.
    """
    if stars is None:
        return None
    given = np.asarray(stars, dtype=np.int64)
    if given.shape != numbers.shape or ((given < 0) | (given > 5)).any():
        raise ValueError(f"stars must be {len(numbers)} numbers from 1 to 5, or 0")
    found = np.zeros(len(numbers), dtype=np.int64)
    classes: list[int] = []
    for number in np.unique(numbers):
        mine = numbers == number
        counts = np.bincount(given[mine & (CLASS_OF_STARS[given] == number)], minlength=6)
        kept = [star for star in range(1, 6) if counts[star] >= MIN_OF_A_GRADE]
        if len(kept) < 2:
            kept = [0]
        usual = max(kept, key=lambda star: int(counts[star]))
        found[mine] = len(classes) + kept.index(usual)
        for place, star in enumerate(kept):
            found[mine & (given == star)] = len(classes) + place
        classes += [int(number)] * len(kept)
    if len(classes) == len(np.unique(numbers)):
        return None
    return Grades(found, np.array(classes, dtype=np.int64))


class Head(Storable):
    """
    Logistic regression on feature rows (dense or CSR), with calibrated probabilities.

    ``strength``: inverse regularisation, scikit-learn's ``C``. ``balanced``: whether rare classes
    count as much as frequent ones while the lines are drawn; calibration puts their shares right
    afterwards. ``ratios``: draw each line a second time over features weighed by how unevenly the
    classes share them (log-count ratios, Wang & Manning 2012) and take the mean of both, which is a
    line again; for sparse rows of counts only, and from ``MIN_FOR_RATIOS`` of them on.
    ``calibration``: see :class:`.calibration.Calibrator`, learnt on ``folds`` parts of the
    texts, each judged by lines that have not seen it.
    """

    coef_: NDArray[np.float32]
    intercept_: NDArray[np.float64]
    #: The class of each line: one line a class, unless there are grades.
    classes_: Labels
    present_: Labels
    decision_weights_: NDArray[np.float64]

    def __init__(
        self,
        strength: float = 10.0,
        balanced: bool = True,
        calibration: str = "platt",
        folds: int = 4,
        ratios: bool = False,
    ) -> None:
        self.strength = strength
        self.balanced = balanced
        self.calibration = calibration
        self.folds = folds
        self.ratios = ratios
        self._twice = False
        self._start: NDArray[np.float64] | None = None
        self.classes_ = np.arange(N_CLASSES)
        self._calibrator = Calibrator(calibration)

    def fit(
        self,
        rows: Any,
        numbers: Labels,
        rng: np.random.Generator,
        start: NDArray[np.float64] | None = None,
        shares: NDArray[np.float64] | None = None,
        stars: ArrayLike | None = None,
    ) -> Self:
        """
        Draw and calibrate the lines. ``start``, shape (3, features): weights that hold until the
        labels say otherwise; what is kept small is how far the lines move from these, not from
        nothing (dense rows only). ``shares``, shape (3,): how frequent the classes are where the
        rows that are given were chosen for rare ones; probabilities are calibrated for these.
        ``stars``: what :func:`graded` takes; a line is then drawn for each grade instead of each
        class, whose probability is that of its grades together.
        """
        self._start = start
        present, counts = np.unique(numbers, return_counts=True)
        self._forget(present)
        self._twice = self.ratios and len(numbers) >= MIN_FOR_RATIOS
        grades = None if self._twice or start is not None else graded(numbers, stars)
        if len(present) < 2 or not rows.shape[1]:
            self.coef_ = np.zeros((N_CLASSES, rows.shape[1]), dtype=np.float32)
            self.intercept_ = np.log(frequencies(numbers))
            self.present_ = present[:1]
            return self
        with threadpool_limits(1):
            if grades is not None:
                self.classes_ = grades.classes
            lines = numbers if grades is None else grades.numbers
            held_out = self._held_out_logits(rows, lines, int(counts.min()), rng)
            self.coef_, self.intercept_ = self._draw(rows, lines)
        if held_out is not None:
            some = like(numbers, shares, rng)
            self._calibrate(held_out[some], numbers[some])
        return self

    def take(
        self,
        coef: NDArray[Any],
        intercept: NDArray[Any],
        held_out: NDArray[Any],
        numbers: Labels,
        present: Labels,
    ) -> Self:
        """
        Use lines drawn elsewhere between the classes that were ``present``, calibrated on logits
        ``held_out`` of texts that they have not seen, of classes ``numbers``.
        """
        self._start = None
        self._forget(present)
        self.coef_ = np.asarray(coef, dtype=np.float32)
        self.intercept_ = np.asarray(intercept, dtype=np.float64)
        self._calibrate(held_out, numbers)
        return self

    def _forget(self, present: Labels) -> None:
        self.classes_ = np.arange(N_CLASSES)
        self.present_ = present
        self.decision_weights_ = np.ones(N_CLASSES)
        self._calibrator = Calibrator(self.calibration)
        self._calibrator.fit(np.empty((0, max(len(present), 1))), np.empty(0))

    def _calibrate(self, held_out: NDArray[Any], numbers: Labels) -> None:
        places = np.searchsorted(self.present_, numbers)
        self._calibrator.fit(held_out[:, self.present_], places)
        proba = np.zeros((len(numbers), N_CLASSES))
        proba[:, self.present_] = self._calibrator.apply(held_out[:, self.present_])
        margin = 0.0 if self._start is None else KNOWN_MARGIN / np.sqrt(len(numbers))
        self.decision_weights_ = best_weights(proba, numbers, margin=margin)

    def _draw(self, rows: Any, numbers: Labels) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """
        Return weights (classes or grades × features) and shifts; classes without labels are
        impossible.
        """
        from sklearn.linear_model import LogisticRegression

        if self._twice:
            return self._draw_twice(rows, numbers)
        if self._start is not None:
            strength = self.strength * KNOWN_STRENGTH
            return _drawn_from(self._start, np.asarray(rows), numbers, strength)
        line = LogisticRegression(
            C=self.strength,
            class_weight="balanced" if self.balanced else None,
            max_iter=400,
        ).fit(rows, numbers)
        n_lines = len(self.classes_)
        coef = np.zeros((n_lines, rows.shape[1]), dtype=np.float32)
        intercept = np.full(n_lines, IMPOSSIBLE)
        if len(line.classes_) == 2:
            # One line is stored as two halves, so that all else need not know.
            coef[line.classes_] = np.concatenate([-line.coef_, line.coef_]) / 2
            intercept[line.classes_] = np.concatenate([-line.intercept_, line.intercept_]) / 2
        else:
            coef[line.classes_] = line.coef_
            intercept[line.classes_] = line.intercept_
        return coef, intercept

    def _draw_twice(self, rows: Any, numbers: Labels) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """The same, each class against the others."""
        coef = np.zeros((N_CLASSES, rows.shape[1]), dtype=np.float32)
        intercept = np.full(N_CLASSES, IMPOSSIBLE)
        present = np.unique(numbers)
        for number in present[-1:] if len(present) == 2 else present:
            mine = numbers == number
            ratios = log_count_ratios(rows, mine)
            plain = self._line(rows, mine, self.strength)
            weighed = self._line(rows.multiply(ratios), mine, self.strength * RATIO_STRENGTH)
            coef[number] = (plain.coef_[0] + ratios * weighed.coef_[0]) / 2
            intercept[number] = (plain.intercept_[0] + weighed.intercept_[0]) / 2
        if len(present) == 2:
            # One line is stored as two halves, so that all else need not know.
            coef[present] = coef[present[1]] / 2 * np.array([[-1], [1]], dtype=np.float32)
            intercept[present] = intercept[present[1]] / 2 * np.array([-1, 1])
        return coef, intercept

    def _line(self, rows: Any, mine: NDArray[np.bool_], strength: float) -> LogisticRegression:
        # Ten times as quick as the default solver where features are many and rows short.
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(
            C=strength,
            class_weight="balanced" if self.balanced else None,
            solver="liblinear",
            dual=True,
            tol=1e-2,
            max_iter=400,
            random_state=0,
        ).fit(csr_matrix(rows), mine)

    def _held_out_logits(
        self, rows: Any, numbers: Labels, n_rarest: int, rng: np.random.Generator
    ) -> NDArray[np.float64] | None:
        from sklearn.model_selection import StratifiedKFold

        n_folds = min(self.folds, n_rarest)
        if n_folds < 2:
            return None
        seed = int(rng.integers(2**31))
        logits = np.zeros((len(numbers), N_CLASSES))
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
        for known, asked in folds.split(numbers, numbers):
            coef, intercept = self._draw(rows[known], numbers[known])
            logits[asked] = self._of_classes(rows[asked] @ coef.T + intercept)
        return logits

    def _of_classes(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logits of the classes, shape (rows, 3), from those of the lines."""
        found = np.full((len(logits), N_CLASSES), IMPOSSIBLE)
        for number in np.unique(self.classes_):
            found[:, number] = np.logaddexp.reduce(logits[:, self.classes_ == number], axis=1)
        return found

    # -- answering --------------------------------------------------------------------------
    def predict_logits(self, rows: Any) -> NDArray[np.float64]:
        if not self.coef_.shape[1]:
            # Learnt from no rows at all: nobody knew how wide they would be.
            return np.tile(self.intercept_, (rows.shape[0], 1))
        return self._of_classes(rows @ self.coef_.T + self.intercept_)

    def predict_proba(self, rows: Any) -> Float32:
        logits = self.predict_logits(rows)
        if len(self.present_) < 2:
            return np.asarray(np.exp(logits), dtype=np.float32)
        proba = np.zeros(logits.shape, dtype=np.float32)
        proba[:, self.present_] = self._calibrator.apply(logits[:, self.present_])
        return proba

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        lines = {f"lines-{name}": a for name, a in self._calibrator.get_arrays().items()}
        return super().get_arrays() | lines

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        super().set_arrays({name: array for name, array in arrays.items() if "-" not in name})
        self._calibrator = Calibrator(self.calibration).set_arrays(part(arrays, "lines"))
        return self


def like(
    numbers: Labels, shares: NDArray[np.float64] | None, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return positions, some of them more than once, of classes as frequent as ``shares``."""
    if shares is None:
        return np.arange(len(numbers))
    counts = np.bincount(numbers, minlength=N_CLASSES)
    weights = shares[numbers] / counts[numbers]
    return rng.choice(len(numbers), size=len(numbers), p=weights / weights.sum())


def _drawn_from(
    start: NDArray[np.float64], rows: NDArray[Any], numbers: Labels, strength: float
) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """
    Return weights (3 × features) and shifts (3) of the logistic regression that is penalised for
    moving away from ``start``: ridge towards a prior mean.
    """
    from scipy.optimize import minimize

    present, places = np.unique(numbers, return_inverse=True)
    known = start[present]
    truth = np.eye(len(present))[places]

    def loss(moved: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, shifts = moved[: known.size].reshape(known.shape), moved[known.size :]
        proba = softmax(rows @ (known + weights).T + shifts)
        likely = np.clip((proba * truth).sum(axis=1), 1e-12, 1)
        wrong = strength * (proba - truth)
        value = (weights**2).sum() / 2 - strength * np.log(likely).sum()
        return float(value), np.r_[(wrong.T @ rows + weights).ravel(), wrong.sum(axis=0)]

    found = minimize(loss, np.zeros(known.size + len(present)), jac=True, method="L-BFGS-B").x
    coef = np.zeros(start.shape, dtype=np.float32)
    intercept = np.full(len(start), IMPOSSIBLE)
    coef[present] = known + found[: known.size].reshape(known.shape)
    intercept[present] = found[known.size :]
    return coef, intercept
