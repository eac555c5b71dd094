"""Policies that know only how often each arm was shown and what it brought."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from engagement.learning.bandits.base import (
    Explanation,
    Float64,
    Mask,
    Policy,
    State,
    best_of,
    check_discount,
    check_share,
    explained_by_means,
    of_one_length,
)
from engagement.learning.bandits.thompson import add_up


class CountingPolicy(Policy):
    """What the policies of this module know: pulls and sums of rewards of each arm."""

    discount = 1.0

    def start(self, n_arms: int, n_features: int = 0) -> State:
        return {"pulls": np.zeros(n_arms), "sums": np.zeros(n_arms)}

    def update(
        self, state: State, contexts: ArrayLike, arms: ArrayLike, rewards: ArrayLike
    ) -> State:
        _, numbers, gained = of_one_length(contexts, arms, rewards, self.n_arms(state))
        return add_up(state, numbers, gained, self.discount)

    def explain(self, state: State, context: ArrayLike) -> Explanation:
        """Return the mean of each arm; of one that was never shown, that of all."""
        pulls, sums = state["pulls"], state["sums"]
        common = sums.sum() / max(float(pulls.sum()), 1e-12)
        return explained_by_means(
            context, np.where(pulls > 0, sums / np.maximum(pulls, 1e-12), common)
        )


class Uniform(CountingPolicy):
    """Every allowed arm is as likely as any other: what teaches most, and the baseline."""

    floor = 0.0

    def wanted(self, state: State, contexts: Float64, allowed: Mask) -> Float64:
        return np.asarray(allowed / allowed.sum(axis=1, keepdims=True))


class EpsilonGreedy(CountingPolicy):
    """
    The arm with the best mean so far, but for a share of ``epsilon`` (Sutton and Barto, ch. 2).

    ``epsilon`` is added to ``floor``. An arm that was never shown is tried first.
    """

    def __init__(self, epsilon: float = 0.1, discount: float = 1.0, floor: float = 0.0) -> None:
        check_share(epsilon=epsilon, floor=floor)
        check_discount(discount)
        self.epsilon = epsilon
        self.discount = discount
        self.floor = floor

    def wanted(self, state: State, contexts: Float64, allowed: Mask) -> Float64:
        pulls = state["pulls"]
        means = np.where(pulls > 0, state["sums"] / np.maximum(pulls, 1e-12), np.inf)
        greedy = best_of(np.broadcast_to(np.minimum(means, 1e300), allowed.shape), allowed)
        chance = allowed / allowed.sum(axis=1, keepdims=True)
        return np.asarray((1 - self.epsilon) * greedy + self.epsilon * chance)


class UCB1(CountingPolicy):
    """
    The arm whose mean could be highest (Auer, Cesa-Bianchi and Fischer, 2002).

    ``width`` scales the bound; 1 is the bound of the paper, for rewards between 0 and 1. With
    ``discount`` below 1 it is discounted UCB (Garivier and Moulines, ALT 2011).
    """

    def __init__(self, width: float = 1.0, discount: float = 1.0, floor: float = 0.0) -> None:
        check_discount(discount)
        check_share(floor=floor)
        self.width = width
        self.discount = discount
        self.floor = floor

    def wanted(self, state: State, contexts: Float64, allowed: Mask) -> Float64:
        pulls = np.maximum(state["pulls"], 1e-12)
        bonus = self.width * np.sqrt(2 * np.log(max(pulls.sum(), 1.0)) / pulls)
        bounds = np.where(state["pulls"] > 0, state["sums"] / pulls + bonus, 1e300)
        return best_of(np.broadcast_to(bounds, allowed.shape), allowed)
