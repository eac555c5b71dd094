from __future__ import annotations

from typing import Self

import numpy as np

from engagement.learning.interactions import (
    DAY,
    Float32,
    Histories,
    Int64,
    Interactions,
    stable_order,
)
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.spoken import Spoken


class RepeatPurchase(Recommender):
    """
    What this visitor will buy again: the own purchases, most alive first. Nothing else scores.

    A purchase fades with a half-life of ``half_life_days`` + ``intervals`` × the item's typical
    re-buy interval: milk that was not bought for a month is given up, washing powder is not. It
    counts by how often the item's buyers come back for it at all, so that a kettle does not
    return. ``prior`` is how many observations the average of all items weighs against an item's
    own: without it an item bought twice by one customer would look like bread.
    """

    half_lives_: Float32
    rates_: Float32

    def __init__(
        self, half_life_days: float = 30.0, intervals: float = 1.0, prior: float = 5.0
    ) -> None:
        self.half_life_days = half_life_days
        self.intervals = intervals
        self.prior = prior

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        n = interactions.n_columns
        self.n_items_ = np.asarray(n)
        columns, gaps, bought = _gaps(interactions)
        again = np.bincount(columns, minlength=n)
        # One imaginary return among two: a shop without any repeat yet still ranks by recency.
        average_rate = (len(gaps) + 1) / (bought.sum() + 2)
        average_gap = gaps.mean() if len(gaps) else self.half_life_days
        rates = (again + self.prior * average_rate) / np.maximum(bought + self.prior, 1e-9)
        total = np.bincount(columns, weights=gaps, minlength=n)
        typical = (total + self.prior * average_gap) / np.maximum(again + self.prior, 1e-9)
        self.rates_ = rates.astype(np.float32)
        self.half_lives_ = (self.half_life_days + self.intervals * typical).astype(np.float32)
        return self

    def score(self, histories: Histories) -> Float32:
        known, amounts = self._amounts(histories)
        if len(histories) == 1:
            met = histories.columns[known]
            return np.bincount(met, amounts, self.n_items).astype(np.float32)[None, :]
        scores = np.zeros((len(histories), self.n_items), dtype=np.float32)
        np.add.at(scores, (histories.rows()[known], histories.columns[known]), amounts)
        return scores

    def speak(self, histories: Histories) -> Spoken:
        known, amounts = self._amounts(histories)
        met = histories.columns[known]
        return Spoken.of_entries(met, amounts, self.n_items)

    def explain(self, histories: Histories, column: int) -> Float32 | None:
        known, amounts = self._amounts(histories)
        contributions = np.zeros(len(histories.columns), dtype=np.float32)
        contributions[known] = amounts
        contributions[histories.columns != column] = 0.0
        return contributions

    def _amounts(self, histories: Histories) -> tuple[np.ndarray, Float32]:
        known = (histories.columns >= 0) & (histories.columns < self.n_items)
        columns = histories.columns[known]
        age = np.maximum(histories.now[histories.rows()[known]] - histories.moments[known], 0) / DAY
        alive = np.exp2(-age / np.maximum(self.half_lives_[columns], 1e-6))
        return known, (histories.weights[known] * alive * self.rates_[columns]).astype(np.float32)


def _gaps(interactions: Interactions) -> tuple[Int64, Int64, Int64]:
    """
    Return the item and length in days of each pause between two purchases of one visitor, and on
    how many days each item was bought by somebody. Purchases of one day are one.
    """
    days = interactions.moments // DAY
    columns = interactions.columns.astype(np.int64)
    pairs = interactions.rows * np.int64(interactions.n_columns) + columns
    order = stable_order(pairs, interactions.moments)
    pairs, columns, days = pairs[order], columns[order], days[order]
    same = pairs[1:] == pairs[:-1]
    later = days[1:] > days[:-1]
    gaps = (days[1:] - days[:-1])[same & later]
    first = np.ones(len(pairs), dtype=bool)
    first[1:] = ~(same & ~later)
    bought = np.bincount(columns[first], minlength=interactions.n_columns)
    return columns[1:][same & later], gaps, bought
