"""Rewards that are linear in the context: an upper bound, and Thompson sampling."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from engagement.learning.bandits.base import (
    Explanation,
    Float64,
    Int64,
    Mask,
    State,
    best_of,
    check_discount,
    check_share,
)
from engagement.learning.bandits.best import best_of_normals
from engagement.learning.bandits.hierarchical import HierarchicalPolicy

NOISE_PRIOR = 2.0  # Rewards that the first guess of the noise, 1, is worth.


class LinearPolicy(HierarchicalPolicy):
    """
    A ridge regression for each arm; the noise is learnt, and is the same for all.

    ``ridge``: the first guess of the noise's variance over that of an arm's own weights.
    """

    takes_money = True

    def __init__(
        self,
        width: float = 1.0,
        ridge: float = 1.0,
        pooled: bool = True,
        adaptive: bool = True,
        discount: float = 1.0,
        floor: float = 0.0,
    ) -> None:
        check_discount(discount)
        check_share(floor=floor)
        self.width = width
        self.ridge = ridge
        self.pooled = pooled
        self.adaptive = adaptive
        self.discount = discount
        self.floor = floor

    def spread_at_first(self, width: int) -> Float64:
        return np.full(width, 1 / self.ridge)

    def common_spread(self, width: int) -> Float64:
        # Next to nothing is known of it, in whatever unit rewards are.
        return np.full(width, 100 / self.ridge)

    def start(self, n_arms: int, n_features: int = 0) -> State:
        found = super().start(n_arms, n_features)
        return {**found, "squares": np.zeros(n_arms), "noise": np.ones(())}

    def seen_as(
        self, state: State, rows: Float64, arms: Int64, rewards: Float64
    ) -> tuple[Float64, Float64]:
        return np.ones(len(arms)), rewards

    def sums(self) -> tuple[str, ...]:
        return (*super().sums(), "squares")

    def add_up(self, new: State, arms: Int64, rewards: Float64, fresh: Float64) -> None:
        super().add_up(new, arms, rewards, fresh)
        new["squares"] += np.bincount(arms, fresh * rewards**2, len(new["squares"]))

    def noise(self, state: State) -> float:
        return float(state["noise"])

    def learn_noise(self, new: State) -> None:
        # Σ(r − xᵀθ)² of each arm from its sums, with what fitting took away from it (one step of
        # expectation and maximisation), and one variance for all: few rewards tell it.
        weights, grams = new["weights"], new["grams"]
        fitted = np.einsum("ki,kij,kj->", weights, grams, weights)
        left = new["squares"].sum() - 2 * (weights * new["moments"]).sum() + fitted
        free = np.einsum("kij,kji->", new["covariances"], grams)
        told = max(float(left), 0.0) + free * float(new["noise"]) + NOISE_PRIOR
        new["noise"] = np.asarray(told / (new["pulls"].sum() + NOISE_PRIOR))

    def explain(self, state: State, context: ArrayLike) -> Explanation:
        constant, parts = self.parts(state, context)
        return Explanation(constant + parts.sum(axis=1), constant, parts)


class LinUCB(LinearPolicy):
    """
    The arm whose reward could be highest (Li, Chu, Langford and Schapire, WWW 2010).

    ``width``: how many standard deviations above the mean. How far arms differ is not learnt
    unless asked for: while few are known it may be taken for less than it is, and an arm with a bad
    start is then left alone for long (benchmarks/bandits/worlds.py: up to a tenth more regret where
    tastes stay). Where most features tell nothing, as in benchmarks/bandits/hillstrom.py, it pays.
    """

    def __init__(
        self,
        width: float = 1.0,
        ridge: float = 1.0,
        pooled: bool = True,
        adaptive: bool = False,
        discount: float = 1.0,
        floor: float = 0.0,
    ) -> None:
        super().__init__(width, ridge, pooled, adaptive, discount, floor)

    def wanted(self, state: State, contexts: Float64, allowed: Mask) -> Float64:
        means, variances = self.beliefs(state, contexts)
        return best_of(means + self.widths(state) * np.sqrt(state["noise"] * variances), allowed)


class LinearThompson(LinearPolicy):
    """
    Thompson sampling with linear rewards (Agrawal and Goyal, ICML 2013).

    ``width`` scales the standard deviation of the belief.
    """

    def wanted(self, state: State, contexts: Float64, allowed: Mask) -> Float64:
        means, variances = self.beliefs(state, contexts)
        deviations = self.widths(state) * np.sqrt(state["noise"] * variances)
        return best_of_normals(means, deviations, allowed)
