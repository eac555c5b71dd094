from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from engagement.learning.interactions import Float32, Interactions
from engagement.learning.recommenders.additive import ItemToItem, check_counts, compact, saturated

WEIGHTINGS = ("cosine", "tfidf", "bm25")
# BM25's constants: how soon repetition saturates, and how much the item's popularity divides.
K1, B = 1.2, 0.2
# Co-occurrences held at once while fitting; each takes 12 bytes.
BLOCK = 4_000_000


class ItemKNN(ItemToItem):
    """
    Items met by the same visitors are neighbours; a visitor gets the neighbours of what he met.

    ``weighting``: ``cosine``; ``tfidf``, where a visitor who met everything says less; ``bm25``,
    where popular items are divided too (it has no use for shrinkage and ignores it).
    ``shrinkage`` is added to the cosine's divisor: pairs that rest on two or three visitors by
    chance rank behind those that rest on many.
    ``keep``: with ``target``, an item listens to its own ``n_neighbours`` nearest (better for a
    visitor's whole history); with ``source`` it speaks for its ``n_neighbours`` nearest (better
    when asked about the one item on the page).
    """

    def __init__(
        self,
        n_neighbours: int = 100,
        shrinkage: float = 0.0,
        weighting: str = "cosine",
        half_life_days: float | None = None,
        keep: str = "target",
        counts: str = "once",
        history: str = "log",
    ) -> None:
        if weighting not in WEIGHTINGS:
            raise ValueError(f"weighting must be one of {', '.join(WEIGHTINGS)}, not {weighting!r}")
        if keep not in ("target", "source"):
            raise ValueError(f"keep must be target or source, not {keep!r}")
        check_counts(counts, history)
        self.n_neighbours = n_neighbours
        self.shrinkage = shrinkage
        self.weighting = weighting
        self.half_life_days = half_life_days
        self.keep = keep
        self.counts = counts
        self.history = history

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        self.n_items_ = np.asarray(interactions.n_columns)
        matrix = self._weighted(saturated(interactions.matrix(), self.counts))
        norms = np.sqrt(_column_sums(matrix, matrix.data.astype(np.float64) ** 2))
        transposed = matrix.T.tocsr()
        nearest = [
            strongest(self._similarity(block @ matrix, start, norms), start, self.n_neighbours)
            for start, block in blocks_of(transposed, matrix)
        ]
        weights = stack(nearest, interactions.n_columns)
        # A row of ``nearest`` belongs to one item: the listener, or the speaker.
        self.weights_ = compact(weights.T.tocsr() if self.keep == "target" else weights)
        return self

    def _weighted(self, matrix: csr_array) -> csr_array:
        if self.weighting == "cosine":
            return matrix
        lengths = np.diff(matrix.indptr)
        rarity = np.log1p(matrix.shape[1] / np.maximum(lengths, 1))
        values = matrix.data.astype(np.float64)
        if self.weighting == "tfidf":
            values = np.sqrt(values)
        else:
            popularity = _column_sums(matrix, values)
            mean = popularity.mean() if len(popularity) else 1.0
            divisor = 1.0 - B + B * popularity / max(mean, 1e-9)
            values = values * (K1 + 1.0) / (values + K1 * divisor[matrix.indices])
        values = (values * np.repeat(rarity, lengths)).astype(np.float32)
        return csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)

    def _similarity(self, products: csr_array, start: int, norms: NDArray[np.float64]) -> csr_array:
        if self.weighting == "bm25":
            return products
        own = np.repeat(norms[start : start + products.shape[0]], np.diff(products.indptr))
        products.data = (
            products.data / (own * norms[products.indices] + self.shrinkage + 1e-12)
        ).astype(np.float32)
        return products


def _column_sums(matrix: csr_array, values: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.bincount(matrix.indices, weights=values, minlength=matrix.shape[1])
    return sums.astype(np.float64, copy=False)


def blocks_of(transposed: csr_array, matrix: csr_array) -> Iterator[tuple[int, csr_array]]:
    """Cut items into runs whose co-occurrences fit into ``BLOCK``, however many items there are."""
    if not transposed.shape[0]:
        return
    lengths = np.diff(matrix.indptr).astype(np.float64)
    met = np.concatenate([[0.0], np.cumsum(lengths[transposed.indices])])
    # An item cannot co-occur with more items than there are.
    sizes = np.minimum(np.diff(met[transposed.indptr]), transposed.shape[0])
    runs = np.floor(np.cumsum(sizes) / BLOCK)
    starts = np.flatnonzero(np.diff(runs, prepend=-1.0))
    for start, end in zip(starts, [*starts[1:], transposed.shape[0]], strict=True):
        yield int(start), transposed[start:end]


def strongest(
    similarity: csr_array, start: int, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], Float32]:
    """Return for each row how many were kept, and the columns and values of its ``n`` largest."""
    lengths, columns, values = [], [], []
    indptr = similarity.indptr
    for row in range(similarity.shape[0]):
        found = similarity.indices[indptr[row] : indptr[row + 1]]
        value = similarity.data[indptr[row] : indptr[row + 1]]
        value[found == start + row] = 0.0
        if len(value) > n:
            kept = np.argpartition(value, len(value) - n)[len(value) - n :]
            found, value = found[kept], value[kept]
        above = value > 0.0
        columns.append(found[above])
        values.append(value[above])
        lengths.append(len(columns[-1]))
    return (
        np.asarray(lengths, dtype=np.int64),
        np.concatenate(columns).astype(np.int32),
        np.concatenate(values).astype(np.float32),
    )


def stack(
    parts: list[tuple[NDArray[np.int64], NDArray[np.int32], Float32]], n_items: int
) -> csr_array:
    if not parts:
        return csr_array((n_items, n_items), dtype=np.float32)
    indptr = np.concatenate([[0], np.cumsum(np.concatenate([part[0] for part in parts]))])
    columns = np.concatenate([part[1] for part in parts])
    values = np.concatenate([part[2] for part in parts])
    return csr_array((values, columns, indptr), shape=(n_items, n_items))
