"""
A regression for each arm that learns from all the others what visitors do anyway.

The weights of arm k are θₖ = c + wₖ: what all arms have in common, and what is its own. Normal
priors on both make it a hierarchical regression (Lindley and Smith, 1972): an arm that was hardly
shown is believed to be like the others, one that was shown often goes its own way. How far arms
differ, feature by feature, is learnt as well, by expectation and maximisation (empirical Bayes:
Dempster, Rubin and Tsutakawa, 1981): features that make no difference stop costing exploration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engagement.learning.bandits.base import Float64

# Arms that the first guess of how far arms differ is worth: few arms tell little about it.
PRIOR_ARMS = 4.0
LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Belief:
    """
    ``weights``: mean of each arm's weights, arms × features; ``covariances``: of what is its own,
    arms × features × features; ``common``, ``doubt``: mean and covariance of what all share.
    """

    weights: Float64
    covariances: Float64
    common: Float64
    doubt: Float64


def believe(grams: Float64, moments: Float64, spread: Float64, common_spread: Float64) -> Belief:
    """
    Return what Σxxᵀ and Σxr of each arm say, in units of the noise.

    ``spread``: variance between arms of each weight, ``common_spread``: of what they share; 0 where
    nothing is shared.
    """
    width = len(spread)
    precision = 1 / spread
    covariances = np.linalg.inv(grams + np.diag(precision)).astype(np.float64, copy=False)
    own = np.einsum("kij,kj->ki", covariances, moments)
    if not common_spread.any():
        return Belief(own, covariances, np.zeros(width), np.zeros((width, width)))
    # What an arm tells of c, its own part integrated out: Λ − ΛΣΛ and ΛΣb.
    told = len(grams) * np.diag(precision)
    told -= precision[:, None] * covariances.sum(axis=0) * precision
    doubt = np.linalg.inv(told + np.diag(1 / common_spread)).astype(np.float64, copy=False)
    common = doubt @ (precision * own.sum(axis=0))
    weights = own + covariances @ (precision * common)
    return Belief(weights, covariances, common, doubt)


def spread_of(belief: Belief, spread: Float64, start: Float64, *, noise: float) -> Float64:
    """
    Return the variance between arms of each weight: one step towards the likeliest.

    ``start``: the first guess. The last weight is the constant, which has a spread of its own; the
    others shrink towards what they have in common.
    """
    n_arms = len(belief.weights)
    shared = np.eye(len(spread)) - belief.covariances / spread
    doubt = np.einsum("kij,jl,kil->ki", shared, belief.doubt, shared)
    variances = np.einsum("kii->ki", belief.covariances) + doubt
    squares = ((belief.weights - belief.common) ** 2 / noise + variances).sum(axis=0)
    found = np.empty_like(spread)
    found[-1] = (PRIOR_ARMS * start[-1] + squares[-1]) / (PRIOR_ARMS + n_arms)
    slopes = squares[:-1]
    if len(slopes):
        level = (PRIOR_ARMS * start[0] + slopes.sum()) / (PRIOR_ARMS + n_arms * len(slopes))
        found[:-1] = (PRIOR_ARMS * level + slopes) / (PRIOR_ARMS + n_arms)
    return np.maximum(found, LEAST_SPREAD)


def add(
    grams: Float64,
    moments: Float64,
    rows: Float64,
    arms: np.ndarray,
    weights: Float64,
    targets: Float64,
) -> None:
    """Add Σ weight·xxᵀ and Σ weight·x·target of the decisions to those of their arms, in place."""
    weighted = rows * weights[:, None]
    for arm in np.unique(arms):
        own = arms == arm
        grams[arm] += weighted[own].T @ rows[own]
        moments[arm] += weighted[own].T @ targets[own]


def variances_along(rows: Float64, covariances: Float64) -> Float64:
    """Return xᵀΣx of each row and each arm's symmetric Σ: contexts × arms."""
    n_arms, width = covariances.shape[:2]
    half = (rows @ covariances.reshape(n_arms * width, width).T).reshape(-1, n_arms, width)
    return np.asarray(np.maximum(np.einsum("nkw,nw->nk", half, rows), 0.0))


def with_constant(contexts: Float64) -> Float64:
    return np.concatenate([contexts, np.ones((len(contexts), 1))], axis=1)
