"""Cold items: who will take an item that nobody has touched?"""

from __future__ import annotations

import numpy as np

from engagement.learning.evaluation.questions import (
    Questions,
    distinct_pairs,
    nothing_at,
    ones_at,
    some_of,
)
from engagement.learning.evaluation.split import holdout_days
from engagement.learning.evaluation.tasks import EVERYONE, Task
from engagement.learning.interactions import DAY, Interactions

COLD = "cold"


def cold_items(
    interactions: Interactions,
    rng: np.random.Generator,
    *,
    days: float | None = 28,
    share: float = 0.2,
    k: int = 10,
    n: int = EVERYONE,
) -> Task:
    """
    Take items out of training altogether, and ask visitors which of *them* they took.

    With ``days``: the items that were first met in the last days; nothing of those days teaches,
    and visitors are asked with what they did before. Without: a random ``share`` of the items.
    Only cold items are ranked, so that models which know them from their texts are told from
    chance; a model that needs interactions scores all of them zero, and hits nothing.
    """
    n_columns = interactions.n_columns
    if days is None:
        met = np.unique(interactions.columns).astype(np.int64)
        cold = np.zeros(n_columns, dtype=bool)
        cold[some_of(met, max(round(share * len(met)), 1), rng)] = True
        train = interactions.select(~cold[interactions.columns])
        later = np.ones(len(interactions), dtype=bool)
        now = int(interactions.moments.max()) if len(interactions) else 0
    else:
        days = holdout_days(interactions, days)
        end = int(interactions.moments.max()) + 1 if len(interactions) else 0
        now = end - round(days * DAY)
        later = interactions.moments >= now
        train = interactions.select(~later)
        cold = np.bincount(interactions.columns[later], minlength=n_columns) > 0
        cold &= np.bincount(train.columns, minlength=n_columns) == 0
    known = np.bincount(train.rows, minlength=train.n_rows) > 0
    taken = later & cold[interactions.columns] & known[interactions.rows]
    pairs = distinct_pairs(interactions.rows[taken], interactions.columns[taken], n_columns)
    rows, columns = np.divmod(pairs, max(n_columns, 1))
    asked = some_of(np.unique(rows), n, rng)
    truth = ones_at(rows, columns, train.n_rows, n_columns)[asked]
    return Task(
        train=train,
        questions={
            COLD: Questions(train.histories(asked, now=now), truth, nothing_at(*truth.shape))
        },
        k=k,
        metrics=("ndcg", "recall", "hit_rate", "mrr"),
        catalogue=cold,
        notes={"cold items": float(np.count_nonzero(cold))},
    )
