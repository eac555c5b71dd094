"""Models that walk or filter the graph of visitors and items."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import svds

from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders.additive import ItemToItem, saturated
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.userknn import nearest_of_product

BLOCK = 20_000_000


class RP3Beta(ItemToItem):
    """
    Random walks of three steps: visitor → item → another visitor → item.

    P3α (Cooper et al., WWW 2014) raises the probability of each step to ``alpha``; RP3β
    (Paudel et al., TiiS 2017) divides by the popularity of where the walk ends to the power
    ``beta``, so that the shelf does not fill with bestsellers.
    """

    def __init__(
        self,
        n_neighbours: int = 400,
        alpha: float = 0.6,
        beta: float = 0.4,
        half_life_days: float | None = None,
        history: str = "log",
    ) -> None:
        self.n_neighbours = n_neighbours
        self.alpha = alpha
        self.beta = beta
        self.half_life_days = half_life_days
        self.history = history

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        seen = saturated(interactions.matrix(), "once")
        of_item = np.maximum(np.bincount(seen.indices, minlength=interactions.n_columns), 1.0)
        of_visitor = np.maximum(np.diff(seen.indptr), 1.0)
        to_visitor = csr_array(diags_array(of_item**-self.alpha) @ seen.T, dtype=np.float32)
        to_item = diags_array(of_visitor**-self.alpha) @ seen @ diags_array(of_item**-self.beta)
        to_item = csr_array(to_item, dtype=np.float32)
        self.weights_ = nearest_of_product(to_visitor, to_item, self.n_neighbours)
        self.n_items_ = np.array(interactions.n_columns)
        return self


class GraphFilter(Recommender):
    """
    A low-pass filter on the graph: keeps what neighbours agree on, drops what is noise.

    GF-CF (Shen et al., CIKM 2021): a history passes a linear filter, the normalised
    visitor–item–visitor step, plus ``ideal`` times an ideal filter, the ``n_factors`` smoothest
    components. No training; on many public sets it equals graph networks.
    """

    graph_: csr_array
    by_item_: csr_array
    smooth_: Float32
    scale_: Float32

    def __init__(self, n_factors: int = 256, ideal: float = 0.3) -> None:
        self.n_factors = n_factors
        self.ideal = ideal

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        seen = saturated(interactions.matrix(), "once")
        n_rows, n = seen.shape
        of_item = np.maximum(np.bincount(seen.indices, minlength=n), 1.0)
        of_visitor = np.maximum(np.diff(seen.indptr), 1.0)
        graph = diags_array(of_visitor**-0.5) @ seen @ diags_array(of_item**-0.5)
        self.graph_ = csr_array(graph, dtype=np.float32)
        self.by_item_ = csr_array(self.graph_.T)
        rank = min(self.n_factors, n_rows - 1, n - 1)
        if rank > 0 and self.graph_.nnz:
            start = (rng or np.random.default_rng(0)).standard_normal(min(n_rows, n))
            _, _, vectors = svds(self.graph_, k=rank, v0=start.astype(np.float32))
            self.smooth_ = np.ascontiguousarray(vectors.T, dtype=np.float32)
        else:
            self.smooth_ = np.zeros((n, 0), dtype=np.float32)
        self.scale_ = np.sqrt(of_item).astype(np.float32)
        self.n_items_ = np.array(n)
        return self

    def score(self, histories: Histories) -> Float32:
        history = saturated(histories.matrix(self.n_items), "once")
        scores = np.empty((len(histories), self.n_items), dtype=np.float32)
        step = max(BLOCK // max(self.graph_.shape[0], 1), 1)
        for start in range(0, len(histories), step):
            rows = history[start : start + step]
            linear = ((rows @ self.by_item_) @ self.graph_).toarray()
            smooth = (rows @ (self.smooth_ / self.scale_[:, None])) @ self.smooth_.T
            scores[start : start + step] = linear + self.ideal * smooth * self.scale_
        return scores
