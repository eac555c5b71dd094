"""What is known of a variant: sums that are added up day by day, never rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Moments:
    """
    Sums over the units of a variant: outcomes ``y`` and what was known before, ``x``.

    A unit is whoever was assigned: a visitor, not a visit. Moments of parts add up to those of
    the whole. ``x`` (say, spending in the weeks before) serves CUPED; without it leave it at 0.
    """

    n: float = 0.0
    y: float = 0.0
    yy: float = 0.0
    x: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    @classmethod
    def of(cls, outcomes: ArrayLike, before: ArrayLike | None = None) -> Self:
        y = np.asarray(outcomes, dtype=np.float64)
        x = np.zeros_like(y) if before is None else np.asarray(before, dtype=np.float64)
        if len(x) != len(y):
            raise ValueError(f"before: {len(x)} values for {len(y)} outcomes")
        sums = (array.sum() for array in (y, y * y, x, x * x, x * y))
        return cls(float(len(y)), *map(float, sums))

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.n + other.n,
            self.y + other.y,
            self.yy + other.yy,
            self.x + other.x,
            self.xx + other.xx,
            self.xy + other.xy,
        )

    @property
    def mean(self) -> float:
        return self.y / self.n if self.n else float("nan")

    @property
    def variance(self) -> float:
        """The variance of outcomes, unbiased."""
        return max(self._centred(self.yy, self.y, self.y), 0.0)

    @property
    def variance_before(self) -> float:
        return max(self._centred(self.xx, self.x, self.x), 0.0)

    @property
    def covariance(self) -> float:
        return self._centred(self.xy, self.x, self.y)

    def adjusted(self, slope: float, centre: float) -> tuple[float, float]:
        """Return mean and variance of y − slope·(x − centre)."""
        if not self.n:
            return float("nan"), float("nan")
        mean = self.mean - slope * (self.x / self.n - centre)
        variance = self.variance + slope**2 * self.variance_before - 2 * slope * self.covariance
        return mean, max(variance, 0.0)

    def _centred(self, products: float, first: float, second: float) -> float:
        return (products - first * second / self.n) / (self.n - 1) if self.n >= 2 else 0.0
