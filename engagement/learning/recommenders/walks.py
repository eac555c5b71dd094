"""Walks along what is met together: further than any one session went."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.sparse import csr_array, diags_array, vstack

from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.sequence import (
    decayed,
    event_parts,
    in_order,
    keep_largest,
    nearby_pairs,
)

STEP = 2_000  # Items worked on at once: 30 links each lead to at most 900 ends.


class SequenceWalk(Recommender):
    """
    Two steps over the graph of items that visitors met near each other.

    Rules and neighbour sessions only know pairs that somebody met together; in a large catalogue
    with short sessions a third of what comes next never was. Here an item also speaks for the
    neighbours of its neighbours. A link weighs the sum of 1 / distance over the events at most
    ``window`` apart, forward 1, ``back`` as much backward, divided by the roots of both ends'
    totals (the normalised graph of LightGCN, He et al., SIGIR 2020, and GF-CF, Shen et al., CIKM
    2021, over sessions instead of users). The last events start the walk, each ``history_decay``
    times as strongly as the next.

    ``one_step`` is the weight of the direct links beside walks of two. Each item keeps its
    ``n_links`` strongest links for the walk, and its ``n_neighbours`` strongest ends of it, shape
    of ``weights_``: items × items, so an answer costs what :class:`.SequenceRules` costs.
    """

    weights_: csr_array

    def __init__(
        self,
        window: int = 3,
        back: float = 0.7,
        one_step: float = 0.0,
        n_links: int = 30,
        n_neighbours: int = 200,
        history_decay: float = 0.7,
        n_last: int = 20,
        session_gap: int | None = None,
    ) -> None:
        self.window = window
        self.back = back
        self.one_step = one_step
        self.n_links = n_links
        self.n_neighbours = n_neighbours
        self.history_decay = history_decay
        self.n_last = n_last
        self.session_gap = session_gap

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        n = interactions.n_columns
        order, sessions = in_order(interactions, self.session_gap)
        ahead = nearby_pairs(interactions.columns[order], sessions, self.window, n)
        graph = csr_array(ahead + self.back * ahead.T)
        leaving = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1.0) ** -0.5
        entering = np.maximum(np.asarray(graph.sum(axis=0)).ravel(), 1.0) ** -0.5
        links = csr_array(diags_array(leaving) @ graph @ diags_array(entering), dtype=np.float32)
        links = keep_largest(links, self.n_links)
        ends = []
        for start in range(0, n, STEP):
            some = links[start : start + STEP]
            reached = some @ links
            if self.one_step:
                reached = reached + self.one_step * some
            ends.append(keep_largest(csr_array(reached, dtype=np.float32), self.n_neighbours))
        self.weights_ = csr_array(vstack(ends)) if ends else links
        self.n_items_ = np.array(n)
        return self

    def score(self, histories: Histories) -> Float32:
        recent = decayed(histories, self.n_items, self.history_decay, self.n_last)
        return np.asarray((recent @ self.weights_).toarray(), dtype=np.float32)

    def explain(self, histories: Histories, column: int) -> Float32:
        weights = self.weights_[:, [column]].toarray().ravel()
        return event_parts(histories, weights, self.history_decay, self.n_last)
