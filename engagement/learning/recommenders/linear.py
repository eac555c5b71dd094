from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs
from scipy.sparse import csr_array

from engagement.learning.interactions import Float32, Int64, Interactions
from engagement.learning.recommenders.additive import ItemToItem, check_counts, compact, saturated

# Rows worked on at once, so that no second matrix of items × items is needed.
BLOCK = 512
# Single precision carries seven digits; a worse condition than this asks for double.
SINGLE_PRECISION_LIMIT = 1e5


class EASE(ItemToItem):
    """
    The linear model that predicts each item from all others, in closed form (Steck 2019).

    ``regularization``: the more, the more the model trusts only pairs seen often.
    ``n_weights``: how many weights an item keeps on average, the largest in the whole matrix
    (each item at least a tenth of that); None keeps all, dense.
    ``max_items``: the inverse needs items² × 4 bytes and items³ steps, so a larger catalogue is
    learnt on its most used items; the others score zero.
    """

    def __init__(
        self,
        regularization: float = 300.0,
        half_life_days: float | None = None,
        n_weights: int | None = 200,
        max_items: int = 12_000,
        counts: str = "once",
        history: str = "log",
    ) -> None:
        if regularization <= 0:
            raise ValueError(f"regularization must be above zero, not {regularization}")
        check_counts(counts, history)
        self.regularization = regularization
        self.half_life_days = half_life_days
        self.n_weights = n_weights
        self.max_items = max_items
        self.counts = counts
        self.history = history

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        n = interactions.n_columns
        self.n_items_ = np.asarray(n)
        matrix = saturated(interactions.matrix(), self.counts)
        used = _most_used(matrix, self.max_items)
        if len(used) < n:
            matrix = matrix[:, used]
        weights = _weights(matrix, self.regularization)
        if self.n_weights is not None:
            self.weights_ = _largest(weights, self.n_weights, used, n)
        elif len(used) < n:
            self.weights_ = np.zeros((n, n), dtype=np.float32)
            self.weights_[np.ix_(used, used)] = weights
        else:
            self.weights_ = weights
        return self


def _most_used(matrix: csr_array, n: int) -> Int64:
    counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
    # What nobody has met would cost as much as what everybody has.
    return np.sort(np.argsort(-counts, kind="stable")[: min(n, np.count_nonzero(counts))])


def _weights(matrix: csr_array, regularization: float) -> Float32:
    """Return -P / diag(P) with a zero diagonal, where P is the inverse of X'X + λI."""
    n = matrix.shape[1]
    if n == 0:
        return np.zeros((0, 0), dtype=np.float32)
    gram = _gram(matrix, regularization)
    # The largest row sum bounds the largest eigenvalue, λ the smallest one.
    if gram.sum(axis=1, dtype=np.float64).max() / regularization > SINGLE_PRECISION_LIMIT:
        gram = gram.astype(np.float64)
    factorise, invert = get_lapack_funcs(("potrf", "potri"), (gram,))
    # LAPACK counts in columns: the transposed view is overwritten in place, not copied.
    factor, info = factorise(gram.T, lower=1, overwrite_a=1, clean=0)
    if info == 0:
        inverse, info = invert(factor, lower=1, overwrite_c=1)
    if info != 0:
        raise ValueError("the matrix cannot be inverted: raise the regularization")
    return _normalised(inverse.T)


def _gram(matrix: csr_array, regularization: float) -> Float32:
    n = matrix.shape[1]
    gram = np.empty((n, n), dtype=np.float32)
    transposed = matrix.T.tocsr()
    for start in range(0, n, BLOCK):
        gram[start : start + BLOCK] = (transposed[start : start + BLOCK] @ matrix).toarray()
    gram[np.diag_indices(n)] += regularization
    return gram


def _normalised(inverse: NDArray[Any]) -> Float32:
    """Turn P, of which only the upper triangle is valid, into the weights, in place."""
    n = len(inverse)
    divisor = -inverse.diagonal().copy()
    for start in range(0, n, BLOCK):
        end = min(start + BLOCK, n)
        block = np.triu(inverse[start:end, start:end])
        inverse[start:end, start:end] = block + np.triu(block, 1).T
        inverse[end:, start:end] = inverse[start:end, end:].T
    for start in range(0, n, BLOCK):
        inverse[start : start + BLOCK] /= divisor
    inverse[np.diag_indices(n)] = 0.0
    return inverse.astype(np.float32, copy=False)


def _largest(weights: Float32, n_weights: int, used: Int64, n_items: int) -> csr_array:
    """
    Keep the ``len(weights) × n_weights`` largest weights of either sign, found in blocks.

    A limit common to all items keeps the accuracy better than the same number for each; but an
    item on its own page must have something to say, so each row keeps at least a few.
    """
    limit = _limit(weights, n_weights)
    least = min(max(n_weights // 10, 1), len(weights))
    columns, values, lengths = [], [], np.zeros(n_items, dtype=np.int64)
    for start in range(0, len(weights), BLOCK):
        block = weights[start : start + BLOCK]
        size = np.abs(block)
        nth = np.partition(size, size.shape[1] - least, axis=1)[:, size.shape[1] - least]
        kept = (size >= np.minimum(nth, limit)[:, None]) & (size > 0.0)
        lengths[used[start : start + BLOCK]] = kept.sum(axis=1)
        columns.append(used[np.nonzero(kept)[1]].astype(np.int32))
        values.append(block[kept])
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    if not columns:
        return csr_array((n_items, n_items), dtype=np.float32)
    parts = (np.concatenate(values), np.concatenate(columns), indptr)
    return compact(csr_array(parts, shape=(n_items, n_items)))


def _limit(weights: Float32, n_weights: int) -> float:
    """Return the size that about ``n_weights`` an item exceed, from an even sample of rows."""
    n = len(weights)
    if n_weights >= n:
        return 0.0
    # Every k-th row: 4 million values settle the limit to a fraction of a per cent.
    sample = np.abs(weights[:: max(n * n // 4_000_000, 1)]).ravel()
    return float(np.quantile(sample, 1.0 - n_weights / n))
