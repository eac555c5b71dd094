"""What item-to-item models share: a score is a sum over past events, so it explains itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from engagement.learning.interactions import DAY, Float32, Histories, Int64
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.spoken import Spoken

# Entries a row from which slices, one by one, are read faster than entries picked all at once.
LONG = 32
COUNTS = ("once", "log", "sum")


def check_counts(*counts: str) -> None:
    for one in counts:
        if one not in COUNTS:
            raise ValueError(f"counts must be one of {', '.join(COUNTS)}, not {one!r}")


def saturate(amounts: NDArray[Any], counts: str) -> Float32:
    """
    Return how much ``amounts`` of one item count: ``once`` (at most 1), ``log`` or their ``sum``.

    All three give 1 for an amount of 1. Amounts below zero count as nothing.
    """
    amounts = np.maximum(amounts, 0.0)
    if counts == "once":
        amounts = np.minimum(amounts, 1.0)
    elif counts == "log":
        amounts = np.log2(1.0 + amounts)
    return amounts.astype(np.float32)


def saturated(matrix: csr_array, counts: str) -> csr_array:
    """Return a copy of ``matrix`` with saturated values, none of them zero."""
    result = matrix.copy()
    result.data = saturate(result.data, counts)
    result.eliminate_zeros()
    return result


def compact(matrix: csr_array) -> csr_array:
    """Return ``matrix`` with sorted indices, of four bytes where those can count its values."""
    matrix.sort_indices()
    if matrix.nnz < np.iinfo(np.int32).max:
        matrix.indices = matrix.indices.astype(np.int32, copy=False)
        matrix.indptr = matrix.indptr.astype(np.int32, copy=False)
    return matrix


class ItemToItem(Recommender):
    """
    Scores = (what the visitor did) × (weights between items).

    ``weights_[j, i]`` is what having met ``j`` says for ``i``; its diagonal is zero. Subclasses
    learn it, sparse or dense, and have the options ``half_life_days`` (a past event that is this
    old counts half; None: age does not matter) and ``history`` (see :func:`saturate`).
    """

    half_life_days: float | None
    history: str
    weights_: csr_array | NDArray[np.float32]

    def score(self, histories: Histories) -> Float32:
        if len(histories) == 1:
            return self._score_one(histories)
        amounts = histories.matrix(self.n_items, half_life_days=self.half_life_days)
        scores = saturated(amounts, self.history) @ self.weights_
        if isinstance(self.weights_, csr_array):
            scores = scores.toarray()
        return np.asarray(scores, dtype=np.float32)

    def explain(self, histories: Histories, column: int) -> Float32 | None:
        return self.explain_each(histories, [column])[0]

    def explain_each(self, histories: Histories, columns: Sequence[int]) -> list[Float32 | None]:
        known, amounts, met, positions = self._amounts(histories)
        totals = np.bincount(positions, weights=amounts, minlength=len(met))
        # Several events of one item share what the item contributes, each by its own amount.
        rate = np.divide(
            saturate(totals, self.history), totals, out=np.zeros_like(totals), where=totals > 0
        )
        shares = amounts * rate[positions]
        explained: list[Float32 | None] = []
        for weights in self._weights_to(met, columns):
            contributions = np.zeros(len(histories.columns), dtype=np.float32)
            contributions[known] = shares * weights[positions]
            explained.append(contributions)
        return explained

    def _amounts(
        self, histories: Histories
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64], Int64, Int64]:
        """
        Return which events of the single history are known, the amount of each of those, the
        distinct columns they met, and the position in it of each.
        """
        known = (histories.columns >= 0) & (histories.columns < self.n_items)
        amounts = histories.weights[known].astype(np.float64)
        if self.half_life_days is not None:
            age = np.maximum(histories.now[0] - histories.moments[known], 0)
            amounts *= np.exp2(-age / (self.half_life_days * DAY))
        columns, positions = np.unique(histories.columns[known], return_inverse=True)
        return known, amounts, columns.astype(np.int64), positions.astype(np.int64)

    def _score_one(self, histories: Histories) -> Float32:
        """Touch only the rows that the history names: this is what a page waits for."""
        columns, amounts = histories.amounts(self.n_items, half_life_days=self.half_life_days)
        values = saturate(amounts, self.history)
        if not isinstance(self.weights_, csr_array):
            return np.asarray(values[None, :] @ self.weights_[columns], dtype=np.float32)
        return times(columns, values, self.weights_).astype(np.float32)[None, :]

    def speak(self, histories: Histories) -> Spoken:
        if not isinstance(self.weights_, csr_array):
            return super().speak(histories)
        columns, amounts = histories.amounts(self.n_items, half_life_days=self.half_life_days)
        values = saturate(amounts, self.history)
        return Spoken.of_entries(*products(columns, values, self.weights_), self.n_items)

    def _weights_to(self, met: Int64, columns: Sequence[int]) -> Iterator[Float32]:
        """Yield for each of ``columns`` the weights to it from the items that were met."""
        if not isinstance(self.weights_, csr_array):
            for column in columns:
                yield np.asarray(self.weights_[met, column], dtype=np.float32)
            return
        taken, sources = entries(self.weights_, met)
        targets, values = self.weights_.indices[taken], self.weights_.data[taken]
        for column in columns:
            hits = targets == column
            found = np.zeros(len(met), dtype=np.float32)
            found[sources[hits]] = values[hits]
            yield found


def entries(matrix: csr_array, rows: Int64) -> tuple[Int64, Int64]:
    """Return where the entries of ``rows`` lie in the matrix, and which of the rows each is in."""
    starts = matrix.indptr[rows].astype(np.int64)
    lengths = matrix.indptr[rows + 1] - starts
    sources = np.repeat(np.arange(len(rows)), lengths)
    offsets = starts - (np.cumsum(lengths) - lengths)
    return np.arange(len(sources)) + offsets[sources], sources


def times(rows: Int64, values: NDArray[Any], matrix: csr_array) -> NDArray[np.float64]:
    """Return the sum of ``rows`` of ``matrix``, each times its value, dense."""
    indices, said = products(rows, values, matrix)
    return np.bincount(indices, said, matrix.shape[1]).astype(np.float64, copy=False)


def products(
    rows: Int64, values: NDArray[Any], matrix: csr_array
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the column of each entry of ``rows`` of ``matrix``, and the entry times its value."""
    starts, ends = matrix.indptr.take(rows), matrix.indptr.take(rows + 1)
    lengths = ends - starts
    total = int(lengths.sum())
    if not total:
        return np.empty(0, dtype=np.int64), np.empty(0)
    if total < LONG * len(rows):
        before = np.cumsum(lengths, dtype=np.int64) - lengths
        taken = np.repeat(starts - before, lengths) + np.arange(total)
        indices, data = matrix.indices.take(taken), matrix.data.take(taken)
    else:
        bounds = list(zip(starts.tolist(), ends.tolist(), strict=True))
        indices = np.concatenate([matrix.indices[start:end] for start, end in bounds])
        data = np.concatenate([matrix.data[start:end] for start, end in bounds])
    return indices, data * np.repeat(values, lengths)
