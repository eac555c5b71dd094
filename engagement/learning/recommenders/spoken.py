"""What a model says to a single visitor: few of its items, where it speaks of few."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32, Int64
from engagement.learning.recommenders.ranking import top_n

# Of more entries than this share of all items, a row of all items is quicker.
MANY = 0.1


@dataclass(frozen=True, slots=True)
class Spoken:
    """
    Scores of one history. ``columns`` are those spoken of, each once, in no order, and ``values``
    their scores; every other one of ``n`` scores zero. Without columns, ``values`` are of all.

    ``order``: all columns that score above zero, best first, where that is known; ``levels``: what
    :meth:`level` returns, where it is known.
    """

    n: int
    columns: Int64 | None
    values: Float32
    order: Int64 | None = None
    levels: tuple[np.float32, np.float32] | None = None

    @classmethod
    def of_entries(cls, indices: NDArray[Any], values: NDArray[Any], n: int) -> Self:
        """Add up the ``values`` of equal ``indices``, all of which are below ``n``."""
        if len(indices) > MANY * n:
            return cls.of_all(np.bincount(indices, values, n).astype(np.float32))
        columns, sums = added_up(indices, values, n)
        return cls(n, columns, sums.astype(np.float32))

    @classmethod
    def of_all(cls, values: Float32) -> Self:
        return cls(len(values), None, values)

    @classmethod
    def for_ever(cls, values: Float32) -> Self:
        """Take scores that are the same for everybody, and put them into order."""
        order = np.argsort(-values, kind="stable")[: np.count_nonzero(values > 0)]
        return replace(cls.of_all(values), order=order, levels=cls.of_all(values).level())

    def level(self) -> tuple[np.float32, np.float32]:
        """
        Return mean and standard deviation of all ``n`` scores; the latter and a little, so that one
        may divide by it.
        """
        if self.levels is not None:
            return self.levels
        n = max(self.n, 1)
        if self.columns is None:
            mean = self.values.sum() / np.float32(n)
            apart = self.values - mean
            spread = np.sqrt(apart @ apart / np.float32(n))
        else:
            # Most score zero, so that the mean is small beside what is far from it.
            mean = self.values.sum(dtype=np.float64) / n
            square = float(self.values @ self.values) / n
            spread = np.sqrt(max(square - mean * mean, 0.0))
        return np.float32(mean), np.float32(spread) + np.float32(1e-9)

    def best_first(self, n: int) -> tuple[Int64, Float32]:
        """
        Return the ``n`` columns of the highest scores above zero, best first, and their scores.

        Ties keep catalogue order, as in :func:`~.ranking.top_n`.
        """
        if self.order is not None:
            columns = self.order[: max(n, 0)]
            return columns, self.values.take(columns)
        if self.columns is None:
            columns = top_n(self.values, n)
            return columns, self.values.take(columns)
        n = max(n, 0)
        high = np.flatnonzero(self.values > 0)
        if 0 < n < len(high):
            values = self.values.take(high)
            least = np.partition(values, len(values) - n)[len(values) - n]
            high = high[values >= least]
        columns, values = self.columns.take(high), self.values.take(high)
        first = np.lexsort((columns, -values))[:n]
        return columns.take(first), values.take(first)

    def best(self, n: int, allowed: NDArray[np.bool_]) -> Int64:
        """
        Return the ``n`` columns of the highest scores above zero, in no order; of equal ones the
        first. ``allowed``: of all columns.
        """
        if self.order is not None:
            return self._first(n, allowed)
        if self.columns is None:
            eligible = self.values > 0
            eligible &= allowed
            columns = np.flatnonzero(eligible)
            return columns.take(best_of_one(self.values.take(columns), n))
        eligible = allowed.take(self.columns)
        eligible &= self.values > 0
        columns, values = self.columns[eligible], self.values[eligible]
        if n >= len(columns) or n <= 0:
            return columns[: max(n, 0)]
        least = np.partition(values, len(values) - n)[len(values) - n]
        high = np.flatnonzero(values >= least)
        if len(high) == n:
            return columns.take(high)
        ascending = np.argsort(columns, kind="stable")
        return columns.take(ascending).take(best_of_one(values.take(ascending), n))

    def _first(self, n: int, allowed: NDArray[np.bool_]) -> Int64:
        assert self.order is not None  # noqa: S101
        looked_at = 2 * n
        while True:
            some = self.order[:looked_at]
            found = some[allowed.take(some)]
            if len(found) >= n or looked_at >= len(self.order):
                return found[:n]
            looked_at *= 4

    def of(self, columns: Int64, places: NDArray[np.int32]) -> Float32:
        """
        Return the scores of ``columns``.

        ``places`` holds for each of all items where it is among ``columns``, below zero for the
        others.
        """
        if self.columns is None:
            return self.values.take(columns)
        place = places.take(self.columns)
        there = np.flatnonzero(place >= 0)
        found = np.zeros(len(columns), dtype=np.float32)
        found[place.take(there)] = self.values.take(there)
        return found


class _Rows(threading.local):
    """Two numbers for every item, to write on; each thread has its own."""

    def __init__(self) -> None:
        # Of whatever they were used for last.
        self.marks: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        # Minus one, but while somebody is at work.
        self.nowhere: NDArray[np.int32] = np.empty(0, dtype=np.int32)


_rows = _Rows()


def forget() -> None:
    """Give the memory of this thread back."""
    _rows.__init__()  # type: ignore[misc]


def nowhere(n: int) -> NDArray[np.int32]:
    """Return a row of at least ``n`` times minus one. Who writes on it leaves it so."""
    if len(_rows.nowhere) < n:
        _rows.nowhere = np.full(n, -1, dtype=np.int32)
    return _rows.nowhere


def _marks(n: int) -> NDArray[np.int32]:
    if len(_rows.marks) < n:
        _rows.marks = np.zeros(n, dtype=np.int32)
    return _rows.marks


def added_up(
    indices: NDArray[Any], values: NDArray[Any], n: int
) -> tuple[Int64, NDArray[np.float64]]:
    """
    Return the distinct ``indices``, below ``n`` and in no order, and the sum of each one's values.

    Without looking at all ``n``, where the indices are few.
    """
    if len(indices) > MANY * n:
        sums = np.bincount(indices, values, n).astype(np.float64, copy=False)
        columns = np.flatnonzero(sums)
        return columns, sums.take(columns)
    wanted = indices.astype(np.intp, copy=False)
    numbers = np.arange(len(wanted), dtype=np.int32)
    marks = _marks(n)
    # Of those that are equal the last one stands for all: its number is the mark that stays.
    marks[wanted] = numbers
    stands = marks.take(wanted)
    last = np.flatnonzero(stands == numbers)
    totals = np.bincount(stands, values, len(wanted)).astype(np.float64, copy=False)
    return wanted.take(last), totals.take(last)


def best_of_one(values: NDArray[Any], n: int) -> Int64:
    """Return the positions of the ``n`` largest, ascending; of equal ones the first."""
    if n >= len(values):
        return np.arange(len(values))
    if n <= 0:
        return np.arange(0)
    least = np.partition(values, len(values) - n)[len(values) - n]
    positions = np.flatnonzero(values >= least)
    if len(positions) > n:
        above = values[positions] > least
        tied = np.flatnonzero(~above)[n - np.count_nonzero(above) :]
        positions = np.delete(positions, tied)
    return positions
