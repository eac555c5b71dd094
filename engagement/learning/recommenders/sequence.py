"""Models that read the order of events: what tends to follow what."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.sparse import csr_array, diags_array

from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders.base import Recommender


def in_order(
    interactions: Interactions, session_gap: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Return positions that put the events in order, and the session number of each event so ordered.

    A session is a row; with ``session_gap`` a pause of more than so many seconds starts a new one.
    Events of the same moment keep the order they came in.
    """
    order = np.lexsort((interactions.moments, interactions.rows))
    rows, moments = interactions.rows[order], interactions.moments[order]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = rows[1:] != rows[:-1]
    if session_gap is not None:
        starts[1:] |= np.diff(moments) > session_gap
    return order, np.cumsum(starts) - 1


def known_events(histories: Histories, n_columns: int) -> NDArray[np.bool_]:
    return np.asarray((histories.columns >= 0) & (histories.columns < n_columns))


def steps_from_end(histories: Histories, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each event how many ``known`` events of its history come after it."""
    until = np.concatenate([[0], np.cumsum(known)])
    return np.asarray(until[histories.starts[1:]][histories.rows()] - until[1:])


def decayed(histories: Histories, n_columns: int, decay: float, n_last: int) -> csr_array:
    """Return histories × columns: the last event counts 1, each one before it ``decay`` times."""
    known = known_events(histories, n_columns)
    steps = steps_from_end(histories, known)
    used = known & (steps < n_last)
    weights = np.power(decay, steps[used], dtype=np.float64).astype(np.float32)
    return csr_array(
        (weights, (histories.rows()[used], histories.columns[used])),
        shape=(len(histories), n_columns),
        dtype=np.float32,
    )


def event_parts(histories: Histories, rules: Float32, decay: float, n_last: int) -> Float32:
    """Return what each event of the single history adds, if an item adds what ``rules`` say."""
    known = known_events(histories, len(rules))
    steps = steps_from_end(histories, known)
    used = known & (steps < n_last)
    weights = np.power(decay, steps[used], dtype=np.float64)
    parts = np.zeros(len(histories.columns), dtype=np.float32)
    parts[used] = weights * rules[histories.columns[used]]
    return parts


def nearby_pairs(
    columns: NDArray[np.int32], sessions: NDArray[np.int64], window: int, n_columns: int
) -> csr_array:
    """
    Return items × items: for each two events of a session at most ``window`` apart, 1 / distance
    from the earlier one to the later one. Events are given in order.
    """
    counts = csr_array((n_columns, n_columns), dtype=np.float32)
    for distance in range(1, window + 1):
        together = sessions[distance:] == sessions[:-distance]
        before, after = columns[:-distance][together], columns[distance:][together]
        weights = np.full(len(before), 1 / distance, dtype=np.float32)
        counts = counts + csr_array((weights, (before, after)), shape=counts.shape)
    return counts


def keep_largest(matrix: csr_array, n: int) -> csr_array:
    """Return ``matrix`` with the ``n`` largest entries of each row; ties keep the lower column."""
    matrix.sort_indices()
    lengths = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(matrix.shape[0]), lengths)
    order = np.lexsort((-matrix.data, rows))
    rank = np.arange(len(order)) - matrix.indptr[rows]
    kept = np.sort(order[rank < n])
    indptr = np.concatenate([[0], np.cumsum(np.minimum(lengths, n))])
    return csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


class SequenceRules(Recommender):
    """
    «After this one, that one»: counts of pairs, nearer pairs counting more.

    Sequential rules of Ludewig and Jannach, «Evaluation of session-based recommendation
    algorithms» (2018): a pair at distance d counts 1/d. Here all of the last events speak, each
    ``history_decay`` times as loud as the next, and a rule counts by its confidence:
    ``normalisation`` 1 divides by how often the antecedent led anywhere, 0 keeps raw counts.
    """

    rules_: csr_array

    def __init__(
        self,
        window: int = 10,
        n_rules: int = 200,
        history_decay: float = 0.6,
        n_last: int = 20,
        normalisation: float = 0.5,
        session_gap: int | None = None,
    ) -> None:
        self.window = window
        self.n_rules = n_rules
        self.history_decay = history_decay
        self.n_last = n_last
        self.normalisation = normalisation
        self.session_gap = session_gap

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        n = interactions.n_columns
        order, sessions = in_order(interactions, self.session_gap)
        counts = nearby_pairs(interactions.columns[order], sessions, self.window, n)
        totals = np.maximum(counts.sum(axis=1), 1) ** self.normalisation
        rules = csr_array(diags_array(1 / totals) @ counts, dtype=np.float32)
        self.rules_ = keep_largest(rules, self.n_rules)
        self.n_items_ = np.array(n)
        return self

    def score(self, histories: Histories) -> Float32:
        recent = decayed(histories, self.n_items, self.history_decay, self.n_last)
        return np.asarray((recent @ self.rules_).toarray(), dtype=np.float32)

    def explain(self, histories: Histories, column: int) -> Float32:
        rules = self.rules_[:, [column]].toarray().ravel()
        return event_parts(histories, rules, self.history_decay, self.n_last)


class NextItem(Recommender):
    """
    A ridge regression from the decayed history to the next event, in closed form.

    The order-aware sibling of EASE: what is predicted is not the set but what comes next, so the
    weights are directed (compare SLIST, Choi et al., WWW 2021). The inverse needs items² × 4 bytes:
    a larger catalogue than ``max_items`` is learnt on its most used items, the others score zero.
    """

    weights_: Float32
    used_: NDArray[np.int64]

    def __init__(
        self,
        regularization: float = 100.0,
        history_decay: float = 0.8,
        n_last: int = 30,
        max_items: int = 12_000,
        session_gap: int | None = None,
    ) -> None:
        self.regularization = regularization
        self.history_decay = history_decay
        self.n_last = n_last
        self.max_items = max_items
        self.session_gap = session_gap

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        n = interactions.n_columns
        found = np.bincount(interactions.columns, minlength=n)
        self.used_ = np.sort(np.argsort(-found, kind="stable")[: self.max_items])
        number = np.full(n, -1, dtype=np.int64)
        number[self.used_] = np.arange(len(self.used_))
        order, sessions = in_order(interactions, self.session_gap)
        columns = number[interactions.columns[order]]
        asking, before, weights = [], [], []
        for distance in range(1, self.n_last + 1):
            together = np.flatnonzero(sessions[distance:] == sessions[:-distance])
            asking.append(together + distance)
            before.append(columns[together])
            weights.append(np.full(len(together), self.history_decay ** (distance - 1)))
        rows, met = np.concatenate(asking), np.concatenate(before)
        values = np.concatenate(weights).astype(np.float32)
        known = met >= 0
        shape = (len(columns), len(self.used_))
        past = csr_array((values[known], (rows[known], met[known])), shape=shape)
        asked = np.flatnonzero(columns >= 0)
        ones = np.ones(len(asked), dtype=np.float32)
        following = csr_array((ones, (asked, columns[asked])), shape=shape)
        gram = (past.T @ past).toarray().astype(np.float64)
        gram[np.diag_indices(len(gram))] += self.regularization
        if len(gram):
            target = (past.T @ following).toarray()
            solved = solve(gram, target, assume_a="pos", overwrite_a=True, overwrite_b=True)
            self.weights_ = solved.astype(np.float32)
        else:
            self.weights_ = np.zeros((0, 0), dtype=np.float32)
        self.n_items_ = np.array(n)
        return self

    def score(self, histories: Histories) -> Float32:
        recent = decayed(histories, self.n_items, self.history_decay, self.n_last)
        scores = np.zeros((len(histories), self.n_items), dtype=np.float32)
        scores[:, self.used_] = recent[:, self.used_] @ self.weights_
        return scores

    def explain(self, histories: Histories, column: int) -> Float32:
        place = np.flatnonzero(self.used_ == column)
        rules = np.zeros(self.n_items, dtype=np.float32)
        if len(place):
            rules[self.used_] = self.weights_[:, place[0]]
        return event_parts(histories, rules, self.history_decay, self.n_last)
