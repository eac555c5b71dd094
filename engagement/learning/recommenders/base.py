"""The contract of everything that scores items for a visitor."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders.spoken import Spoken
from engagement.learning.storable import Storable

if TYPE_CHECKING:
    from engagement.learning.recommenders.features import Catalogue


class Recommender(Storable):
    """
    Learns from interactions, scores all items for given histories. Neither filters nor ranks.

    Options are the arguments of ``__init__``, stored unchanged under the same names. What is learnt
    lives in attributes that end in ``_`` and are NumPy arrays or SciPy CSR arrays; together with
    the options they are the whole model, so that a model file is data and nothing else.
    """

    n_items_: NDArray[np.int64]

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        """Learn from ``interactions``. The same data and ``rng`` give the same model."""
        raise NotImplementedError

    def refit(
        self,
        interactions: Interactions,
        *,
        rng: np.random.Generator | None = None,
        catalogue: Catalogue | None = None,
    ) -> Self:
        """
        Learn newer ``interactions`` lightly: what was chosen by held-out answers may stay.

        For most models that is :meth:`fit`.
        """
        if "catalogue" in inspect.signature(self.fit).parameters:
            return self.fit(interactions, rng=rng, catalogue=catalogue)  # type: ignore[call-arg]
        return self.fit(interactions, rng=rng)

    def score(self, histories: Histories) -> Float32:
        """
        Return scores, shape (number of histories, number of items): higher is better.

        A zero or negative score says «nothing speaks for this item». Items in a history are
        scored as any other: whether to repeat them is not the model's business.
        """
        raise NotImplementedError

    def speak(self, histories: Histories) -> Spoken:
        """
        Return :meth:`score` of a *single* history, of some items if the others score zero.

        A model that knows which items a history leads to need not look at all of them.
        """
        return Spoken.of_all(self.score(histories)[0])

    def explain(self, histories: Histories, column: int) -> Float32 | None:
        """
        Return what each event of the *single* history adds to the score of ``column``.

        The contributions sum to the score. Models that are not additive return None.
        """
        return None

    def explain_each(self, histories: Histories, columns: Sequence[int]) -> list[Float32 | None]:
        """Return :meth:`explain` of several columns; a model may do it faster than one by one."""
        return [self.explain(histories, column) for column in columns]

    def attribute(
        self, histories: Histories, columns: Sequence[int]
    ) -> list[dict[str, float]] | None:
        """
        Return what each feature, by its name, adds to the scores of ``columns`` for the *single*
        history. The parts of an item sum to its score. Models without features return None.
        """
        return None

    @property
    def n_items(self) -> int:
        return int(self.n_items_)
