"""The peers as their own users run them, behind our interface: implicit's ALS and BPR, LightFM."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders.base import Recommender

THREADS = 1


class Peer(Recommender):
    """
    A factor model that knows the users it was fitted on by number.

    Which of them is asked is told by the history: it is the user's, in training or with one more
    event behind (the validation item of leave-one-out). Strangers score zero everywhere.
    """

    users_: Float32
    items_: Float32
    bias_: Float32

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        seen = interactions.matrix()
        seen.data[:] = 1.0
        seed = int((rng or np.random.default_rng(0)).integers(2**31))
        self.users_, self.items_, self.bias_ = self.learn(csr_matrix(seen), seed)
        self.n_items_ = np.asarray(interactions.n_columns)
        known = np.unique(interactions.rows)
        parts = _parts(interactions.histories(known))
        self._rows = {part.tobytes(): row for part, row in zip(parts, known, strict=True)}
        return self

    def learn(self, seen: csr_matrix, seed: int) -> tuple[Float32, Float32, Float32]:
        raise NotImplementedError

    def score(self, histories: Histories) -> Float32:
        rows = [self._row(part) for part in _parts(histories)]
        known = np.array([row is not None for row in rows])
        users = self.users_[[row or 0 for row in rows]]
        scores = users @ self.items_.T + self.bias_
        # All of them are ranked, whatever their sign; nothing else is compared.
        scores -= scores.min(axis=1, keepdims=True) - 1e-6
        return np.where(known[:, None], scores, 0.0).astype(np.float32)

    def _row(self, part: NDArray[Any]) -> int | None:
        return self._rows.get(part.tobytes(), self._rows.get(part[:-1].tobytes()))

    def get_options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}


def _parts(histories: Histories) -> Iterable[NDArray[np.int32]]:
    for start, end in pairwise(histories.starts):
        yield histories.columns[start:end].astype(np.int32)


class ImplicitALS(Peer):
    """implicit.als.AlternatingLeastSquares."""

    def __init__(
        self,
        factors: int = 64,
        alpha: float = 1.0,
        regularization: float = 0.05,
        iterations: int = 15,
    ) -> None:
        self.factors, self.alpha = factors, alpha
        self.regularization, self.iterations = regularization, iterations

    def learn(self, seen: csr_matrix, seed: int) -> tuple[Float32, Float32, Float32]:
        from implicit.cpu.als import AlternatingLeastSquares

        model = AlternatingLeastSquares(
            factors=self.factors,
            alpha=self.alpha,
            regularization=self.regularization,
            iterations=self.iterations,
            num_threads=THREADS,
            random_state=seed,
        )
        model.fit(seen, show_progress=False)
        return model.user_factors, model.item_factors, np.zeros(seen.shape[1], np.float32)


class ImplicitBPR(Peer):
    """implicit.bpr.BayesianPersonalizedRanking; its last factor is the item's bias."""

    def __init__(
        self,
        factors: int = 64,
        learning_rate: float = 0.05,
        regularization: float = 0.01,
        iterations: int = 100,
    ) -> None:
        self.factors, self.learning_rate = factors, learning_rate
        self.regularization, self.iterations = regularization, iterations

    def learn(self, seen: csr_matrix, seed: int) -> tuple[Float32, Float32, Float32]:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        model = BayesianPersonalizedRanking(
            factors=self.factors,
            learning_rate=self.learning_rate,
            regularization=self.regularization,
            iterations=self.iterations,
            num_threads=THREADS,
            random_state=seed,
        )
        model.fit(seen, show_progress=False)
        return model.user_factors, model.item_factors, np.zeros(seen.shape[1], np.float32)


class LightFM(Peer):
    """lightfm.LightFM with the WARP loss (``pip install lightfm-next``)."""

    def __init__(
        self,
        no_components: int = 64,
        epochs: int = 20,
        learning_rate: float = 0.05,
        alpha: float = 0.0,
    ) -> None:
        self.no_components, self.epochs = no_components, epochs
        self.learning_rate, self.alpha = learning_rate, alpha

    def learn(self, seen: csr_matrix, seed: int) -> tuple[Float32, Float32, Float32]:
        from lightfm import LightFM as Warp

        model = Warp(
            no_components=self.no_components,
            loss="warp",
            learning_rate=self.learning_rate,
            item_alpha=self.alpha,
            user_alpha=self.alpha,
            random_state=seed % 2**31,
        )
        model.fit(coo_matrix(seen), epochs=self.epochs, num_threads=THREADS)
        bias, items = model.get_item_representations()
        _, users = model.get_user_representations()
        return users, items, bias
