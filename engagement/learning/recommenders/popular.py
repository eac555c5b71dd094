from __future__ import annotations

from typing import Self

import numpy as np

from engagement.learning.interactions import DAY, Float32, Histories, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.spoken import Spoken


class MostPopular(Recommender):
    """
    The same for everybody: what most visitors took to lately.

    A visitor counts once an item, with the strongest of his interactions, so that nobody makes a
    best seller alone. ``window_days``: how far back to look from the last moment in the data.
    ``half_life_days``: an interaction this old counts half.
    """

    counts_: Float32

    def __init__(
        self, window_days: float | None = None, half_life_days: float | None = None
    ) -> None:
        self.window_days = window_days
        self.half_life_days = half_life_days
        # Not stored: the counts that it was made of, and the same as an answer.
        self._spoken: tuple[Float32, Spoken] | None = None

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        n = interactions.n_columns
        self.n_items_ = np.asarray(n)
        self.counts_ = np.zeros(n, dtype=np.float32)
        if not len(interactions):
            return self
        age = (interactions.moments.max() - interactions.moments) / DAY
        recent = np.ones(len(age), bool) if self.window_days is None else age < self.window_days
        weights = interactions.weights[recent].astype(np.float64)
        if self.half_life_days is not None:
            weights *= np.exp2(-age[recent] / self.half_life_days)
        pairs = interactions.rows[recent].astype(np.int64) * n + interactions.columns[recent]
        order = np.lexsort((weights, pairs))
        strongest = order[np.flatnonzero(np.diff(pairs[order], append=-1))]
        counts = np.bincount(pairs[strongest] % n, weights=weights[strongest], minlength=n)
        self.counts_ = np.maximum(counts, 0.0).astype(np.float32)
        return self

    def score(self, histories: Histories) -> Float32:
        return np.repeat(self.counts_[None, :], len(histories), axis=0)

    def speak(self, histories: Histories) -> Spoken:
        if self._spoken is None or self._spoken[0] is not self.counts_:
            self._spoken = self.counts_, Spoken.for_ever(self.counts_)
        return self._spoken[1]
