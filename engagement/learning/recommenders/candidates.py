"""Which items get to be ranked, out of what several members propose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32

Mask = NDArray[np.bool_]


def best(values: Float32, n: int) -> Mask:
    """Return a mask of the ``n`` largest of each row."""
    if n >= values.shape[1]:
        return np.ones(values.shape, dtype=bool)
    mask = np.zeros(values.shape, dtype=bool)
    positions = np.argpartition(-values, n, axis=1)[:, :n]
    np.put_along_axis(mask, positions, values=True, axis=1)
    return mask


def propose(
    scores: Sequence[Float32], owned: Mask, allowed: Mask, n_candidates: int, n_ranked: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float32]:
    """
    Return candidates as (history, column), sorted, and what the members say of each.

    Each member proposes the ``n_candidates`` best of what is ``allowed`` and not ``owned`` and
    scores above zero; of all proposals the ``n_ranked`` of best total standing stay, and whatever
    is both owned and allowed. Of each member there are two values: the score, and its standing:
    by how many standard deviations it exceeds the member's mean over all items. The last value is
    the total of all standings.
    """
    fresh = allowed & ~owned
    proposed = np.zeros(owned.shape, dtype=bool)
    total = np.zeros(owned.shape, dtype=np.float32)
    levels = []
    for score in scores:
        mean = score.mean(axis=1, keepdims=True)
        spread = score.std(axis=1, keepdims=True) + np.float32(1e-9)
        total += (score - mean) / spread
        eligible = np.where(fresh & (score > 0), score, np.float32(-np.inf))
        proposed |= best(eligible, n_candidates) & np.isfinite(eligible)
        levels.append((mean, spread))
    standing = np.where(proposed, total, np.float32(-np.inf))
    proposed = (proposed & best(standing, n_ranked)) | (owned & allowed)
    rows, columns = np.nonzero(proposed)
    said = np.empty((len(rows), 2 * len(scores) + 1), dtype=np.float32)
    for k, (score, (mean, spread)) in enumerate(zip(scores, levels, strict=True)):
        said[:, 2 * k] = score[rows, columns]
        said[:, 2 * k + 1] = (said[:, 2 * k] - mean[rows, 0]) / spread[rows, 0]
    said[:, -1] = total[rows, columns]
    return rows.astype(np.int64), columns.astype(np.int64), said
