"""Time split: one moment cuts through all visitors; what came after it is to be predicted."""

from __future__ import annotations

import numpy as np

from engagement.learning.evaluation.questions import what_comes_next
from engagement.learning.evaluation.split import by_time, holdout_days
from engagement.learning.evaluation.tasks import EVERYONE, Task
from engagement.learning.interactions import Interactions


def time_split(
    interactions: Interactions,
    rng: np.random.Generator,
    *,
    days: float = 28,
    k: int = 10,
    n: int = EVERYONE,
    target: Interactions | None = None,
) -> Task:
    """
    Hold out the last ``days`` (see :func:`.split.holdout_days` for short logs) and ask known
    visitors.

    Variant ``all``: whatever they took is right. Variant ``new``: only what they had never taken,
    and what they had is not ranked. ``target``: see :func:`.split.by_time`.
    """
    days = holdout_days(interactions, days)
    split = by_time(interactions, days, target)
    known = np.bincount(split.train.rows, minlength=split.train.n_rows) > 0
    answering = np.unique(split.answers.rows)
    return Task(
        train=split.train,
        questions=what_comes_next(split, n, rng),
        k=k,
        baseline_from=split.before,
        notes={"days": days, "strangers": float(np.count_nonzero(~known[answering]))},
    )
