"""Factorisation with features of items and visitors, through LightFM: an optional part."""

from __future__ import annotations

import importlib.util
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array, csr_matrix, diags_array, eye_array, hstack

from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders.additive import saturated
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.rankers import MissingExtra
from engagement.learning.recommenders.ranking import from_zero

# A word on fewer items tells next to nothing; one on most items tells nothing.
MIN_ITEMS_OF_A_WORD = 3
MAX_SHARE_OF_A_WORD = 0.5


def _lightfm() -> Any:
    if importlib.util.find_spec("lightfm") is None:
        raise MissingExtra("lightfm", "hybrid")
    import lightfm

    return lightfm.LightFM


class HybridFactors(Recommender):
    """
    Hybrid matrix factorisation (LightFM: Kula, CBRecSys 2015), fitted by ``lightfm``.

    An item is the sum of the vectors of itself, its category and the words of its title, so that
    one which nobody has touched still has a place. A visitor is the sum of an own vector and of
    the categories in the history. The own vector is never stored: a ridge regression from the
    items met to the vectors learnt gives it for any history, of known and unknown visitors alike.
    Serving is NumPy and needs no ``lightfm``.

    ``loss``: "warp" (top of the list), "bpr", "logistic". ``item_alpha``, ``visitor_alpha``: L2
    penalties on the features' vectors.
    """

    items_: Float32
    bias_: Float32
    tastes_: Float32
    own_: Float32
    categories_: csr_array

    def __init__(
        self,
        n_factors: int = 64,
        loss: str = "warp",
        n_iterations: int = 30,
        learning_rate: float = 0.05,
        item_alpha: float = 1e-5,
        visitor_alpha: float = 1e-5,
        half_life_days: float | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.loss = loss
        self.n_iterations = n_iterations
        self.learning_rate = learning_rate
        self.item_alpha = item_alpha
        self.visitor_alpha = visitor_alpha
        self.half_life_days = half_life_days

    def fit(
        self,
        interactions: Interactions,
        *,
        rng: np.random.Generator | None = None,
        catalogue: Catalogue | None = None,
    ) -> Self:
        model_class = _lightfm()
        rng = rng or np.random.default_rng(0)
        n = interactions.n_columns
        self.n_items_ = np.asarray(n)
        self.categories_ = _categories(catalogue, n)
        items = _item_features(catalogue, self.categories_, n)
        seen = csr_array(saturated(interactions.matrix(), "once"))
        if not seen.nnz:
            self._know_nothing()
            return self
        histories = interactions.histories(np.arange(interactions.n_rows))
        shares = self._shares(histories)
        visitors = csr_array(hstack([eye_array(interactions.n_rows, format="csr"), shares]))
        model = model_class(
            no_components=self.n_factors,
            loss=self.loss,
            learning_rate=self.learning_rate,
            item_alpha=self.item_alpha,
            user_alpha=self.visitor_alpha,
            random_state=int(rng.integers(2**31)),
        )
        model.fit(
            csr_matrix(seen).tocoo(),
            user_features=_for_lightfm(visitors),
            item_features=_for_lightfm(items),
            epochs=self.n_iterations,
            num_threads=1,
        )
        self.items_ = np.asarray(items @ model.item_embeddings, dtype=np.float32)
        self.bias_ = np.asarray(items @ model.item_biases, dtype=np.float32)
        self.tastes_ = np.asarray(model.user_embeddings[interactions.n_rows :], dtype=np.float32)
        own = model.user_embeddings[: interactions.n_rows].astype(np.float64)
        met = self._met(histories).astype(np.float64)
        ridge = 1e-3 * np.trace(met.T @ met) / self.n_factors * np.eye(self.n_factors)
        self.own_ = np.linalg.solve(met.T @ met + ridge, met.T @ own).astype(np.float32)
        return self

    def score(self, histories: Histories) -> Float32:
        visitors = self._met(histories) @ self.own_
        if self.tastes_.size:
            visitors += self._shares(histories) @ self.tastes_
        scores = visitors @ self.items_.T + self.bias_
        return from_zero(scores, np.diff(histories.matrix(self.n_items).indptr) > 0)

    def _history(self, histories: Histories) -> csr_array:
        """Return histories × items, the weights of each history summing to 1."""
        history = histories.matrix(self.n_items, half_life_days=self.half_life_days)
        history = csr_array(saturated(history, "log"))
        total = np.maximum(np.asarray(history.sum(axis=1)).ravel(), 1e-12)
        return csr_array(diags_array(1 / total) @ history, dtype=np.float32)

    def _met(self, histories: Histories) -> Float32:
        return np.asarray(self._history(histories) @ self.items_, dtype=np.float32)

    def _shares(self, histories: Histories) -> csr_array:
        return csr_array(self._history(histories) @ self.categories_, dtype=np.float32)

    def _know_nothing(self) -> None:
        self.items_ = np.zeros((self.n_items, self.n_factors), dtype=np.float32)
        self.bias_ = np.zeros(self.n_items, dtype=np.float32)
        self.tastes_ = np.zeros((self.categories_.shape[1], self.n_factors), dtype=np.float32)
        self.own_ = np.zeros((self.n_factors, self.n_factors), dtype=np.float32)


def _for_lightfm(matrix: csr_array) -> csr_matrix:
    """Return the matrix with the 32-bit indices that LightFM's compiled part takes."""
    indices, indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return csr_matrix((matrix.data.astype(np.float32), indices, indptr), shape=matrix.shape)


def _categories(catalogue: Catalogue | None, n: int) -> csr_array:
    """Return items × categories: 1 where the item is in the category."""
    numbers = None if catalogue is None else catalogue.categories
    if numbers is None or not n:
        return csr_array((n, 0), dtype=np.float32)
    inside = np.flatnonzero(numbers >= 0)
    width = int(numbers.max(initial=-1)) + 1
    ones = np.ones(len(inside), dtype=np.float32)
    return csr_array((ones, (inside, numbers[inside])), shape=(n, width))


def _item_features(catalogue: Catalogue | None, categories: csr_array, n: int) -> csr_array:
    """Return items × (itself, category, words); the words of an item share a weight of 1."""
    parts = [eye_array(n, format="csr", dtype=np.float32), categories]
    if catalogue is not None and catalogue.texts is not None and n:
        words = csr_array(catalogue.texts)
        uses = np.bincount(words.indices, minlength=words.shape[1])
        told = (uses >= MIN_ITEMS_OF_A_WORD) & (uses <= max(MAX_SHARE_OF_A_WORD * n, 1))
        words = csr_array(words[:, np.flatnonzero(told)])
        total = np.maximum(np.asarray(words.sum(axis=1)).ravel(), 1e-12)
        parts.append(csr_array(diags_array(1 / total) @ words))
    return csr_array(hstack(parts), dtype=np.float32)
