"""Whether as many units came into each variant as should have: if not, believe nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, gammaln

# How sure the prior is of the ratio that was intended: as in Lindon and Malek.
CONCENTRATION = 10_000.0


@dataclass(frozen=True)
class Ratio:
    """
    ``p_value``: of the usual χ² test, for one look; ``always_valid_p``: for any number of looks.
    """

    expected: tuple[float, ...]
    observed: tuple[int, ...]
    p_value: float
    always_valid_p: float

    def is_broken(self, alpha: float = 0.01) -> bool:
        return self.always_valid_p < alpha


def sample_ratio(counts: Sequence[int], weights: Sequence[float]) -> Ratio:
    """
    Compare the units in each variant with the weights they were drawn with.

    The always valid p-value is the inverse of a Bayes factor of multinomials (Lindon and Malek,
    NeurIPS 2022): a martingale where all is well, so that looking daily raises no false alarm.
    """
    seen = np.asarray(counts, dtype=np.float64)
    shares = np.asarray(weights, dtype=np.float64)
    if len(seen) != len(shares) or not len(seen) or (shares <= 0).any():
        raise ValueError("weights: one above 0 for each variant")
    shares = shares / shares.sum()
    n = seen.sum()
    if not n:
        return Ratio(tuple(shares), tuple(int(c) for c in seen), 1.0, 1.0)
    prior = CONCENTRATION * shares
    log_factor = (
        gammaln(prior.sum())
        - gammaln(prior.sum() + n)
        + (gammaln(prior + seen) - gammaln(prior)).sum()
        - (seen * np.log(shares)).sum()
    )
    squares = ((seen - shares * n) ** 2 / (shares * n)).sum()
    return Ratio(
        expected=tuple(shares * n),
        observed=tuple(int(count) for count in seen),
        p_value=float(chdtrc(len(seen) - 1, squares)) if len(seen) > 1 else 1.0,
        always_valid_p=float(min(1.0, np.exp(-log_factor))),
    )
