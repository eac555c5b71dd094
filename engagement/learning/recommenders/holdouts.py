"""Held-out answers within the training data: what a blend learns from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import DAY, Histories, Interactions
from engagement.learning.recommenders.sequence import in_order
from engagement.learning.recommenders.sessions import slices


@dataclass(frozen=True, slots=True)
class Holdout:
    """Interactions to learn members from, questions, and the answers: (history, column) pairs."""

    before: Interactions
    histories: Histories
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    now: int


def windows(
    interactions: Interactions,
    horizon_days: float,
    n_splits: int,
    step_days: float,
    n_rows: int,
    rng: np.random.Generator,
    *,
    weighing: float = 0.0,
) -> Iterator[Holdout]:
    """
    Yield holdouts of ``horizon_days`` that end at the last moment and ``step_days`` apart before;
    of a third of the log where that is less.

    What came before each cut teaches the members; the distinct items that known rows meet in the
    window, by events ``weighing`` at least so much, are the answers. A split with less than one
    more horizon before it is left out.
    """
    moments = interactions.moments
    end = int(moments.max()) + 1
    horizon = min(int(horizon_days * DAY), (end - int(moments.min())) // 3)
    if not horizon:
        return
    for k in range(n_splits):
        cut = end - horizon - int(k * step_days * DAY)
        if cut - int(moments.min()) < horizon:
            return
        before = interactions.select(moments < cut)
        inside = (moments >= cut) & (moments < cut + horizon)
        inside &= interactions.weights >= weighing
        known_rows = np.bincount(before.rows, minlength=before.n_rows) > 0
        rows, columns = interactions.rows[inside], interactions.columns[inside]
        answerable = known_rows[rows]
        pairs = np.unique(np.stack([rows[answerable], columns[answerable]], axis=1), axis=0)
        asked = np.unique(pairs[:, 0])
        if len(asked) > n_rows:
            asked = np.sort(rng.choice(asked, n_rows, replace=False))
            pairs = pairs[np.isin(pairs[:, 0], asked)]
        if not len(asked):
            continue
        yield Holdout(
            before,
            before.histories(asked, now=cut),
            np.searchsorted(asked, pairs[:, 0]).astype(np.int64),
            pairs[:, 1].astype(np.int64),
            cut,
        )


def following(
    interactions: Interactions,
    share: float,
    n_events: int,
    rng: np.random.Generator,
    *,
    last_only: bool = False,
    n_last: int = 200,
) -> Iterator[Holdout]:
    """
    Yield one holdout whose questions are prefixes and whose answers are the next events.

    The latest ``share`` of events are asked about, or with ``last_only`` the last event of each
    row, whenever it was. Events without anything before them in their row are no questions.
    """
    order, sessions = in_order(interactions)
    position = np.arange(len(order))
    starts = np.searchsorted(sessions, sessions)
    moments = interactions.moments[order]
    if last_only:
        out = np.append(sessions[1:] != sessions[:-1], True) & (position > starts)
        cut = int(moments.max()) + 1
    else:
        cut = int(np.quantile(moments, 1 - share))
        out = moments >= cut
    before = interactions.select(np.sort(order[~out]))
    known = np.bincount(before.columns, minlength=before.n_columns) > 0
    asked = np.flatnonzero(out & (position > starts) & known[interactions.columns[order]])
    if len(asked) > n_events:
        asked = np.sort(rng.choice(asked, n_events, replace=False))
    if not len(asked):
        return
    lengths = np.minimum(asked - starts[asked], n_last)
    picked = order[slices(asked - lengths, lengths)]
    yield Holdout(
        before,
        Histories(
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            columns=interactions.columns[picked],
            moments=interactions.moments[picked],
            weights=interactions.weights[picked],
            now=moments[asked],
        ),
        np.arange(len(asked), dtype=np.int64),
        interactions.columns[order[asked]].astype(np.int64),
        cut,
    )
