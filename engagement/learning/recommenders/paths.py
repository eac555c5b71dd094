"""All ways from root to leaf of many trees, walked at once: a bit a row, a condition a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32

if TYPE_CHECKING:
    from engagement.learning.recommenders.trees import Trees

BLOCK = 1_000_000  # Leaves × rows looked at in one go.
# Numbers worked on at once within that: what fits into a processor's second cache.
CACHE = 100_000


@dataclass(frozen=True, slots=True)
class Paths:
    """
    The leaves of :class:`.Trees`, and on what conditions a row comes there.

    Trees repeat their questions: each (feature, threshold) is asked once, for all rows, and the
    answers are kept as bits. A leaf holds the rows that fulfil all conditions on its path, eight
    rows a byte (after QuickScorer: Lucchese et al., SIGIR 2015). ``steps`` is depth × leaves: with
    ``k`` questions, condition ``i`` is «yes» to question ``i``, ``k + i`` «no», ``2 k`` is always
    true.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    steps: NDArray[np.int64]
    value: NDArray[np.float32]

    @classmethod
    def of(cls, trees: Trees) -> Self:
        inner = np.flatnonzero(trees.left != np.arange(len(trees.left)))
        asked = np.stack([trees.feature[inner], trees.threshold[inner]], axis=1).astype(np.float64)
        questions, number = np.unique(asked, axis=0, return_inverse=True)
        n = len(questions)
        question = np.full(len(trees.left), 2 * n)
        question[inner] = number.ravel()
        at = trees.roots.astype(np.int64)
        steps = np.empty((0, len(at)), dtype=np.int64)
        for _ in range(int(trees.depth)):
            # A leaf leads to itself on the condition that is always true.
            ends = question[at] == 2 * n
            goes_on = np.flatnonzero(~ends)
            no = np.minimum(question[at] + n, 2 * n)[goes_on]
            taken = np.concatenate([np.arange(len(at)), goes_on])
            last = np.concatenate([question[at], no])
            steps = np.concatenate([steps[:, taken], last[None]])
            at = np.concatenate([np.where(ends, at, trees.left[at]), trees.right[at[goes_on]]])
        feature = questions[:, 0].astype(np.int64)
        return cls(feature, questions[:, 1].astype(np.float32), steps, trees.value[at])

    def predict(self, features: Float32) -> Float32:
        """Return the sum over the leaves that each row comes to."""
        out = np.empty(len(features), dtype=np.float32)
        step = max(BLOCK // max(len(self.value), 1), 64)
        for start in range(0, len(features), step):
            rows = features[start : start + step]
            out[start : start + step] = self._summed(self._reached(rows), len(rows))
        return out

    def _summed(self, reached: NDArray[np.uint8], n_rows: int) -> Float32:
        total = np.zeros(n_rows, dtype=np.float32)
        step = max(CACHE // max(n_rows, 1), 1)
        bits = np.empty((step, n_rows), dtype=np.float32)
        for start in range(0, len(reached), step):
            some = reached[start : start + step]
            bits[: len(some)] = np.unpackbits(some, axis=1, count=n_rows)
            total += self.value[start : start + step] @ bits[: len(some)]
        return total

    def _reached(self, rows: Float32) -> NDArray[np.uint8]:
        """Return leaves × rows, a bit each: 1 where the row comes to the leaf."""
        n, n_rows = len(self.feature), len(rows)
        by_feature = np.ascontiguousarray(rows.T)
        # Whole words of 64 rows.
        conditions = np.zeros((2 * n + 1, -(-n_rows // 64)), dtype=np.uint64)
        yes = conditions.view(np.uint8)[:n, : -(-n_rows // 8)]
        step = max(CACHE // max(n_rows, 1), 1)
        for start in range(0, n, step):
            some = by_feature.take(self.feature[start : start + step], axis=0)
            above = some <= self.threshold[start : start + step, None]
            yes[start : start + step] = np.packbits(above, axis=1)
        np.invert(conditions[:n], out=conditions[n : 2 * n])
        conditions[2 * n] = ~np.uint64(0)
        reached = np.full((len(self.value), conditions.shape[1]), ~np.uint64(0))
        for step_down in self.steps:
            reached &= conditions.take(step_down, axis=0)
        return reached.view(np.uint8)
