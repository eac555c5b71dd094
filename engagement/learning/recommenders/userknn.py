"""Neighbours between visitors, and a one-sided similarity between items."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, vstack

from engagement.learning.interactions import DAY, Float32, Histories, Interactions
from engagement.learning.recommenders.additive import ItemToItem, products, saturated, times
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.sequence import keep_largest
from engagement.learning.recommenders.spoken import Spoken, added_up

Nearest = tuple[NDArray[np.int64], NDArray[np.float64]]
SELF = 1 - 1e-5  # The same history as the visitor's own: the visitor, or one who knows no more.
# Likenesses that are held at once, of 8 bytes each.
BLOCK = 8_000_000
# Visitors that are looked at for one history: who shares the rarest of its items comes first. Only
# logs of millions reach it; there the best seller alone would name a tenth of all visitors.
LOOKED_AT = 200_000


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
    # What models of one taste have in common.
    OF_TASTE = ("weight_", "visitors_of_item_")

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
        found_in = np.bincount(saturated(interactions.matrix(), "once").indices, minlength=n)
        idf = np.log1p(interactions.n_rows / (1 + found_in)) if self.weight_items else np.ones(n)
        self.weight_ = idf.astype(np.float32)
        profiles = interactions.matrix(decay(interactions, self.half_life_days))
        self.visitors_of_item_ = csr_array(self._unit(profiles).T)
        return self._fit_words(interactions)

    # -- several windows, one search ----------------------------------------------------------
    @property
    def taste(self) -> tuple[Any, ...]:
        """What decides who is a neighbour: models that are equal in it find the same ones."""
        return type(self), self.n_neighbours, self.half_life_days, self.weight_items

    def fit_beside(self, other: UserKNN, interactions: Interactions) -> Self:
        """Learn as :meth:`fit` does; ``other``, of the same taste, has learnt the same data."""
        self.weight_, self.visitors_of_item_ = other.weight_, other.visitors_of_item_
        return self._fit_words(interactions)

    def _fit_words(self, interactions: Interactions) -> Self:
        """Learn what neighbours recommend: what they met lately."""
        seen = interactions
        if self.recent_days is not None and len(interactions):
            age = interactions.moments.max() - interactions.moments
            seen = interactions.select(age <= self.recent_days * DAY)
        met = saturated(seen.matrix(), "once")
        if self.damping:
            every = saturated(interactions.matrix(), "once")
            found_in = np.bincount(every.indices, minlength=interactions.n_columns)
            met = csr_array(met @ diags_array(np.maximum(found_in, 1.0) ** -self.damping))
        self.items_of_visitor_ = csr_array(met, dtype=np.float32)
        self.n_items_ = np.array(interactions.n_columns)
        return self

    def _unit(self, profiles: csr_array) -> csr_array:
        """Weigh the items and bring each row to length 1, touching only what a row holds."""
        values = profiles.data * self.weight_[profiles.indices]
        rows = np.repeat(np.arange(profiles.shape[0]), np.diff(profiles.indptr))
        norms = np.sqrt(np.bincount(rows, values.astype(np.float64) ** 2, profiles.shape[0]))
        values = (values / np.maximum(norms, 1e-12)[rows]).astype(np.float32)
        return csr_array((values, profiles.indices, profiles.indptr), shape=profiles.shape)

    def score(self, histories: Histories) -> Float32:
        return self.said_by(self.neighbours(histories))

    def neighbours(self, histories: Histories) -> csr_array | Nearest:
        """
        Return histories × visitors: the likeness of the nearest ones.

        Of a single history, only those visitors and their likeness: for a row, building a sparse
        matrix takes longer than all else.
        """
        if len(histories) == 1:
            return self._neighbours_of_one(histories)
        profiles = self._unit(histories.matrix(self.n_items, half_life_days=self.half_life_days))
        profiles = self._rarest(profiles)
        n_visitors = self.visitors_of_item_.shape[1]
        parts = [csr_array((0, n_visitors), dtype=np.float32)]
        # No history can have more likenesses than its items have visitors.
        met_by = np.diff(self.visitors_of_item_.indptr)[profiles.indices].astype(np.float64)
        most = np.concatenate([[0.0], np.cumsum(met_by)])[profiles.indptr]
        runs = np.floor(most[1:] / BLOCK)
        starts = np.flatnonzero(np.diff(runs, prepend=-1.0))
        for start, end in pairwise([*starts.tolist(), profiles.shape[0]]):
            parts.append(_nearest(profiles[start:end] @ self.visitors_of_item_, self.n_neighbours))
        return csr_array(vstack(parts, format="csr"))

    def _rarest(self, profiles: csr_array) -> csr_array:
        """Return ``profiles`` without the items that would bring too many visitors to look at."""
        met_by = np.diff(self.visitors_of_item_.indptr)[profiles.indices].astype(np.int64)
        if not len(met_by) or met_by.sum() <= LOOKED_AT:
            return profiles
        rows = np.repeat(np.arange(profiles.shape[0]), np.diff(profiles.indptr))
        order = np.lexsort((met_by, rows))
        # The sum of everything before a row's first item is what earlier rows have brought.
        total = np.cumsum(met_by[order])
        before = np.concatenate([[0], total])[profiles.indptr[:-1]][rows]
        kept = np.ones(len(order), dtype=bool)
        spent = total - before
        kept[order] = (spent <= LOOKED_AT) | (spent == met_by[order])
        if kept.all():
            return profiles
        return csr_array(
            (profiles.data[kept], (rows[kept], profiles.indices[kept])), shape=profiles.shape
        )

    def said_by(self, neighbours: csr_array | Nearest) -> Float32:
        """Return the scores: what ``neighbours`` met lately, in proportion to their likeness."""
        if isinstance(neighbours, tuple):
            nearest, likeness = neighbours
            shares = likeness / max(float(likeness.sum()), 1e-9)
            said = times(nearest, shares, self.items_of_visitor_)
            return said.astype(np.float32)[None, :]
        total = np.maximum(np.asarray(neighbours.sum(axis=1)).ravel(), 1e-9)
        said = (neighbours @ self.items_of_visitor_).toarray()
        return np.asarray(said / total[:, None], dtype=np.float32)

    def speak(self, histories: Histories) -> Spoken:
        return self.spoken_by(self._neighbours_of_one(histories))

    def spoken_by(self, neighbours: Nearest) -> Spoken:
        """Return what :meth:`said_by` does for a single history."""
        nearest, likeness = neighbours
        shares = likeness / max(float(likeness.sum()), 1e-9)
        said = products(nearest, shares, self.items_of_visitor_)
        return Spoken.of_entries(*said, self.n_items)

    def _neighbours_of_one(self, histories: Histories) -> Nearest:
        """Touch only the visitors who share an item: this is what a page waits for."""
        columns, amounts = histories.amounts(self.n_items, half_life_days=self.half_life_days)
        profile = amounts * self.weight_[columns]
        profile /= max(float(np.sqrt(profile @ profile)), 1e-12)
        met_by = (self.visitors_of_item_.indptr[columns + 1]).astype(np.int64)
        met_by -= self.visitors_of_item_.indptr[columns]
        if met_by.sum() > LOOKED_AT:
            rarest = np.argsort(met_by, kind="stable")
            n = int(np.searchsorted(np.cumsum(met_by[rarest]), LOOKED_AT, side="right"))
            rarest = rarest[: max(n, 1)]
            columns, profile = columns[rarest], profile[rarest]
        shared = products(columns, profile, self.visitors_of_item_)
        nearest, values = added_up(*shared, self.visitors_of_item_.shape[1])
        kept = values <= SELF
        if np.count_nonzero(kept) > self.n_neighbours:
            values[~kept] = 0
            kept &= values >= np.partition(values, -self.n_neighbours)[-self.n_neighbours]
        return nearest[kept], values[kept]


def _nearest(likeness: csr_array, n: int) -> csr_array:
    """
    Return the ``n`` largest values of each row, and all that equal the least of them.

    What is no visitor but the history itself is left out.
    """
    values = likeness.data
    values[values > SELF] = 0
    kept = values > 0
    for start, end in zip(likeness.indptr[:-1].tolist(), likeness.indptr[1:].tolist(), strict=True):
        if end - start > n:
            row = values[start:end]
            kept[start:end] &= row >= np.partition(row, end - start - n)[end - start - n]
    counts = np.concatenate([[0], np.cumsum(kept)])[likeness.indptr]
    return csr_array((values[kept], likeness.indices[kept], counts), shape=likeness.shape)


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
