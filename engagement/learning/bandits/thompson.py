"""Thompson sampling of rewards that are yes or no, whatever the context."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from engagement.learning.bandits.base import (
    Explanation,
    Float64,
    Int64,
    Mask,
    Policy,
    State,
    check_discount,
    check_share,
    explained_by_means,
    of_one_length,
)
from engagement.learning.bandits.best import best_of_betas


class BetaThompson(Policy):
    """
    Beta–Bernoulli Thompson sampling (Thompson, 1933; Chapelle and Li, NIPS 2011), context ignored.

    Rewards lie between 0 and 1; parts of 1 count as parts of a success. With ``discount`` below 1
    each decision makes all earlier ones count that much less, down to the prior (Raj and Kalyani,
    2017): for tastes that drift.
    """

    takes_money = False

    def __init__(
        self, wins: float = 1.0, losses: float = 1.0, discount: float = 1.0, floor: float = 0.0
    ) -> None:
        if min(wins, losses) <= 0:
            raise ValueError("wins and losses of the prior must be above 0")
        check_discount(discount)
        check_share(floor=floor)
        self.wins = wins
        self.losses = losses
        self.discount = discount
        self.floor = floor

    def start(self, n_arms: int, n_features: int = 0) -> State:
        return {"pulls": np.zeros(n_arms), "sums": np.zeros(n_arms)}

    def wanted(self, state: State, contexts: Float64, allowed: Mask) -> Float64:
        wins = self.wins + state["sums"]
        losses = self.losses + state["pulls"] - state["sums"]
        kinds, which = np.unique(allowed, axis=0, return_inverse=True)
        found = np.stack([best_of_betas(wins, losses, kind) for kind in kinds])
        return np.asarray(found[which.ravel()])

    def update(
        self, state: State, contexts: ArrayLike, arms: ArrayLike, rewards: ArrayLike
    ) -> State:
        _, numbers, gained = of_one_length(contexts, arms, rewards, self.n_arms(state))
        if len(gained) and not 0 <= gained.min() <= gained.max() <= 1:
            raise ValueError("rewards: a Beta belief takes numbers from 0 to 1")
        return add_up(state, numbers, gained, self.discount)

    def explain(self, state: State, context: ArrayLike) -> Explanation:
        wins = self.wins + state["sums"]
        return explained_by_means(context, wins / (self.wins + self.losses + state["pulls"]))


def add_up(state: State, arms: Int64, rewards: Float64, discount: float) -> State:
    """Return the state with discounted counts and sums of rewards an arm."""
    n_arms, n = len(state["pulls"]), len(arms)
    weights = np.power(discount, np.arange(n)[::-1])
    faded = discount**n
    pulls = state["pulls"] * faded + np.bincount(arms, weights, n_arms)
    sums = state["sums"] * faded + np.bincount(arms, weights * rewards, n_arms)
    return {**state, "pulls": pulls, "sums": sums}
