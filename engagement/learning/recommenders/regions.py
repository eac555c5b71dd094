"""Best sellers of the parts of the catalogue that a visitor moves in."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.sparse import csr_array, diags_array

from engagement.learning.interactions import DAY, Float32, Histories, Int32, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.popular import MostPopular

N_DIMENSIONS = 32
N_SAMPLED = 50_000  # Items that regions are found from; the others join the nearest.


class PopularInRegion(Recommender):
    """
    P(item | visitor) = Σ P(region | history) · P(item | region), as recent best sellers have it.

    A region is a category of the shop, or where there are none a cluster of items with like texts,
    or of items that the same visitors met (``regions``: "category", "texts", "visitors"; "auto"
    takes the first that the catalogue allows). ``n_regions``: how many clusters at most.
    ``window_days`` and ``half_life_days``: of the popularity; ``history_half_life_days``: an event
    this old says half as much about where the visitor moves.
    """

    regions_: Int32
    counts_: Float32

    def __init__(
        self,
        regions: str = "auto",
        n_regions: int = 50,
        window_days: float | None = 28,
        half_life_days: float | None = 7,
        history_half_life_days: float | None = 30,
    ) -> None:
        if regions not in ("auto", "category", "texts", "visitors"):
            raise ValueError(f"regions ({regions!r}) is none of auto, category, texts, visitors")
        self.regions = regions
        self.n_regions = n_regions
        self.window_days = window_days
        self.half_life_days = half_life_days
        self.history_half_life_days = history_half_life_days

    def fit(
        self,
        interactions: Interactions,
        *,
        rng: np.random.Generator | None = None,
        catalogue: Catalogue | None = None,
    ) -> Self:
        rng = rng or np.random.default_rng(0)
        self.n_items_ = np.asarray(interactions.n_columns)
        self.regions_ = self._find(interactions, catalogue or Catalogue(), rng)
        popular = MostPopular(window_days=self.window_days, half_life_days=self.half_life_days)
        counts = popular.fit(interactions).counts_
        inside = self.regions_ >= 0
        totals = np.bincount(self.regions_[inside], counts[inside])
        shares = np.zeros(len(counts), dtype=np.float32)
        shares[inside] = counts[inside] / np.maximum(totals[self.regions_[inside]], 1e-12)
        self.counts_ = shares
        return self

    def score(self, histories: Histories) -> Float32:
        known, weights = self._weights(histories)
        n_regions = int(self.regions_.max(initial=-1)) + 1
        moved = csr_array(
            (weights, (histories.rows()[known], self.regions_[histories.columns[known]])),
            shape=(len(histories), n_regions),
        ).toarray()
        scores = np.zeros((len(histories), self.n_items), dtype=np.float32)
        inside = np.flatnonzero(self.regions_ >= 0)
        scores[:, inside] = moved[:, self.regions_[inside]] * self.counts_[inside]
        return scores

    def explain(self, histories: Histories, column: int) -> Float32:
        known, weights = self._weights(histories)
        parts = np.zeros(len(histories.columns), dtype=np.float32)
        if self.regions_[column] >= 0:
            same = self.regions_[histories.columns[known]] == self.regions_[column]
            parts[known] = weights * same * self.counts_[column]
        return parts

    def _weights(self, histories: Histories) -> tuple[Int32, Float32]:
        """Return which events lie in a region, and their weights: 1 in sum for each history."""
        known = np.flatnonzero((histories.columns >= 0) & (histories.columns < self.n_items))
        known = known[self.regions_[histories.columns[known]] >= 0]
        rows = histories.rows()[known]
        weights = np.maximum(histories.weights[known], 0).astype(np.float64)
        if self.history_half_life_days is not None:
            age = np.maximum(histories.now[rows] - histories.moments[known], 0) / DAY
            weights *= np.exp2(-age / self.history_half_life_days)
        totals = np.bincount(rows, weights, len(histories))
        return known.astype(np.int32), (weights / np.maximum(totals[rows], 1e-12)).astype("f4")

    def _find(
        self, interactions: Interactions, catalogue: Catalogue, rng: np.random.Generator
    ) -> Int32:
        if self.regions in ("auto", "category") and catalogue.categories is not None:
            return np.asarray(catalogue.categories, dtype=np.int32)
        if self.regions in ("auto", "texts") and catalogue.texts is not None:
            return _clusters(csr_array(catalogue.texts), self.n_regions, rng)
        if self.regions in ("auto", "visitors"):
            return _clusters(csr_array(interactions.matrix().T), self.n_regions, rng)
        return np.full(interactions.n_columns, -1, dtype=np.int32)


def _clusters(items: csr_array, n_regions: int, rng: np.random.Generator) -> Int32:
    """Return the cluster of each row, by cosine in a space of few dimensions; -1: an empty row."""
    # Imported here: a web process that only scores does without scikit-learn's 60 MB.
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD

    norms = np.sqrt(np.asarray((items * items).sum(axis=1)).ravel())
    regions = np.full(len(norms), -1, dtype=np.int32)
    told = np.flatnonzero(norms > 0)
    n_regions = min(n_regions, len(told))
    n_dimensions = min(N_DIMENSIONS, items.shape[1] - 1, len(told) - 1)
    if n_regions < 1:
        return regions
    if n_regions == 1 or n_dimensions < 1:
        regions[told] = 0
        return regions
    rows = csr_array(diags_array(1 / norms[told]) @ items[told], dtype=np.float32)
    sample = rng.permutation(len(told))[:N_SAMPLED]
    seed = int(rng.integers(2**31))
    space = TruncatedSVD(n_dimensions, random_state=seed).fit(rows[sample])
    vectors = space.transform(rows)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    found = KMeans(n_regions, n_init=3, random_state=seed).fit(vectors[sample])
    regions[told] = found.predict(vectors)
    return regions
