"""Neighbouring sessions: visits that went like this one."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import DAY, Float32, Histories, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.sequence import in_order

Array = NDArray[Any]


def slices(starts: Array, lengths: Array) -> NDArray[np.int64]:
    """Return the positions of many slices, one after the other."""
    ends = np.cumsum(lengths)
    offsets = starts - (ends - lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(offsets, lengths) + np.arange(total)


class SessionKNN(Recommender):
    """
    Scores items by the sessions most like the current one.

    STAN (Garg et al., SIGIR 2019): late events of the visitor weigh more, rare items weigh more,
    recent sessions weigh more, and in a neighbour the items near the shared one weigh more. As in
    Serenade's VMIS-kNN (Kersbergen et al., SIGMOD 2022), an index from item to its latest
    ``n_sessions`` sessions bounds the work, so an answer takes the same time however long the log.

    ``history_decay``: what an event counts against the one after it. ``n_neighbours``: how many
    sessions speak. ``length_power``: a session of n items is divided by n to this power.
    ``reach``: an item d steps from the shared one counts exp(-d / reach), and ``before`` times
    that when it came earlier. ``half_life_days``: age at which a session counts half.
    """

    session_starts_: NDArray[np.int64]
    session_columns_: NDArray[np.int32]
    session_ends_: NDArray[np.int64]
    posting_starts_: NDArray[np.int64]
    posting_sessions_: NDArray[np.int32]
    posting_positions_: NDArray[np.int32]
    rarity_: NDArray[np.float32]

    def __init__(
        self,
        n_neighbours: int = 500,
        n_sessions: int = 1000,
        history_decay: float = 0.55,
        n_last: int = 20,
        length_power: float = 0.5,
        reach: float = 4.0,
        before: float = 0.7,
        half_life_days: float | None = None,
        session_gap: int | None = None,
    ) -> None:
        self.n_neighbours = n_neighbours
        self.n_sessions = n_sessions
        self.history_decay = history_decay
        self.n_last = n_last
        self.length_power = length_power
        self.reach = reach
        self.before = before
        self.half_life_days = half_life_days
        self.session_gap = session_gap

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        order, sessions = in_order(interactions, self.session_gap)
        columns = interactions.columns[order]
        moments = interactions.moments[order]
        n = int(sessions[-1]) + 1 if len(sessions) else 0
        lengths = np.bincount(sessions, minlength=n)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        ends = moments[starts[1:] - 1]
        # One posting a session and item, at the item's last position; latest sessions first.
        position = np.arange(len(columns)) - starts[sessions]
        by_item = np.lexsort((-position, sessions, -ends[sessions], columns))
        first = np.ones(len(by_item), dtype=bool)
        first[1:] = (np.diff(columns[by_item]) != 0) | (np.diff(sessions[by_item]) != 0)
        by_item = by_item[first]
        found_in = np.bincount(columns[by_item], minlength=interactions.n_columns)
        bounds = np.concatenate([[0], np.cumsum(found_in)])
        by_item = by_item[np.arange(len(by_item)) - bounds[columns[by_item]] < self.n_sessions]
        self.posting_starts_ = np.concatenate(
            [[0], np.cumsum(np.minimum(found_in, self.n_sessions))]
        )
        self.posting_sessions_ = sessions[by_item].astype(np.int32)
        self.posting_positions_ = position[by_item].astype(np.int32)
        self.session_starts_ = starts.astype(np.int64)
        self.session_columns_ = columns.astype(np.int32)
        self.session_ends_ = ends.astype(np.int64)
        self.rarity_ = np.log1p(n / np.maximum(found_in, 1)).astype(np.float32)
        self.n_items_ = np.array(interactions.n_columns)
        return self

    def score(self, histories: Histories) -> Float32:
        scores = np.zeros((len(histories), self.n_items), dtype=np.float32)
        for i in range(len(histories)):
            events = histories.columns[histories.starts[i] : histories.starts[i + 1]]
            columns, weights = self._neighbours_say(events, int(histories.now[i]))
            if len(columns):
                scores[i] = np.bincount(columns, weights, minlength=self.n_items)
        return scores

    def _neighbours_say(self, events: Array, now: int) -> tuple[Array, Array]:
        """Return items with weights, an item once for each mention in a neighbour session."""
        events = events[(events >= 0) & (events < self.n_items)][::-1][: self.n_last]
        latest, steps = np.unique(events, return_index=True)
        # The last event first: a session is entered at the latest item that it shares.
        by_step = np.argsort(steps, kind="stable")
        latest, steps = latest[by_step], steps[by_step]
        starts = self.posting_starts_[latest]
        lengths = self.posting_starts_[latest + 1] - starts
        if not lengths.sum():
            return np.empty(0, dtype=np.int64), np.empty(0)
        where = slices(starts, lengths)
        weight = np.repeat(self.history_decay**steps * self.rarity_[latest], lengths)
        met, entry, inverse = np.unique(
            self.posting_sessions_[where], return_index=True, return_inverse=True
        )
        similarity = np.bincount(inverse, weight).astype(np.float64)
        n_events = self.session_starts_[met + 1] - self.session_starts_[met]
        similarity /= n_events**self.length_power
        if self.half_life_days is not None:
            age = np.maximum(now - self.session_ends_[met], 0) / (self.half_life_days * DAY)
            similarity *= np.exp2(-age)
        shared_at = self.posting_positions_[where][entry]
        if len(met) > self.n_neighbours:
            best = np.sort(np.argpartition(-similarity, self.n_neighbours)[: self.n_neighbours])
            met, similarity, shared_at, n_events = (
                met[best],
                similarity[best],
                shared_at[best],
                n_events[best],
            )
        items = self.session_columns_[slices(self.session_starts_[met], n_events)]
        distance = slices(-shared_at.astype(np.int64), n_events)
        nearness = np.exp(-np.abs(distance) / self.reach)
        nearness[distance < 0] *= self.before
        return items, np.repeat(similarity, n_events) * nearness
