"""From scores to a shelf, written once for all models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.interactions import Float32, Int64

# Maxima that are looked at for each of the values that are wanted of a row.
LANES = 4


def from_zero(scores: NDArray[Any], known: NDArray[np.bool_]) -> Float32:
    """
    Return scores that begin at zero, for models that order items but know no zero.

    ``scores``: histories × items. The least likely item of each history becomes zero, and every
    item of a history that is not ``known``: nothing speaks for anything there.
    """
    least = scores.min(axis=1, keepdims=True, initial=np.inf)
    return np.where(known[:, None], scores - least, 0).astype(np.float32)


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


def largest(values: NDArray[Any], n: int) -> tuple[Int64, Int64]:
    """
    Return (row, column) of the ``n`` largest values above zero of each row of a matrix.

    Sorted by row, then by column; of equal values the first are taken, as by :func:`top_n`. Fewer
    where fewer are above zero.
    """
    n_rows, n_columns = values.shape
    if n <= 0 or not n_rows:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    least = np.full(n_rows, np.finfo(values.dtype).smallest_subnormal, dtype=values.dtype)
    # Of many columns each lane's maximum is looked at first: the n-th largest of these is below n
    # of the values at least, so that nothing under it needs to be put into order.
    n_lanes = LANES * n
    steps = n_columns // n_lanes
    if steps > 1:
        lanes = values[:, : steps * n_lanes].reshape(n_rows, steps, n_lanes).max(axis=1)
        np.maximum(least, np.partition(lanes, n_lanes - n, axis=1)[:, n_lanes - n], out=least)
    places = np.flatnonzero(values >= least[:, None])
    rows, columns = np.divmod(places, n_columns)
    kept = first_of_each(rows, values[rows, columns], n)
    return rows[kept], columns[kept]


def first_of_each(rows: Int64, values: NDArray[Any], n: int) -> Int64:
    """
    Return the positions, ascending, of the ``n`` largest ``values`` of each of ``rows``; of equal
    ones the first. Equal ``rows`` stand together.
    """
    if n <= 0:
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    lengths = np.diff(starts, append=len(rows))
    if lengths.max(initial=0) <= n:
        return np.arange(len(rows))
    group = np.repeat(np.arange(len(starts)), lengths)
    table = np.full((len(starts), lengths.max()), -np.inf, dtype=values.dtype)
    table[group, np.arange(len(rows)) - starts[group]] = values
    least = np.partition(table, table.shape[1] - n, axis=1)[:, table.shape[1] - n][group]
    above = values > least
    tied = values == least
    room = n - np.add.reduceat(above, starts, dtype=np.int64)
    earlier = np.cumsum(tied) - tied
    kept = above | (tied & (earlier - earlier[starts][group] < room[group]))
    return np.flatnonzero(kept)


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


def spread(
    scores: NDArray[Any], features: NDArray[Any], strength: float, n: int, *, floor: float = 1e-6
) -> Int64:
    """
    Return ``n`` positions, best first, so that good items differ from each other.

    Greedy maximum of a determinantal point process (Chen, Zhang and Zhou, 2018): the set grows by
    the item that adds most volume, which is its quality and what of its ``features`` (items ×
    anything, rows of length one) the chosen ones do not span. Scores are stretched to 0…1 and
    weigh ``(1 - strength) / strength`` against diversity: strength 0 keeps the order. Where
    nothing new is left to span, the rest follows by score. Costs n × items × features.
    """
    n = max(min(n, len(scores)), 0)
    by_score = np.argsort(-scores, kind="stable").astype(np.int64)
    if strength <= 0.0 or n < 2:
        return by_score[:n]
    span = float(scores.max() - scores.min())
    relevance = (scores - scores.min()) / span if span > 0.0 else np.zeros(len(scores))
    # No more than e^20 apart: beyond that a score is a command, and the sums lose their digits.
    weight = min((1.0 - strength) / strength, 10.0)
    quality = np.exp(weight * relevance.astype(np.float64))
    vectors = features.astype(np.float64)
    left = quality**2 * (vectors**2).sum(axis=1)
    # Column k of the Cholesky factor of the kernel, for all items at once.
    factor = np.zeros((n, len(scores)))
    chosen: list[int] = []
    free = np.ones(len(scores), dtype=bool)
    for place in range(n):
        best = _first_of_the_largest(np.where(free, left, -np.inf), by_score)
        if left[best] <= floor:
            break
        chosen.append(best)
        free[best] = False
        row = quality[best] * quality * (vectors @ vectors[best])
        row -= factor[:place, best] @ factor[:place]
        factor[place] = row / np.sqrt(left[best])
        left = left - factor[place] ** 2
    rest = [int(place) for place in by_score if free[place]]
    return np.array([*chosen, *rest][:n], dtype=np.int64)


def calibrate(
    scores: NDArray[Any],
    categories: NDArray[Any],
    target: NDArray[Any],
    strength: float,
    n: int,
    *,
    smoothing: float = 0.01,
) -> Int64:
    """
    Return ``n`` positions, best first, whose mix of categories comes near ``target``.

    Greedy (Steck, 2018): each place goes to the item with the best ``(1 - strength) × scores −
    strength × divergence`` of the list so far, scores stretched to 0…1 and the Kullback-Leibler
    divergence from ``target`` (a share for each category, summing to 1) to the list's shares,
    these smoothed. Codes below zero are of no category: they belong to no share.
    """
    n = max(min(n, len(scores)), 0)
    by_score = np.argsort(-scores, kind="stable").astype(np.int64)
    if strength <= 0.0 or n < 2 or not len(target) or target.sum() <= 0.0:
        return by_score[:n]
    span = float(scores.max() - scores.min())
    values = (scores - scores.min()) / span if span > 0.0 else np.zeros(len(scores))
    wanted = target > 0.0
    counts = np.zeros(len(target))
    free = np.ones(len(scores), dtype=bool)
    chosen = np.empty(n, dtype=np.int64)
    for place in range(n):
        # What the shares would be with one more item of each category; the last: with none.
        grown = np.concatenate([counts + np.eye(len(target)), counts[None]]) / (place + 1)
        mixed = (1.0 - smoothing) * grown + smoothing * target
        divergence = (target[wanted] * np.log(target[wanted] / mixed[:, wanted])).sum(axis=1)
        merit = (1.0 - strength) * values - strength * divergence[categories]
        best = _first_of_the_largest(np.where(free, merit, -np.inf), by_score)
        chosen[place] = best
        free[best] = False
        if categories[best] >= 0:
            counts[categories[best]] += 1.0
    return chosen


def _first_of_the_largest(values: NDArray[Any], order: Int64) -> int:
    """Return the position of the largest value; among equals, what comes first in ``order``."""
    return int(order[np.argmax(values[order])])
