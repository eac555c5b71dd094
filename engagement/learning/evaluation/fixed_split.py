"""A fixed split: somebody else has decided what is learnt and what is asked."""

from __future__ import annotations

import numpy as np

from engagement.learning.evaluation.questions import (
    ALL,
    Questions,
    distinct_pairs,
    met_in,
    nothing_at,
    ones_at,
    some_of,
)
from engagement.learning.evaluation.tasks import EVERYONE, Task
from engagement.learning.interactions import Interactions


def fixed_split(
    train: Interactions,
    test: Interactions,
    rng: np.random.Generator,
    *,
    k: int = 20,
    n: int = EVERYONE,
    repeats: bool = False,
) -> Task:
    """
    Ask every row of ``test`` for its items; ``train`` and ``test`` are numbered alike.

    The protocol of LightGCN's files: what a row has in ``train`` is not ranked (unless
    ``repeats``), recall is divided by all answers, nDCG's ideal list is cut at ``k``. Items that
    ``train`` does not know stay answers, which nothing can find, and rows it does not know are
    asked without a history: leaving out what is hard would flatter everybody.
    """
    if (train.n_rows, train.n_columns) != (test.n_rows, test.n_columns):
        raise ValueError("train and test are numbered differently")
    rows, columns = np.divmod(
        distinct_pairs(test.rows, test.columns, test.n_columns), test.n_columns
    )
    asked = some_of(np.unique(rows), n, rng)
    truth = ones_at(rows, columns, test.n_rows, test.n_columns)[asked]
    histories = train.histories(asked)
    known = np.bincount(train.columns, minlength=train.n_columns) > 0
    banned = nothing_at(*truth.shape) if repeats else met_in(histories, train.n_columns)
    return Task(
        train=train,
        questions={ALL: Questions(histories, truth, banned)},
        k=k,
        metrics=("ndcg", "recall", "hit_rate", "mrr"),
        recall_of_all=True,
        notes={
            "unknown users": float(np.count_nonzero(np.diff(histories.starts) == 0)),
            "unknown items": float(np.count_nonzero(~known[np.unique(columns)])),
        },
    )
