"""Yes-or-no rewards: Bayesian logistic regression and Thompson sampling."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, log_expit

from engagement.learning.bandits.base import (
    Explanation,
    Float64,
    Int64,
    Mask,
    State,
    check_discount,
    check_share,
)
from engagement.learning.bandits.best import best_of_normals
from engagement.learning.bandits.hierarchical import HierarchicalPolicy

# Gauss–Hermite quadrature: the mean of anything under a normal belief.
NODES, MASSES = np.polynomial.hermite_e.hermegauss(24)
LEAST_TOLD = 1e-9


class LogisticThompson(HierarchicalPolicy):
    """
    Thompson sampling with logistic rewards (Chapelle and Li, NIPS 2011), full covariance.

    Each reward teaches what it would teach in the light of the belief at the last look (assumed
    density filtering: Minka, 2001): exact enough, and no pass over old decisions is ever needed.
    Beliefs are about log-odds; what is best in log-odds is best. ``variance``: first guess of that
    between arms' constants, ``slope_variance``: of what a feature changes in favour of one arm
    against the others, which is mostly little. ``width`` scales the standard deviation of the
    belief.
    """

    takes_money = False

    def __init__(
        self,
        width: float = 1.0,
        variance: float = 1.0,
        slope_variance: float = 0.02,
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
        self.pooled = pooled
        self.adaptive = adaptive
        self.discount = discount
        self.floor = floor

    def spread_at_first(self, width: int) -> Float64:
        spread = np.full(width, self.slope_variance)
        spread[-1] = self.variance  # The constant is the last feature.
        return spread

    def common_spread(self, width: int) -> Float64:
        return np.full(width, 25 * self.variance)

    def check(self, rewards: Float64) -> None:
        if not 0 <= rewards.min() <= rewards.max() <= 1:
            raise ValueError("rewards: a logistic belief takes numbers from 0 to 1")

    def seen_as(
        self, state: State, rows: Float64, arms: Int64, rewards: Float64
    ) -> tuple[Float64, Float64]:
        own = np.einsum("nij,nj->ni", state["covariances"][arms], rows)
        shared = own / state["spread"]
        doubt = (own * rows).sum(axis=1) + ((shared @ state["doubt"]) * shared).sum(axis=1)
        return as_linear((rows * state["weights"][arms]).sum(axis=1), doubt, rewards)

    def wanted(self, state: State, contexts: Float64, allowed: Mask) -> Float64:
        means, variances = self.beliefs(state, contexts)
        return best_of_normals(means, self.widths(state) * np.sqrt(variances), allowed)

    def chances(self, state: State, contexts: Float64) -> tuple[Float64, Float64]:
        """Return means and variances of each arm's chance of a reward: contexts × arms."""
        odds, doubt = self.beliefs(state, contexts)
        # The mean of a logistic function under a normal belief (MacKay, 1992).
        means = expit(odds / np.sqrt(1 + np.pi * doubt / 8))
        return means, (means * (1 - means)) ** 2 * doubt

    def explain(self, state: State, context: ArrayLike) -> Explanation:
        constant, parts = self.parts(state, context)
        odds = constant + parts.sum(axis=1)
        return Explanation(expit(odds), constant, parts, scale="log-odds")


def as_linear(means: Float64, variances: Float64, rewards: Float64) -> tuple[Float64, Float64]:
    """
    Return weight and target of the linear observation that teaches what a yes or no teaches.

    A normal belief about log-odds, multiplied with the likelihood of the reward, has a mean and a
    variance; the linear observation leads to the same two (Minka, 2001).
    """
    deviations = np.sqrt(variances)
    odds = means[:, None] + deviations[:, None] * NODES
    yes = rewards[:, None]
    chances = MASSES * np.exp(yes * log_expit(odds) + (1 - yes) * log_expit(-odds))
    chances /= chances.sum(axis=1, keepdims=True)
    moved = chances @ NODES
    left = np.clip((chances * (NODES - moved[:, None]) ** 2).sum(axis=1), 1e-9, 1 - LEAST_TOLD)
    # In units of the belief's deviation: precision after = precision before + what is told.
    told = 1 / left - 1
    return told / variances, means + deviations * moved / (left * told)
