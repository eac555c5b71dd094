"""
What a policy would have earned, from what another one showed.

A log holds for every decision the arm that was shown, the probability with which it was, and the
reward. Notation of Dudík, Langford and Li (ICML 2011): w = π(a|x) / μ(a|x).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]

ESTIMATORS = ("ips", "snips", "dm", "dr", "sndr", "switch_dr")
N_RESAMPLED = 1000
N_BLOCKS = 2000


@dataclass(frozen=True)
class Log:
    """
    Decisions as parallel arrays of length n.

    ``arms``: what was shown; ``propensities``: how likely it was, above 0; ``rewards``: what came
    of it. ``visitors`` names whose decision it was: decisions of one visitor are not independent
    and are resampled together; without it each decision stands alone.
    """

    arms: NDArray[np.int64]
    propensities: Float64
    rewards: Float64
    visitors: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n = len(self.arms)
        for name in ("propensities", "rewards", "visitors"):
            array = getattr(self, name)
            if array is not None and len(array) != n:
                raise ValueError(f"{name}: {len(array)} of them for {n} arms")
        if not np.isfinite(self.rewards).all():
            raise ValueError("rewards: not all are finite numbers")
        if n and not (self.propensities > 0).all():
            raise ValueError("propensities: an arm that was shown had a chance above 0")
        if n and self.propensities.max() > 1 + 1e-9:
            raise ValueError("propensities: no chance is above 1")

    def __len__(self) -> int:
        return len(self.arms)


@dataclass(frozen=True)
class Estimate:
    """
    The mean reward a decision, with its interval.

    ``effective_n``: how many decisions of the new policy the log is worth (Kish, 1965): far below
    ``n`` the policies differ too much for the log to tell. ``mean_weight``: about 1, unless the
    new policy shows what the log never did, or the propensities are wrong. ``clipped``: the share
    of decisions whose weight was cut. Where the log says nothing the interval is the whole line.
    ``parts``: what each decision adds; their mean is the value.
    """

    estimator: str
    value: float
    low: float
    high: float
    n: int
    effective_n: float
    max_weight: float
    mean_weight: float
    clipped: float = 0.0
    parts: Float64 = field(repr=False, default_factory=lambda: np.zeros(0))


def importance(log: Log, target: ArrayLike) -> Float64:
    """
    Return w of each decision; ``target``: probabilities of the judged policy, n × arms.

    Raises `ValueError` where rows are no probabilities, or a propensity is too small to divide by.
    """
    chances = np.asarray(target, dtype=np.float64)
    if chances.shape[:1] != (len(log),):
        raise ValueError(f"target: {len(chances)} rows for {len(log)} decisions")
    if not (chances >= 0).all() or not np.allclose(chances.sum(axis=1), 1, atol=1e-6):
        raise ValueError("target: each row holds probabilities that sum to 1")
    with np.errstate(over="ignore"):
        weights = chances[np.arange(len(log)), log.arms] / log.propensities
    if not np.isfinite(weights @ weights):
        raise ValueError("propensities: too small to divide by")
    return np.asarray(weights)


def estimate(
    log: Log,
    target: ArrayLike,
    *,
    estimator: str = "dr",
    predicted: ArrayLike | None = None,
    switch_at: float = 10.0,
    max_weight: float | None = None,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> Estimate:
    """
    Return the value of the policy that would have shown arms with probabilities ``target``.

    ``estimator``: ``ips`` (Horvitz and Thompson, 1952), ``snips`` (self-normalised: Swaminathan and
    Joachims, NIPS 2015), ``dm`` (what the model says), ``dr`` (doubly robust: Dudík, ICML 2011),
    ``sndr``, ``switch_dr`` (the model alone where w is above ``switch_at``: Wang, ICML 2017).
    ``predicted``: rewards that a model expects, n × arms, made without the row itself (see
    :func:`~engagement.learning.evaluation.reward_model.predict_rewards`); all but the first two
    need it. The interval is a percentile bootstrap over visitors; that of ``dm`` knows nothing of
    the model's own error. Raises `ValueError`.
    """
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator: {estimator!r} is none of {', '.join(ESTIMATORS)}")
    if not len(log):
        raise ValueError("log: it holds no decision")
    chances = np.asarray(target, dtype=np.float64)
    weights = importance(log, chances)
    full = weights
    if max_weight is not None:
        weights = np.minimum(weights, max_weight)
    said, top, bottom = _parts(estimator, log, chances, weights, predicted, switch_at)
    found = _told(estimator, log, weights, (said, top, bottom), rng, confidence)
    if max_weight is None:
        return found
    clipped = float((full > weights).mean())
    return replace(
        found, max_weight=float(full.max()), mean_weight=float(full.mean()), clipped=clipped
    )


def as_shown(log: Log, *, rng: np.random.Generator, confidence: float = 0.95) -> Estimate:
    """
    Return what the log's own decisions earned: the mean of its rewards, with its interval.

    Every weight is 1 then, whatever the chances of the arms that were not shown: a log that only
    knows the propensity of the one that was is judged as well. Raises `ValueError`.
    """
    if not len(log):
        raise ValueError("log: it holds no decision")
    nothing, ones = np.zeros(len(log)), np.ones(len(log))
    return _told("ips", log, ones, (nothing, log.rewards, ones), rng, confidence)


def _told(
    estimator: str,
    log: Log,
    weights: Float64,
    parts: tuple[Float64, Float64, Float64],
    rng: np.random.Generator,
    confidence: float,
) -> Estimate:
    said, top, bottom = parts
    ratio = _ratio(top.sum(), bottom.sum())
    squares = float(weights @ weights)
    effective_n = float(weights.sum() ** 2 / squares) if squares else 0.0
    low, high = _interval(said, top, bottom, log.visitors, rng, confidence)
    if estimator != "dm" and effective_n == 0:
        low, high = -np.inf, np.inf
    return Estimate(
        estimator=estimator,
        value=float(said.mean() + ratio),
        low=low,
        high=high,
        n=len(log),
        effective_n=effective_n,
        max_weight=float(weights.max()),
        mean_weight=float(weights.mean()),
        parts=said + ratio + (top - ratio * bottom) / max(float(bottom.mean()), 1e-300),
    )


def _parts(
    estimator: str,
    log: Log,
    chances: Float64,
    weights: Float64,
    predicted: ArrayLike | None,
    switch_at: float,
) -> tuple[Float64, Float64, Float64]:
    """Return what the model says, and numerators and denominators of what is put on top."""
    nothing, ones = np.zeros(len(log)), np.ones(len(log))
    if estimator == "ips":
        return nothing, weights * log.rewards, ones
    if estimator == "snips":
        return nothing, weights * log.rewards, weights
    if predicted is None:
        raise ValueError(f"predicted: {estimator} needs what a model expects of each arm")
    expected = np.asarray(predicted, dtype=np.float64)
    if expected.shape != chances.shape:
        raise ValueError(f"predicted: shape {expected.shape}, not {chances.shape}")
    if not np.isfinite(expected).all():
        raise ValueError("predicted: not all are finite numbers")
    said = (chances * expected).sum(axis=1)
    left = log.rewards - expected[np.arange(len(log)), log.arms]
    if estimator == "dm":
        return said, nothing, ones
    if estimator == "switch_dr":
        return said, np.where(weights <= switch_at, weights, 0.0) * left, ones
    return said, weights * left, weights if estimator == "sndr" else ones


def _ratio(top: float, bottom: float) -> float:
    return float(top / bottom) if bottom > 0 else 0.0


def _interval(
    said: Float64,
    top: Float64,
    bottom: Float64,
    visitors: NDArray[np.int64] | None,
    rng: np.random.Generator,
    confidence: float,
) -> tuple[float, float]:
    group = np.arange(len(top)) if visitors is None else np.unique(visitors, return_inverse=True)[1]
    n = int(group.max()) + 1
    if n < 2:
        return -np.inf, np.inf
    if n > N_BLOCKS:
        # Independent ones in random blocks: the same interval, in a time that does not grow.
        group, n = rng.permutation(np.arange(n) % N_BLOCKS)[group], N_BLOCKS
    model, above, below, size = (
        np.bincount(group, values, n) for values in (said, top, bottom, np.ones(len(top)))
    )
    drawn = rng.integers(n, size=(N_RESAMPLED, n))
    below = below[drawn].sum(axis=1)
    told = below > 0
    edge = (1 - confidence) / 2
    if told.mean() < 1 - edge:
        # A log like this one may hold no decision of the new policy at all.
        return -np.inf, np.inf
    ratios = above[drawn].sum(axis=1)[told] / below[told]
    found = (model[drawn].sum(axis=1) / size[drawn].sum(axis=1))[told] + ratios
    low, high = np.quantile(found, [edge, 1 - edge])
    return float(low), float(high)


def difference(
    new: Estimate, old: Estimate, log: Log, *, rng: np.random.Generator, confidence: float = 0.95
) -> tuple[float, float, float]:
    """
    Return how much more ``new`` earns a decision than ``old``, and the interval of that.

    Both were estimated from ``log``: what a lucky visitor did counts for both, so the difference
    is known better than either.
    """
    if len(new.parts) != len(old.parts) or len(new.parts) != len(log):
        raise ValueError("the estimates are not of this log")
    parts = new.parts - old.parts
    nothing, ones = np.zeros(len(parts)), np.ones(len(parts))
    low, high = _interval(nothing, parts, ones, log.visitors, rng, confidence)
    if not np.isfinite([new.low, old.low]).all():
        low, high = -np.inf, np.inf
    return new.value - old.value, low, high
