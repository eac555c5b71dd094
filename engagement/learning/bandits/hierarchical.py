"""What contextual policies share: sums of what was seen, and beliefs from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from engagement.learning.bandits.base import (
    Float64,
    Int64,
    Policy,
    State,
    of_one_length,
)
from engagement.learning.bandits.regression import (
    add,
    believe,
    spread_of,
    variances_along,
    with_constant,
)

# Decisions between two looks at how far arms differ: an eighth of what was seen, so that the first
# ones count at once, and no more than this many.
MOST_BETWEEN_LOOKS = 128
# Decisions after which half of the hurry is left: an arm with a bad start is tried in earnest.
TRIALS = 50.0


class HierarchicalPolicy(Policy):
    """
    A regression for each arm on the context and a constant, from sums that never need old rows.

    With ``pooled`` the arms shrink towards what they have in common instead of towards zero: who
    buys at all differs more between visitors than between offers, and every arm learns it from
    all the others. With ``adaptive`` how far arms differ in each weight is learnt, the options of
    the prior being the first guess. With ``discount`` below 1 every decision makes earlier ones
    count that much less, for all arms (D-LinUCB: Russac, Vernade and Cappé, NeurIPS 2019).
    """

    is_contextual = True
    width: float
    pooled: bool
    adaptive: bool
    discount: float

    def spread_at_first(self, width: int) -> Float64:
        """Return the first guess of the variance between arms of each weight, the constant last."""
        raise NotImplementedError

    def common_spread(self, width: int) -> Float64:
        """Return the variance of what arms have in common."""
        raise NotImplementedError

    def seen_as(
        self, state: State, rows: Float64, arms: Int64, rewards: Float64
    ) -> tuple[Float64, Float64]:
        """Return what each reward counts, and as which target of a linear regression."""
        raise NotImplementedError

    def start(self, n_arms: int, n_features: int = 0) -> State:
        width = n_features + 1
        spread = self.spread_at_first(width)
        return {
            "pulls": np.zeros(n_arms),
            "grams": np.zeros((n_arms, width, width)),
            "moments": np.zeros((n_arms, width)),
            "weights": np.zeros((n_arms, width)),
            "covariances": np.repeat(np.diag(spread)[None], n_arms, axis=0),
            "common": np.zeros(width),
            "doubt": np.diag(self.common_spread(width) * self.pooled),
            "spread": spread,
            "seen": np.zeros((), dtype=np.int64),
            "due": np.ones((), dtype=np.int64),
        }

    def update(
        self, state: State, contexts: ArrayLike, arms: ArrayLike, rewards: ArrayLike
    ) -> State:
        rows, numbers, gained = of_one_length(contexts, arms, rewards, self.n_arms(state))
        if not len(numbers):
            return dict(state)
        rows = with_constant(rows)
        if rows.shape[1] != state["moments"].shape[1]:
            raise ValueError(
                f"contexts: {rows.shape[1] - 1} features, not {state['moments'].shape[1] - 1}"
            )
        self.check(gained)
        new = {name: array.copy() for name, array in state.items()}
        start, n = 0, len(numbers)
        while start < n:
            left = int(new["due"] - new["seen"])
            some = slice(start, min(n, start + left))
            start = some.stop
            self._add(new, rows[some], numbers[some], gained[some])
            new["seen"] = new["seen"] + (some.stop - some.start)
            if new["seen"] == new["due"]:
                self._look(new)
        return new

    def check(self, rewards: Float64) -> None:
        """Raise `ValueError` for rewards that the policy cannot learn from."""

    def _add(self, new: State, rows: Float64, arms: Int64, rewards: Float64) -> None:
        n = len(arms)
        fresh = np.power(self.discount, np.arange(n)[::-1])
        counts, targets = self.seen_as(new, rows, arms, rewards)
        if self.discount < 1:
            for name in self.sums():
                new[name] *= self.discount**n
        add(new["grams"], new["moments"], rows, arms, fresh * counts, targets)
        self.add_up(new, arms, rewards, fresh)

    def sums(self) -> tuple[str, ...]:
        """Return the names of what fades with time."""
        return ("pulls", "grams", "moments")

    def add_up(self, new: State, arms: Int64, rewards: Float64, fresh: Float64) -> None:
        new["pulls"] += np.bincount(arms, fresh, len(new["pulls"]))

    def noise(self, state: State) -> float:
        """Return the variance that beliefs are in units of."""
        return 1.0

    def _look(self, new: State) -> None:
        """Believe what the sums say, and learn how far arms differ."""
        spread = new["spread"]
        common_spread = self.common_spread(len(spread)) * self.pooled
        belief = believe(new["grams"], new["moments"], spread, common_spread)
        new["weights"], new["covariances"] = belief.weights, belief.covariances
        new["common"], new["doubt"] = belief.common, belief.doubt
        self.learn_noise(new)
        if self.adaptive:
            first = self.spread_at_first(len(spread))
            new["spread"] = spread_of(belief, spread, first, noise=self.noise(new))
        seen = int(new["seen"])
        new["due"] = np.asarray(seen + min(max(seen // 8, 1), MOST_BETWEEN_LOOKS))

    def learn_noise(self, new: State) -> None:
        """Learn the variance of a reward around what is expected, where the policy needs it."""

    def widen(self, state: State, n_arms: int, n_features: int = 0) -> State:
        """Return the state with new arms at the end, believed to be like the others."""
        new, old = super().widen(state, n_arms, n_features), self.n_arms(state)
        new["weights"][old:] = new["common"]
        new["covariances"][old:] = np.diag(new["spread"])
        return new

    def widths(self, state: State) -> Float64:
        """Return how many standard deviations count for each arm: all of them for a new one."""
        hurry = max(1 - self.width, 0.0)
        return np.asarray(self.width + hurry * TRIALS / (TRIALS + state["pulls"]))

    def beliefs(self, state: State, contexts: Float64) -> tuple[Float64, Float64]:
        """Return means and variances (in units of the noise) of arms' scores: contexts × arms."""
        rows = with_constant(contexts)
        return rows @ state["weights"].T, variances_along(rows, state["covariances"])

    def parts(self, state: State, context: ArrayLike) -> tuple[Float64, Float64]:
        """Return what the constant, and what each feature, adds to each arm's score."""
        row = np.asarray(context, dtype=np.float64).ravel()
        return state["weights"][:, -1].copy(), state["weights"][:, :-1] * row
