"""What a variant does, with an interval that stays valid however often one looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from engagement.learning.experiments.moments import Moments

Float64 = NDArray[np.float64]

# Before so many units in either variant nothing is said: the bounds rest on the limit theorem.
N_LEAST = 100


@dataclass(frozen=True)
class Effect:
    """
    The difference of a variant to the control, in the outcome's units.

    ``low`` and ``high`` hold the truth at all moments at once with the confidence asked for, so one
    may look every day and stop whenever (``always_valid``); otherwise at one moment that was fixed
    before. ``relative*``: the same as a share of the control's mean. ``reduction``: the share of
    the variance that CUPED took away.
    """

    value: float
    low: float
    high: float
    relative: float
    relative_low: float
    relative_high: float
    control_mean: float
    variant_mean: float
    n_control: int
    n_variant: int
    reduction: float
    always_valid: bool

    @property
    def is_better(self) -> bool:
        return self.low > 0

    @property
    def is_worse(self) -> bool:
        return self.high < 0


def effect(
    control: Moments,
    variant: Moments,
    *,
    alpha: float = 0.05,
    always_valid: bool = True,
    tuned_for: float = 10_000,
    cuped: bool = True,
) -> Effect:
    """
    Return what ``variant`` does against ``control``.

    Always valid: asymptotic confidence sequences (Waudby-Smith et al., Annals of Statistics 2024)
    in the form for two samples, narrowest when ``tuned_for`` units are in. CUPED (Deng, Xu, Kohavi
    and Walker, WSDM 2013) takes off what was known before; its slope is that of both variants
    together. Below 100 units in either the interval is the whole line.
    """
    slope, centre = _slope(control, variant) if cuped else (0.0, 0.0)
    mean_0, variance_0 = control.adjusted(slope, centre)
    mean_1, variance_1 = variant.adjusted(slope, centre)
    value = mean_1 - mean_0
    error_0, error_1 = _errors(control, variant, variance_0, variance_1)
    before = sum(_errors(control, variant, control.variance, variant.variance))
    n = control.n + variant.n
    z = float(always_valid_bound(n, alpha, tuned_for)) if always_valid else -float(ndtri(alpha / 2))
    told = min(control.n, variant.n) >= N_LEAST
    half = z * float(np.sqrt(error_0 + error_1)) if told else float("inf")
    relative, spread = _relative(mean_0, mean_1, error_0, error_1)
    relative_half = z * spread if told else float("inf")
    return Effect(
        value=value,
        low=value - half,
        high=value + half,
        relative=relative,
        relative_low=relative - relative_half,
        relative_high=relative + relative_half,
        control_mean=mean_0,
        variant_mean=mean_1,
        n_control=int(control.n),
        n_variant=int(variant.n),
        reduction=1 - (error_0 + error_1) / before if told and before > 0 else 0.0,
        always_valid=always_valid,
    )


def always_valid_bound(n: ArrayLike, alpha: float, tuned_for: float) -> Float64:
    """Return how many standard errors the sequence is wide after ``n`` units, one or many."""
    # The width is smallest at tuned_for units (equation 80 of the paper).
    squared = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / tuned_for
    scaled = np.maximum(np.asarray(n, dtype=np.float64), 1.0) * squared
    return np.asarray(np.sqrt((scaled + 1) / scaled * np.log((scaled + 1) / alpha**2)))


def _errors(
    control: Moments, variant: Moments, variance_0: float, variance_1: float
) -> tuple[float, float]:
    """
    Return the squared standard errors of both means.

    No variance is taken for smaller than that of both variants together. Where few order, a small
    variant has no order for long, and with it no variance: it would seem to be known exactly.
    """
    free_0, free_1 = max(control.n - 1, 0), max(variant.n - 1, 0)
    pooled = (free_0 * variance_0 + free_1 * variance_1) / max(free_0 + free_1, 1)
    error_0 = max(variance_0, pooled) / control.n if control.n else float("inf")
    error_1 = max(variance_1, pooled) / variant.n if variant.n else float("inf")
    return error_0, error_1


def _slope(control: Moments, variant: Moments) -> tuple[float, float]:
    """Return the slope of y on x within variants, and the mean of x."""
    free = max(control.n - 1, 0), max(variant.n - 1, 0)
    spread = free[0] * control.variance_before + free[1] * variant.variance_before
    common = free[0] * control.covariance + free[1] * variant.covariance
    n = control.n + variant.n
    if spread <= 0 or not n:
        return 0.0, 0.0
    return common / spread, (control.x + variant.x) / n


def _relative(mean_0: float, mean_1: float, error_0: float, error_1: float) -> tuple[float, float]:
    """Return (mean_1 − mean_0) / |mean_0| and its standard error (delta method)."""
    if not mean_0 or not np.isfinite(mean_0):
        return float("nan"), float("nan")
    spread = error_1 / mean_0**2 + mean_1**2 * error_0 / mean_0**4
    return (mean_1 - mean_0) / abs(mean_0), float(np.sqrt(spread))
