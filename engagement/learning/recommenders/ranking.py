"""From scores to a shelf, written once for all models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.interactions import Int64


def top_n(scores: NDArray[Any], n: int, exclude: ArrayLike | None = None) -> Int64:
    """
    Return the positions of the ``n`` best scores, best first.

    Positions in ``exclude`` (positions, or a mask as long as ``scores``) and scores that are not
    above zero are left out, so fewer than ``n`` positions may come back. Ties keep catalogue order.
    """
    allowed = scores > 0.0
    if exclude is not None:
        left_out = np.asarray(exclude)
        if left_out.dtype != bool:
            left_out = left_out.astype(np.int64)
            left_out = left_out[(left_out >= 0) & (left_out < len(scores))]
        allowed[left_out] = False
    positions = np.flatnonzero(allowed)
    if n <= 0:
        return positions[:0]
    if len(positions) > n:
        found = scores[positions]
        worst = np.partition(found, len(found) - n)[len(found) - n]
        # Among those that tie at the end, the first in the catalogue stay.
        above = positions[found > worst]
        tied = positions[found == worst][: n - len(above)]
        positions = np.sort(np.concatenate([above, tied]))
    return positions[np.argsort(-scores[positions], kind="stable")]


def diversify(
    positions: ArrayLike, scores: NDArray[Any], categories: NDArray[Any], strength: float, n: int
) -> Int64:
    """
    Re-rank ``positions`` (best first) so that categories take turns, and return ``n`` of them.

    Maximal marginal relevance: each place goes to the item with the best
    ``(1 - strength) × score − strength × repetition``, with scores stretched to 0…1 and a
    repetition of 1 - ½^k where the category was shown k times. Strength 0 keeps the order; 1
    repeats no category while another one is left. Codes below zero mean «no category» and repeat
    nothing. ``scores`` and ``categories`` are those of the whole catalogue.
    """
    left = np.asarray(positions, dtype=np.int64)
    if strength <= 0.0 or len(left) < 2 or n <= 0:
        return left[: max(n, 0)]
    codes = categories[left]
    values = scores[left].astype(np.float64)
    span = values.max() - values.min()
    values = (values - values.min()) / span if span > 0.0 else np.zeros(len(left))
    merit = (1.0 - strength) * values
    fresh = np.ones(len(left))
    free = np.ones(len(left), dtype=bool)
    chosen = np.empty(min(n, len(left)), dtype=np.int64)
    for place in range(len(chosen)):
        merits = np.where(free, merit - strength * (1.0 - fresh), -np.inf)
        best = int(np.argmax(merits))
        chosen[place] = left[best]
        free[best] = False
        if codes[best] >= 0:
            fresh[codes == codes[best]] *= 0.5
    return chosen
