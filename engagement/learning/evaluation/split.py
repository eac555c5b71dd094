"""The past teaches, the last days test: one moment cuts through all visitors at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engagement.learning.interactions import DAY, Interactions


@dataclass(frozen=True, slots=True)
class Split:
    """
    What models learn from (``train``), and what is asked of them.

    ``before`` and ``answers`` are the interactions that count as answers (for a shop: purchases)
    before and after the ``cut``. Answers hold items that occur in ``train`` only: nothing could
    rank the others.
    """

    train: Interactions
    before: Interactions
    answers: Interactions
    cut: int


def by_time(interactions: Interactions, days: float, target: Interactions | None = None) -> Split:
    """
    Hold out the last ``days`` before the last moment in the data.

    ``target``: which interactions are to be predicted, numbered as ``interactions`` are (see
    :func:`renumber`); by default all.
    """
    target = interactions if target is None else target
    if not len(interactions):
        return Split(interactions, target, target.select(np.zeros(len(target), bool)), 0)
    cut = int(interactions.moments.max()) + 1 - round(days * DAY)
    train = interactions.select(interactions.moments < cut)
    known = np.bincount(train.columns, minlength=train.n_columns) > 0
    later = target.moments >= cut
    return Split(
        train=train,
        before=target.select(~later),
        answers=target.select(later & known[target.columns]),
        cut=cut,
    )


def holdout_days(interactions: Interactions, days: float) -> float:
    """
    Return how many days to hold out: ``days``, or a third of what there is where that is less.

    Zero where there are not even two days.
    """
    if not len(interactions):
        return 0.0
    span = float(interactions.moments.max() - interactions.moments.min()) / DAY
    return min(float(days), span / 3.0) if span >= 2.0 else 0.0


def renumber(interactions: Interactions, like: Interactions) -> Interactions:
    """Return ``interactions`` in the row and column numbers of ``like``, less what it lacks."""
    rows, has_row = _places(interactions.row_keys, like.row_keys)
    columns, has_column = _places(interactions.column_keys, like.column_keys)
    kept = has_row[interactions.rows] & has_column[interactions.columns]
    return Interactions(
        rows=rows[interactions.rows[kept]].astype(np.int32),
        columns=columns[interactions.columns[kept]].astype(np.int32),
        moments=interactions.moments[kept],
        weights=interactions.weights[kept],
        n_rows=like.n_rows,
        n_columns=like.n_columns,
        row_keys=like.row_keys,
        column_keys=like.column_keys,
    )


def _places(keys: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each of ``keys`` stands in the sorted ``known``, and whether it does."""
    if not len(known):
        return np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return places, known[places] == keys
