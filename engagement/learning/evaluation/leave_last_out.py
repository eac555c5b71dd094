"""Leave-last-out: of every visitor the last event is the answer, everything before it is known."""

from __future__ import annotations

import numpy as np

from engagement.learning.evaluation.questions import (
    ALL,
    Questions,
    met_in,
    nothing_at,
    ones_at,
    some_of,
)
from engagement.learning.evaluation.tasks import EVERYONE, Task
from engagement.learning.interactions import Interactions
from engagement.learning.recommenders.sequence import in_order
from engagement.learning.recommenders.sessions import slices


def leave_last_out(
    interactions: Interactions,
    rng: np.random.Generator,
    *,
    k: int = 10,
    n: int = EVERYONE,
    skip: int = 0,
    withhold: int = 0,
    repeats: bool = False,
) -> Task:
    """
    Ask each row with at least two events for its last one.

    ``skip``: leave so many events at the end out altogether; 1 asks for the item before the last,
    for tuning. ``withhold``: so many events before the answer are part of the question, but no
    model learns from them; 1 is the protocol of S3-Rec's tables, where that item is for
    validation. ``repeats``: whether an item of the history may be the answer; if not, it is not
    ranked. Items that no training event names stay answers, which nothing can find.

    One row's future teaches about another row's present; where there are moments, prefer a time
    split.
    """
    order, rows = in_order(interactions)
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    lengths = np.diff(np.append(starts, len(rows))) - skip
    asked = some_of(np.flatnonzero(lengths >= 2), n, rng)
    ends = starts[asked] + lengths[asked] - 1
    # Rows that are too short to ask for anything still teach what they have.
    n_taught = np.where(lengths >= 2, lengths - 1 - withhold, lengths)
    taught = np.arange(len(rows)) - starts[rows] < n_taught[rows]
    train = interactions.select(np.sort(order[taught]))
    picked = order[slices(starts[asked], lengths[asked] - 1)]
    histories = interactions.histories_at(
        picked, lengths[asked] - 1, now=interactions.moments[order[ends]]
    )
    columns = interactions.columns[order[ends]].astype(np.int64)
    shape = (len(asked), interactions.n_columns)
    truth = ones_at(np.arange(len(asked)), columns, *shape)
    # An answer that was met before stays a question all the same: published figures hold them.
    banned = nothing_at(*shape) if repeats else met_in(histories, shape[1])
    return Task(
        train=train,
        questions={ALL: Questions(histories, truth, banned)},
        k=k,
        metrics=("ndcg", "hit_rate", "mrr"),
        notes={
            "rows": float(len(starts)),
            "too short": float(len(starts) - np.count_nonzero(lengths >= 2)),
        },
    )
