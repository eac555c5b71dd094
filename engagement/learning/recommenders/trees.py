"""Boosted trees as plain arrays, so that a ranker needs no library to serve and no code to load."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32
from engagement.learning.recommenders.paths import Paths

BLOCK = 100_000  # Rows × trees walked down at once: what fits into a processor's cache.


@dataclass(frozen=True, slots=True)
class Trees:
    """
    Regression trees one after the other; their values add up.

    Node ``k`` sends a row to ``left[k]`` where ``row[feature[k]] <= threshold[k]``, else to
    ``right[k]``; a leaf leads to itself. ``value`` is the mean of what lies below a node, and so
    the prediction at a leaf. ``depth`` is the longest way down.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    depth: NDArray[np.int32]
    # For :meth:`predict`, from the arrays above; not stored.
    _paths: Paths = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_paths", Paths.of(self))

    @classmethod
    def from_lightgbm(cls, model: dict[str, Any]) -> Self:
        """Read what ``Booster.dump_model()`` returns: numeric splits, no missing values."""
        roots: list[int] = []
        nodes: list[list[float]] = []
        depth = 0

        for tree in model["tree_info"]:
            roots.append(len(nodes))
            nodes.append([])
            waiting = [(tree["tree_structure"], roots[-1], 0)]
            while waiting:
                node, at, level = waiting.pop()
                depth = max(depth, level)
                if "split_index" not in node:
                    nodes[at] = [0, 0.0, at, at, node["leaf_value"]]
                    continue
                left, right = len(nodes), len(nodes) + 1
                nodes += [[], []]
                mean = node["internal_value"]
                nodes[at] = [node["split_feature"], node["threshold"], left, right, mean]
                waiting.append((node["left_child"], left, level + 1))
                waiting.append((node["right_child"], right, level + 1))

        table = np.array(nodes, dtype=np.float64).reshape(-1, 5)
        threshold = table[:, 1].astype(np.float32)
        # Rounded down: a feature that equals the rounded threshold must not change sides.
        above = threshold > table[:, 1]
        threshold[above] = np.nextafter(threshold[above], np.float32(-np.inf))
        return cls(
            roots=np.array(roots, dtype=np.int32),
            feature=table[:, 0].astype(np.int32),
            threshold=threshold,
            left=table[:, 2].astype(np.int32),
            right=table[:, 3].astype(np.int32),
            value=table[:, 4].astype(np.float32),
            depth=np.array(depth, dtype=np.int32),
        )

    def predict(self, features: Float32) -> Float32:
        """Return the sum of the trees for each row."""
        return self._paths.predict(features)

    def contributions(self, features: Float32) -> Float32:
        """
        Return rows × (features + 1): what each feature adds; the last column is the constant.

        The way from root to leaf changes the mean below; each change belongs to the feature that
        was asked (Saabas, 2014). Rows sum to :meth:`predict`.
        """
        n_rows, n = features.shape
        out = np.zeros((n_rows, n + 1), dtype=np.float64)
        out[:, n] = self.value[self.roots].sum()
        step = max(BLOCK // max(len(self.roots), 1), 1)
        for start in range(0, n_rows, step):
            rows = features[start : start + step]
            at = np.arange(len(rows))[:, None]
            node = np.repeat(self.roots[None], len(rows), axis=0)
            changes = np.zeros(len(rows) * n)
            for _ in range(int(self.depth)):
                asked = self.feature.take(node)
                goes_left = rows[at, asked] <= self.threshold.take(node)
                below = np.where(goes_left, self.left.take(node), self.right.take(node))
                moved = self.value.take(below) - self.value.take(node)
                changes += np.bincount((at * n + asked).ravel(), moved.ravel(), len(changes))
                node = below
            out[start : start + step, :n] = changes.reshape(len(rows), n)
        return out.astype(np.float32)

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        return {some.name: getattr(self, some.name) for some in fields(self) if some.init}
