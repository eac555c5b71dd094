"""What is bought together beyond chance, and in which order."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import chdtri, xlogy

from engagement.learning.interactions import Int64, Interactions
from engagement.learning.recommenders.additive import ItemToItem, check_counts, compact, saturated
from engagement.learning.recommenders.neighbours import blocks_of, stack, strongest

Z = 1.64  # Of Wilson's bound: one-sided, 95 %.
AGAINST = 2.326  # Standard deviations: one-sided, 1 %.


class BoughtTogether(ItemToItem):
    """
    Association rules of two items (Agrawal, SIGMOD 1993): whoever took ``i`` takes ``j``.

    Only pairs whose lift is above 1 beyond chance are kept: log-likelihood ratio (Dunning, 1993)
    at level ``significance``, at least ``min_baskets`` baskets. A rule weighs P(j | i) divided by
    P(j) to the power ``damping``: with 0 best sellers complete everything, with 1 (lift) rarities
    do. P(j | i) is the lower end of its interval (Wilson, 1927): two baskets are no proof.

    Rows are baskets; those of more than ``max_basket`` items are purchases of a trader and say
    little. Where rows have an order in time and it is beyond chance that ``j`` comes before ``i``
    (``directed``), the rule from ``i`` to ``j`` shrinks to the share that came in its direction: a
    case follows a phone, not a phone a case.
    """

    def __init__(
        self,
        n_neighbours: int = 50,
        damping: float = 0.25,
        significance: float = 0.01,
        min_baskets: int = 3,
        max_basket: int = 100,
        directed: bool = True,
        half_life_days: float | None = None,
        history: str = "once",
    ) -> None:
        if not 0 < significance < 1:
            raise ValueError(f"significance must lie between 0 and 1, not {significance!r}")
        check_counts(history)
        self.n_neighbours = n_neighbours
        self.damping = damping
        self.significance = significance
        self.min_baskets = min_baskets
        self.max_basket = max_basket
        self.directed = directed
        self.half_life_days = half_life_days
        self.history = history

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        n = interactions.n_columns
        self.n_items_ = np.asarray(n)
        baskets = saturated(interactions.matrix(), "once")
        baskets.data = np.ones_like(baskets.data)
        sizes = np.diff(baskets.indptr)
        used = (sizes > 0) & (sizes <= self.max_basket)
        baskets = csr_array(baskets[np.flatnonzero(used)])
        sold = np.bincount(baskets.indices, minlength=n).astype(np.float64)
        kept = [
            strongest(
                self._rules(block @ baskets, start, sold, baskets.shape[0]),
                start,
                self.n_neighbours,
            )
            for start, block in blocks_of(baskets.T.tocsr(), baskets)
        ]
        rules = stack(kept, n)
        if self.directed and rules.nnz:
            _shrink_against_the_order(rules, interactions.select(used[interactions.rows]))
        self.weights_ = compact(rules)
        return self

    def _rules(
        self, together: csr_array, start: int, sold: NDArray[np.float64], n_baskets: int
    ) -> csr_array:
        """Turn baskets with both items into weights of rules; what may be chance becomes zero."""
        both = together.data.astype(np.float64)
        first = np.repeat(sold[start : start + together.shape[0]], np.diff(together.indptr))
        second = sold[together.indices]
        evidence = log_likelihood_ratio(both, first, second, n_baskets)
        # One-sided: half of the two-sided statistic's tail lies on the side of a lift below 1.
        enough = chdtri(1, 2 * self.significance) if self.significance < 0.5 else 0.0
        told = (both * n_baskets > first * second) & (evidence > enough)
        told &= both >= self.min_baskets
        weights = wilson_lower(both, first) / np.power(second / n_baskets, self.damping)
        together.data = np.where(told, weights, 0).astype(np.float32)
        return together


def log_likelihood_ratio(
    both: NDArray[np.float64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    total: float,
) -> NDArray[np.float64]:
    """Return G² of the table (both, first only, second only, neither), χ² with one degree."""
    cells = np.stack([both, first - both, second - both, total - first - second + both])
    rows = np.stack([first, first, total - first, total - first])
    columns = np.stack([second, total - second, second, total - second])
    expected = np.maximum(rows * columns / total, 1e-12)
    return np.asarray(2 * xlogy(cells, np.maximum(cells, 1e-12) / expected).sum(axis=0))


def wilson_lower(hits: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lower end of Wilson's interval for the share ``hits`` / ``n``."""
    n = np.maximum(n, 1e-12)
    share = np.minimum(hits / n, 1)
    spread = Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return np.asarray((share + Z**2 / (2 * n) - spread) / (1 + Z**2 / n))


def _shrink_against_the_order(rules: csr_array, interactions: Interactions) -> None:
    """Multiply each rule that mostly happened the other way round by twice its share."""
    n = rules.shape[0]
    rules.sort_indices()
    sources = np.repeat(np.arange(n, dtype=np.int64), np.diff(rules.indptr))
    pairs = sources * n + rules.indices
    forward = _count_in_order(interactions, pairs)
    # The reverse of a rule need not be a rule itself; its baskets are counted all the same.
    back = rules.indices.astype(np.int64) * n + sources
    order = np.argsort(back, kind="stable")
    backward = np.empty_like(forward)
    backward[order] = _count_in_order(interactions, back[order])
    both = forward + backward
    against = (backward - forward) / np.sqrt(np.maximum(both, 1)) > AGAINST
    share = forward / np.maximum(both, 1)
    rules.data[against] *= (2 * share[against]).astype(np.float32)


def _count_in_order(interactions: Interactions, pairs: Int64) -> NDArray[np.float64]:
    """Return for each of the sorted ``pairs`` in how many rows its first item came first."""
    order = np.lexsort((interactions.moments, interactions.rows))
    met = interactions.rows[order].astype(np.int64) * interactions.n_columns
    met += interactions.columns[order]
    _, first = np.unique(met, return_index=True)
    order = order[np.sort(first)]  # The first meeting of each row and item, in order of time.
    rows, moments = interactions.rows[order], interactions.moments[order]
    columns = interactions.columns[order].astype(np.int64)
    counts = np.zeros(len(pairs), dtype=np.float64)
    for step in range(1, int(np.bincount(rows).max(initial=0))):
        later = (rows[step:] == rows[:-step]) & (moments[step:] > moments[:-step])
        found = columns[:-step][later] * interactions.n_columns + columns[step:][later]
        at = np.minimum(np.searchsorted(pairs, found), len(pairs) - 1)
        counts += np.bincount(at[pairs[at] == found], minlength=len(pairs))
    return counts
