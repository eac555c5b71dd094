"""Neighbours between visitors, and a one-sided similarity between items."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from engagement.learning.interactions import DAY, Float32, Histories, Interactions
from engagement.learning.recommenders.additive import ItemToItem, saturated
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.sequence import keep_largest
from engagement.learning.recommenders.sessions import slices

SELF = 1 - 1e-5  # The same history as the visitor's own: the visitor, or one who knows no more.
BLOCK = 20_000_000


def decay(interactions: Interactions, half_life_days: float | None) -> Float32:
    """Return weights that halve with each half-life of age, counted from the last moment."""
    if half_life_days is None or not len(interactions):
        return interactions.weights
    age = (interactions.moments.max() - interactions.moments) / (half_life_days * DAY)
    return np.asarray(interactions.weights * np.exp2(-age), dtype=np.float32)


class UserKNN(Recommender):
    """
    What visitors with a similar history met, lately.

    Cosine between histories with rare items weighing more (idf), the ``n_neighbours`` nearest
    speak in proportion to their similarity (Herlocker et al., SIGIR 1999). ``half_life_days``
    ages the histories that are compared; only what neighbours met in the last ``recent_days`` is
    recommended, so that taste finds the neighbours and the season picks the items.
    ``weight_items`` False leaves the idf out; ``damping`` raises item popularity to a negative
    power in what neighbours say.
    """

    weight_: Float32
    visitors_of_item_: csr_array
    items_of_visitor_: csr_array

    def __init__(
        self,
        n_neighbours: int = 100,
        half_life_days: float | None = None,
        recent_days: float | None = None,
        weight_items: bool = True,
        damping: float = 0.0,
    ) -> None:
        self.n_neighbours = n_neighbours
        self.half_life_days = half_life_days
        self.recent_days = recent_days
        self.weight_items = weight_items
        self.damping = damping

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        n = interactions.n_columns
        seen = saturated(interactions.matrix(), "once")
        found_in = np.bincount(seen.indices, minlength=n)
        idf = np.log1p(interactions.n_rows / (1 + found_in)) if self.weight_items else np.ones(n)
        self.weight_ = idf.astype(np.float32)
        profiles = interactions.matrix(decay(interactions, self.half_life_days))
        self.visitors_of_item_ = csr_array(self._unit(profiles).T)
        if self.recent_days is not None and len(interactions):
            age = interactions.moments.max() - interactions.moments
            seen = saturated(interactions.select(age <= self.recent_days * DAY).matrix(), "once")
        if self.damping:
            power = np.maximum(found_in, 1.0) ** -self.damping
            seen = csr_array(seen @ diags_array(power), dtype=np.float32)
        self.items_of_visitor_ = csr_array(seen, dtype=np.float32)
        self.n_items_ = np.array(n)
        return self

    def _unit(self, profiles: csr_array) -> csr_array:
        weighted = profiles @ diags_array(self.weight_)
        norms = np.sqrt(np.asarray((weighted * weighted).sum(axis=1)).ravel())
        return csr_array(diags_array(1 / np.maximum(norms, 1e-12)) @ weighted, dtype=np.float32)

    def score(self, histories: Histories) -> Float32:
        profiles = self._unit(histories.matrix(self.n_items, half_life_days=self.half_life_days))
        if len(histories) == 1:
            return self._score_one(profiles)
        scores = np.zeros((len(histories), self.n_items), dtype=np.float32)
        step = max(BLOCK // max(self.visitors_of_item_.shape[1], 1), 1)
        for start in range(0, len(histories), step):
            likeness = (profiles[start : start + step] @ self.visitors_of_item_).toarray()
            likeness[likeness > SELF] = 0
            if self.n_neighbours < likeness.shape[1]:
                least = np.partition(likeness, -self.n_neighbours, axis=1)[:, -self.n_neighbours]
                likeness[likeness < least[:, None]] = 0
            total = np.maximum(likeness.sum(axis=1), 1e-9)
            said = (csr_array(likeness) @ self.items_of_visitor_).toarray()
            scores[start : start + step] = said / total[:, None]
        return scores

    def _score_one(self, profile: csr_array) -> Float32:
        """Touch only the visitors who share an item: this is what a page waits for."""
        likeness = _one_times(profile.indices, profile.data, self.visitors_of_item_)
        likeness[likeness > SELF] = 0
        nearest = np.flatnonzero(likeness)
        if len(nearest) > self.n_neighbours:
            least = np.partition(likeness[nearest], -self.n_neighbours)[-self.n_neighbours]
            nearest = nearest[likeness[nearest] >= least]
        said = _one_times(nearest, likeness[nearest], self.items_of_visitor_)
        total = max(likeness[nearest].sum(), 1e-9)
        return np.asarray(said / total, dtype=np.float32)[None, :]


def _one_times(columns: NDArray[Any], values: NDArray[Any], matrix: csr_array) -> NDArray[Any]:
    """Return a sparse row times ``matrix``, dense, without the overhead of a sparse product."""
    starts = matrix.indptr[columns].astype(np.int64)
    lengths = matrix.indptr[columns + 1] - starts
    taken = slices(starts, lengths)
    weights = matrix.data[taken] * np.repeat(values, lengths)
    return np.bincount(matrix.indices[taken], weights, minlength=matrix.shape[1])


class AsymmetricKNN(ItemToItem):
    """
    Items that those who met this one also met, with a similarity that may look one way.

    Asymmetric cosine (Aiolli, RecSys 2013, winner of the Million Song challenge):
    common / (visitors of the known item ^ ``alpha`` · visitors of the candidate ^ (1 − ``alpha``)),
    raised to ``sharpness`` so that the nearest few count most. ``alpha`` .5 is the cosine.
    """

    def __init__(
        self,
        n_neighbours: int = 200,
        alpha: float = 0.5,
        sharpness: float = 1.0,
        half_life_days: float | None = None,
        history: str = "log",
    ) -> None:
        self.n_neighbours = n_neighbours
        self.alpha = alpha
        self.sharpness = sharpness
        self.half_life_days = half_life_days
        self.history = history

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        seen = saturated(interactions.matrix(), "once")
        found_in = np.maximum(np.bincount(seen.indices, minlength=interactions.n_columns), 1)
        known = csr_array(diags_array(found_in**-self.alpha) @ seen.T, dtype=np.float32)
        candidate = csr_array(seen @ diags_array(found_in ** (self.alpha - 1.0)), dtype=np.float32)
        self.weights_ = nearest_of_product(known, candidate, self.n_neighbours)
        self.weights_.data **= self.sharpness
        self.n_items_ = np.array(interactions.n_columns)
        return self


def nearest_of_product(left: csr_array, right: csr_array, n: int, step: int = 1000) -> csr_array:
    """Return ``left @ right`` without its diagonal, the ``n`` largest of each row, by blocks."""
    parts = []
    for start in range(0, left.shape[0], step):
        block = csr_array(left[start : start + step] @ right)
        rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        block.data[block.indices == rows + start] = 0
        block.eliminate_zeros()
        parts.append(keep_largest(block, n))
    shape = (left.shape[0], right.shape[1])
    data = np.concatenate([p.data for p in parts]) if parts else np.empty(0, np.float32)
    indices = np.concatenate([p.indices for p in parts]) if parts else np.empty(0, np.int32)
    lengths = np.concatenate([np.diff(p.indptr) for p in parts]) if parts else np.empty(0, int)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return csr_array((data.astype(np.float32), indices, indptr), shape=shape)
