"""Rewards in money: mostly nothing, sometimes an order, which may have cost more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from engagement.learning.bandits.base import (
    Explanation,
    Float64,
    Mask,
    Policy,
    State,
    check_discount,
    check_share,
    of_one_length,
)
from engagement.learning.bandits.best import best_of_normals
from engagement.learning.bandits.linear import LinearThompson
from engagement.learning.bandits.logistic import LogisticThompson

ORDERS, AMOUNTS = "orders.", "amounts."


class HurdleThompson(Policy):
    """
    Thompson sampling for money: chance of an order times its amount (hurdle model: Cragg, 1971).

    A mean of amounts that are nearly always zero is known late, and at first seems certain. Whether
    there is an order at all, that is a reward other than 0, is learnt from the context, as
    `LogisticThompson` learns it; the mean amount of an arm's orders shrinks towards that of all
    orders, at first by ``shrinkage`` orders. An amount may be below 0, as the margin is of an order
    whose discount ate it up: an arm that loses money is worth less than one that nobody orders
    from. Belief about the product is normal with its mean and variance.
    """

    is_contextual = True
    takes_money = True

    def __init__(
        self,
        width: float = 1.0,
        variance: float = 1.0,
        slope_variance: float = 0.02,
        shrinkage: float = 20.0,
        pooled: bool = True,
        adaptive: bool = True,
        discount: float = 1.0,
        floor: float = 0.0,
    ) -> None:
        check_discount(discount)
        check_share(floor=floor)
        self.width = width
        self.variance = variance
        self.slope_variance = slope_variance
        self.shrinkage = shrinkage
        self.pooled = pooled
        self.adaptive = adaptive
        self.discount = discount
        self.floor = floor
        self._orders = LogisticThompson(
            1.0, variance, slope_variance, pooled, adaptive, discount, floor
        )
        # Amounts fade with decisions, not with orders: their own discount is applied here.
        self._amounts = LinearThompson(1.0, shrinkage, True, adaptive)

    def n_arms(self, state: State) -> int:
        return len(state[f"{ORDERS}pulls"])

    def start(self, n_arms: int, n_features: int = 0) -> State:
        return joined(self._orders.start(n_arms, n_features), self._amounts.start(n_arms))

    def widen(self, state: State, n_arms: int, n_features: int = 0) -> State:
        orders, amounts = part(state, ORDERS), part(state, AMOUNTS)
        return joined(
            self._orders.widen(orders, n_arms, n_features), self._amounts.widen(amounts, n_arms)
        )

    def worth(self, state: State, contexts: Float64) -> tuple[Float64, Float64]:
        """Return means and variances of what a decision brings: contexts × arms."""
        chances, chances_doubt = self._orders.chances(part(state, ORDERS), contexts)
        amounts = part(state, AMOUNTS)
        means = amounts["weights"][:, 0]
        means_doubt = amounts["noise"] * amounts["covariances"][:, 0, 0]
        variances = (
            chances**2 * means_doubt + means**2 * chances_doubt + chances_doubt * means_doubt
        )
        return chances * means, variances

    def wanted(self, state: State, contexts: Float64, allowed: Mask) -> Float64:
        means, variances = self.worth(state, contexts)
        return best_of_normals(means, self.width * np.sqrt(variances), allowed)

    def update(
        self, state: State, contexts: ArrayLike, arms: ArrayLike, rewards: ArrayLike
    ) -> State:
        rows, numbers, gained = of_one_length(contexts, arms, rewards, self.n_arms(state))
        paid = gained != 0
        orders = self._orders.update(part(state, ORDERS), rows, numbers, paid.astype(np.float64))
        amounts = part(state, AMOUNTS)
        n = int(paid.sum())
        amounts = self._amounts.update(amounts, np.zeros((n, 0)), numbers[paid], gained[paid])
        return joined(orders, amounts)

    def explain(self, state: State, context: ArrayLike) -> Explanation:
        """Return the parts of the log-odds of an order, and the amounts that orders bring."""
        orders = self._orders.explain(part(state, ORDERS), context)
        amounts = part(state, AMOUNTS)["weights"][:, 0].copy()
        return replace(orders, expected=orders.expected * amounts, amounts=amounts)


def joined(orders: State, amounts: State) -> State:
    return {
        **{f"{ORDERS}{name}": array for name, array in orders.items()},
        **{f"{AMOUNTS}{name}": array for name, array in amounts.items()},
    }


def part(state: State, prefix: str) -> State:
    n = len(prefix)
    return {name[n:]: array for name, array in state.items() if name.startswith(prefix)}
