"""What a protocol hands over: data to learn from, questions, and how answers are counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engagement.learning.evaluation.metrics import Outcome, measure
from engagement.learning.evaluation.questions import Questions
from engagement.learning.interactions import Float32, Interactions
from engagement.learning.recommenders.base import Recommender

# More questions than anybody asks: all of them.
EVERYONE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Task:
    """
    One protocol applied to one log.

    ``questions`` by variant; the first one decides. ``k``: the length of the lists. ``metrics``:
    which of :data:`.metrics.PER_QUESTION` the protocol's tables print, the deciding one first.
    ``baseline_from``: what the baseline learns from, where that is not ``train``. ``catalogue``:
    which items are ranked (None: all that ``train`` knows). ``notes``: what a reader has to know,
    such as how many users were not asked, as numbers by name.
    """

    train: Interactions
    questions: dict[str, Questions]
    k: int = 10
    metrics: tuple[str, ...] = ("ndcg", "recall", "hit_rate", "mrr")
    recall_of_all: bool = False
    catalogue: NDArray[np.bool_] | None = None
    baseline_from: Interactions | None = None
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def variant(self) -> str:
        return next(iter(self.questions))

    def popularity(self) -> Float32:
        return popularity(self.train)

    def answered_by(self, model: Recommender, popularity: Float32) -> dict[str, Outcome]:
        """Return what a fitted model reaches by variant; those without questions are left out."""
        return {
            variant: measure(
                model,
                some,
                popularity,
                self.k,
                catalogue=self.catalogue,
                recall_of_all=self.recall_of_all,
            )
            for variant, some in self.questions.items()
            if len(some)
        }


def popularity(interactions: Interactions) -> Float32:
    """Return for each item the share of rows that met it."""
    matrix = interactions.matrix()
    counts = np.bincount(matrix.indices, minlength=interactions.n_columns)
    rows = max(int(np.count_nonzero(np.diff(matrix.indptr))), 1)
    return (counts / rows).astype(np.float32)
