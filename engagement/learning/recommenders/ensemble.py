"""Several recommenders added up: a blend for data that leave a ranker nothing to learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.members import HERE, Members, Specs

MEMBERS: Specs = {
    "walk": {
        "BACKEND": f"{HERE}.graph.RP3Beta",
        "OPTIONS": {"n_neighbours": 777, "alpha": 0.566, "beta": 0.25},
    },
    "filter": {"BACKEND": f"{HERE}.graph.GraphFilter", "OPTIONS": {"n_factors": 1024}},
}


class Ensemble(Recommender):
    """
    The weighted sum of what the members say, each in its own standard deviations.

    Where nothing is known but who met what, :class:`.Blend` has no time to split by and no
    feature to add; the mean of models that err differently is then hard to beat. Each member's
    scores of a history are divided by their standard deviation over all items, so that no member
    is louder than its ``weights``: name → weight, 1 where missing.

    ``members``: name → ``{"BACKEND": …, "OPTIONS": …, "WINDOW_DAYS": …}`` as for a blend, by
    default ``MEMBERS``: a walk and a filter on the graph of visitors and items.
    """

    def __init__(
        self, members: Specs | None = None, weights: dict[str, float] | None = None
    ) -> None:
        unknown = set(weights or ()) - set(MEMBERS if members is None else members)
        if unknown:
            raise ValueError(f"weights name no members: {', '.join(sorted(unknown))}")
        self.members = members
        self.weights = weights
        self._members = Members(self._specs)

    @property
    def _specs(self) -> Specs:
        return MEMBERS if self.members is None else self.members

    def fit(
        self,
        interactions: Interactions,
        *,
        rng: np.random.Generator | None = None,
        catalogue: Catalogue | None = None,
    ) -> Self:
        now = int(interactions.moments.max()) + 1 if len(interactions) else 0
        rng = rng or np.random.default_rng(0)
        self._members = Members(self._specs).fit(interactions, now, catalogue or Catalogue(), rng)
        self.n_items_ = np.array(interactions.n_columns)
        return self

    def score(self, histories: Histories) -> Float32:
        total = np.zeros((len(histories), self.n_items), dtype=np.float32)
        if self.n_items:
            for _, said in self._said(histories):
                total += said
        return total

    def attribute(
        self, histories: Histories, columns: Sequence[int]
    ) -> list[dict[str, float]] | None:
        parts = {name: said[0] for name, said in self._said(histories)}
        return [
            {f"standing.{n}": float(part[column]) for n, part in parts.items()}
            for column in columns
        ]

    def _said(self, histories: Histories) -> list[tuple[str, Float32]]:
        """Return each member's name and weighted scores, histories × items."""
        said = []
        for name, scores in zip(self._specs, self._members.score(histories), strict=True):
            # Subtracting the mean as well would move all items alike, and silence above zero.
            spread = scores.std(axis=1, keepdims=True) + np.float32(1e-9)
            weight = np.float32((self.weights or {}).get(name, 1.0))
            said.append((name, np.asarray(weight * scores / spread, dtype=np.float32)))
        return said

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        return super().get_arrays() | self._members.get_arrays()

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        super().set_arrays({key: array for key, array in arrays.items() if "-" not in key})
        self._members = Members(self._specs).set_arrays(arrays)
        return self
