"""The two shapes of data that every recommender meets: all interactions, and some histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

DAY = 86_400

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]


def _empty_keys() -> NDArray[Any]:
    return np.empty(0, dtype=np.int64)


def stable_order(keys: NDArray[Any], moments: NDArray[Any] | None = None) -> Int64:
    """
    Return the positions of whole numbers in ascending order; equal ones by their ``moments``, else
    as they stand.

    As ``np.lexsort((moments, keys))``, in a fraction of the time where moments ascend already: key
    and position are sorted as one number.
    """
    n = len(keys)
    if moments is not None and (moments[1:] < moments[:-1]).any():
        return np.lexsort((moments, keys))
    bits = n.bit_length()
    if not n or keys.min() < 0 or int(keys.max()) >= 1 << (62 - bits):
        return np.argsort(keys, kind="stable")
    numbered = keys.astype(np.int64) << bits
    numbered |= np.arange(n)
    numbered.sort()
    numbered &= (1 << bits) - 1
    return numbered


@dataclass(frozen=True, slots=True)
class Interactions:
    """
    Who met what, when and how strongly: four parallel arrays of length ``n``.

    Rows are visitors (or orders), columns are items. ``row_keys`` and ``column_keys`` say what
    stands behind a number; they may be empty where nobody needs to know. The same pair may occur
    many times.
    """

    rows: Int32
    columns: Int32
    moments: Int64
    weights: Float32
    n_rows: int
    n_columns: int
    row_keys: NDArray[Any] = field(default_factory=_empty_keys)
    column_keys: NDArray[Any] = field(default_factory=_empty_keys)

    def __post_init__(self) -> None:
        lengths = {len(self.rows), len(self.columns), len(self.moments), len(self.weights)}
        if len(lengths) != 1:
            raise ValueError(f"rows, columns, moments and weights differ in length: {lengths}")

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def from_keys(
        cls,
        row_keys: ArrayLike,
        column_keys: ArrayLike,
        moments: ArrayLike | None = None,
        weights: ArrayLike | None = None,
    ) -> Interactions:
        """Number arbitrary keys. Moments default to 0, 1, 2 … (the order given), weights to 1."""
        names, rows = np.unique(np.asarray(row_keys), return_inverse=True)
        titles, columns = np.unique(np.asarray(column_keys), return_inverse=True)
        n = len(rows)
        return cls(
            rows=rows.astype(np.int32),
            columns=columns.astype(np.int32),
            moments=np.arange(n, dtype=np.int64)
            if moments is None
            else np.asarray(moments, dtype=np.int64),
            weights=np.ones(n, dtype=np.float32)
            if weights is None
            else np.asarray(weights, dtype=np.float32),
            n_rows=len(names),
            n_columns=len(titles),
            row_keys=names,
            column_keys=titles,
        )

    def select(self, mask: NDArray[Any]) -> Interactions:
        """Keep some interactions (a boolean mask or positions); rows and columns stay numbered."""
        return Interactions(
            self.rows[mask],
            self.columns[mask],
            self.moments[mask],
            self.weights[mask],
            self.n_rows,
            self.n_columns,
            self.row_keys,
            self.column_keys,
        )

    def matrix(self, weights: Float32 | None = None) -> csr_array:
        """Return rows × columns with weights of repeated pairs summed."""
        values = self.weights if weights is None else weights
        shape = (self.n_rows, self.n_columns)
        return csr_array((values, (self.rows, self.columns)), shape=shape, dtype=np.float32)

    def histories(self, rows: ArrayLike, now: int | ArrayLike | None = None) -> Histories:
        """
        Return the histories of ``rows``, oldest event first.

        ``now`` is the moment of the question, one for all or one a row; it defaults to the last
        moment known.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        order = stable_order(self.rows, self.moments)
        bounds = np.searchsorted(self.rows[order], np.arange(self.n_rows + 1))
        lengths = bounds[wanted + 1] - bounds[wanted]
        starts = np.cumsum(lengths) - lengths
        picked = order[np.repeat(bounds[wanted] - starts, lengths) + np.arange(lengths.sum())]
        if now is None:
            now = int(self.moments.max()) if len(self) else 0
        return self.histories_at(picked, lengths, now)

    def histories_at(
        self, positions: NDArray[Any], lengths: NDArray[Any], now: int | ArrayLike
    ) -> Histories:
        """
        Return histories made of the interactions at ``positions``: the first ``lengths[0]`` of
        them are the first history, and so on.
        """
        moments = np.asarray(now, dtype=np.int64)
        return Histories(
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            columns=self.columns[positions],
            moments=self.moments[positions],
            weights=self.weights[positions],
            now=np.broadcast_to(moments, (len(lengths),)),
        )


@dataclass(frozen=True, slots=True)
class Histories:
    """
    What some visitors did, oldest first: history ``i`` is ``starts[i]:starts[i + 1]``.

    ``now`` holds the moment at which each visitor is asked about. A column below zero is an item
    that the model has never seen; models ignore it.
    """

    starts: Int64
    columns: Int32
    moments: Int64
    weights: Float32
    now: Int64

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def of(
        cls,
        columns: Sequence[int] | NDArray[Any],
        *,
        moments: Sequence[int] | NDArray[Any] | None = None,
        weights: Sequence[float] | NDArray[Any] | None = None,
        now: int | None = None,
    ) -> Histories:
        """Return a single history. Without moments, the events happened just now."""
        n = len(columns)
        at = np.zeros(n, np.int64) if moments is None else np.asarray(moments, np.int64)
        return cls(
            starts=np.array([0, n], dtype=np.int64),
            columns=np.asarray(columns, dtype=np.int32),
            moments=at,
            weights=np.ones(n, np.float32) if weights is None else np.asarray(weights, np.float32),
            now=np.array([now if now is not None else (at.max() if n else 0)], dtype=np.int64),
        )

    def rows(self) -> Int64:
        """Return which history each event belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def amounts(
        self, n_columns: int, *, half_life_days: float | None = None
    ) -> tuple[Int64, NDArray[np.float64]]:
        """
        Return what the *single* history holds, as :meth:`matrix` does: columns, ascending, and
        their summed weights.
        """
        known = (self.columns >= 0) & (self.columns < n_columns)
        values = self.weights[known].astype(np.float64)
        if half_life_days is not None:
            age = np.maximum(self.now[0] - self.moments[known], 0) / (half_life_days * DAY)
            values *= np.exp2(-age)
        columns = self.columns[known].astype(np.int64)
        order = columns.argsort(kind="stable")
        columns = columns[order]
        first = np.ones(len(columns), dtype=bool)
        np.not_equal(columns[1:], columns[:-1], out=first[1:])
        starts = np.flatnonzero(first)
        sums = np.add.reduceat(values[order], starts) if len(starts) else values
        return columns[starts], sums

    def matrix(self, n_columns: int, *, half_life_days: float | None = None) -> csr_array:
        """
        Return histories × columns with weights summed, unknown items left out.

        With a half-life, an event that is one half-life old counts half.
        """
        rows = self.rows()
        known = (self.columns >= 0) & (self.columns < n_columns)
        values = self.weights
        if half_life_days is not None:
            age = np.maximum(self.now[rows] - self.moments, 0) / (half_life_days * DAY)
            values = (values * np.exp2(-age)).astype(np.float32)
        return csr_array(
            (values[known], (rows[known], self.columns[known])),
            shape=(len(self), n_columns),
            dtype=np.float32,
        )
