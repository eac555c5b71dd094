"""Matrix factorisation through ``implicit``: an optional part."""

from __future__ import annotations

import importlib.util
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders.additive import saturated
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.rankers import MissingExtra


def _implicit() -> Any:
    if importlib.util.find_spec("implicit") is None:
        raise MissingExtra("implicit", "factors")
    from implicit.cpu import als, bpr

    return als, bpr


class IALS(Recommender):
    """
    Implicit alternating least squares (Hu, Koren, Volinsky, ICDM 2008), fitted by ``implicit``.

    A visitor is folded in from the history alone, in NumPy: whoever came after the training is
    served like anybody else, and serving needs no ``implicit``. ``alpha``: what an interaction
    weighs against something never met; ``regularization`` as in ``implicit``.
    """

    items_: Float32
    gram_: NDArray[np.float64]

    def __init__(
        self,
        n_factors: int = 64,
        alpha: float = 1.0,
        regularization: float = 0.05,
        n_iterations: int = 15,
        half_life_days: float | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.alpha = alpha
        self.regularization = regularization
        self.n_iterations = n_iterations
        self.half_life_days = half_life_days

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        als, _ = _implicit()
        rng = rng or np.random.default_rng(0)
        n = interactions.n_columns
        seen = csr_matrix(saturated(interactions.matrix(), "once"))
        if seen.nnz:
            model = als.AlternatingLeastSquares(
                factors=self.n_factors,
                alpha=self.alpha,
                regularization=self.regularization,
                iterations=self.n_iterations,
                num_threads=1,
                random_state=int(rng.integers(2**31)),
            )
            model.fit(seen, show_progress=False)
            self.items_ = np.asarray(model.item_factors, dtype=np.float32)
        else:
            self.items_ = np.zeros((n, self.n_factors), dtype=np.float32)
        self.gram_ = self.items_.astype(np.float64).T @ self.items_
        self.n_items_ = np.array(n)
        return self

    def score(self, histories: Histories) -> Float32:
        history = saturated(
            histories.matrix(self.n_items, half_life_days=self.half_life_days), "once"
        )
        ridge = self.regularization * np.eye(self.n_factors)
        visitors = np.zeros((len(histories), self.n_factors), dtype=np.float32)
        for i in range(len(histories)):
            first, last = history.indptr[i], history.indptr[i + 1]
            if first == last:
                continue
            met = self.items_[history.indices[first:last]].astype(np.float64)
            trust = self.alpha * history.data[first:last].astype(np.float64)
            # As ``implicit`` has it: confidence alpha·r for what was met, 1 for everything else.
            left = self.gram_ + met.T @ (met * (trust - 1)[:, None]) + ridge
            visitors[i] = np.linalg.solve(left, met.T @ trust)
        return visitors @ self.items_.T


class BPR(Recommender):
    """
    Bayesian personalised ranking (Rendle et al., UAI 2009), fitted by ``implicit``.

    A visitor is the mean of the items met, as in asymmetric factor models (Paterek, 2007), so that
    visitors unknown at training time are served too.
    """

    items_: Float32
    bias_: Float32

    def __init__(
        self,
        n_factors: int = 64,
        learning_rate: float = 0.05,
        regularization: float = 0.01,
        n_iterations: int = 100,
        half_life_days: float | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.n_iterations = n_iterations
        self.half_life_days = half_life_days

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        _, bpr = _implicit()
        rng = rng or np.random.default_rng(0)
        seen = csr_matrix(saturated(interactions.matrix(), "once"))
        factors = np.zeros((interactions.n_columns, self.n_factors + 1), dtype=np.float32)
        if seen.nnz:
            model = bpr.BayesianPersonalizedRanking(
                factors=self.n_factors,
                learning_rate=self.learning_rate,
                regularization=self.regularization,
                iterations=self.n_iterations,
                num_threads=1,
                random_state=int(rng.integers(2**31)),
            )
            model.fit(seen, show_progress=False)
            factors = np.asarray(model.item_factors, dtype=np.float32)
        self.items_ = np.ascontiguousarray(factors[:, :-1])
        self.bias_ = np.ascontiguousarray(factors[:, -1])
        self.n_items_ = np.array(interactions.n_columns)
        return self

    def score(self, histories: Histories) -> Float32:
        history = saturated(
            histories.matrix(self.n_items, half_life_days=self.half_life_days), "log"
        )
        total = np.maximum(np.asarray(history.sum(axis=1)), 1e-9)
        visitors = (history @ self.items_) / total[:, None]
        known = np.diff(history.indptr) > 0
        scores = visitors @ self.items_.T + self.bias_ * known[:, None]
        return np.asarray(scores, dtype=np.float32)
