from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
# Values drawn at once.
CELLS = 1_000_000


def bootstrap(
    values: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """
    Return between which bounds the mean of ``values`` lies, by drawing visitors anew.

    Give it the difference of two models on the same questions to compare them: what makes a
    visitor hard for both then cancels out.
    """
    n = len(values)
    if not n:
        return 0.0, 0.0
    means = np.empty(resamples)
    step = max(CELLS // n, 1)
    for start in range(0, resamples, step):
        size = (min(step, resamples - start), n)
        means[start : start + size[0]] = values[rng.integers(0, n, size=size)].mean(axis=1)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return float(low), float(high)
