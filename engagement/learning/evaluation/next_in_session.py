"""Sessions: given the beginning of a visit, what comes next?"""

from __future__ import annotations

import numpy as np

from engagement.learning.evaluation.questions import ALL, Questions, nothing_at, ones_at, some_of
from engagement.learning.evaluation.tasks import EVERYONE, Task
from engagement.learning.interactions import DAY, Histories, Int64, Interactions
from engagement.learning.recommenders.sequence import in_order
from engagement.learning.recommenders.sessions import slices


def prefixes_and_targets(
    train: Interactions,
    prefixes: Histories,
    targets: Int64,
    rng: np.random.Generator,
    *,
    k: int = 20,
    n: int = EVERYONE,
) -> Task:
    """
    Ask for the one item that followed each prefix; all items are ranked, those seen too.

    ``hit_rate`` is the P@k (or HR@k) of the session papers, ``mrr`` their MRR@k. A target that no
    session of ``train`` holds counts as missed.
    """
    asked = some_of(np.arange(len(prefixes), dtype=np.int64), n, rng)
    if len(asked) < len(prefixes):
        lengths = np.diff(prefixes.starts)[asked]
        kept = slices(prefixes.starts[asked], lengths)
        prefixes = Histories(
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            prefixes.columns[kept],
            prefixes.moments[kept],
            prefixes.weights[kept],
            prefixes.now[asked],
        )
        targets = targets[asked]
    known = np.bincount(train.columns, minlength=train.n_columns) > 0
    shape = (len(prefixes), train.n_columns)
    truth = ones_at(np.arange(len(prefixes)), targets, *shape)
    return Task(
        train=train,
        questions={ALL: Questions(prefixes, truth, nothing_at(*shape))},
        k=k,
        metrics=("mrr", "hit_rate", "ndcg"),
        notes={"unknown targets": float(np.count_nonzero(~known[targets]))},
    )


def next_in_session(
    interactions: Interactions,
    rng: np.random.Generator,
    *,
    days: float | None = None,
    share: float = 0.1,
    session_gap: int | None = None,
    n_last: int = 200,
    k: int = 20,
    n: int = EVERYONE,
) -> Task:
    """
    Hold out the sessions that begin in the last ``days`` (or the latest ``share`` of them).

    A session is a row, or with ``session_gap`` what a row does without a pause of more than so
    many seconds. Each event of a held-out session but the first is a question; its history is
    what came before it in the session, the latest ``n_last`` events.
    """
    order, sessions = in_order(interactions, session_gap)
    starts = np.flatnonzero(np.diff(sessions, prepend=-1))
    moments = interactions.moments[order]
    begins = moments[starts]
    if not len(starts):
        cut = 0
    elif days is None:
        cut = int(np.quantile(begins, 1.0 - share))
    else:
        cut = int(moments.max()) + 1 - round(days * DAY)
    held_out = (begins >= cut)[sessions]
    # Sessions that run on after the cut end there: what comes later is not known yet.
    train = interactions.select(np.sort(order[~held_out & (moments < cut)]))
    position = np.arange(len(order)) - starts[sessions]
    known = np.bincount(train.columns, minlength=train.n_columns) > 0
    columns = interactions.columns[order].astype(np.int64)
    asked = np.flatnonzero(held_out & (position > 0) & known[columns])
    asked = some_of(asked, n, rng)
    lengths = np.minimum(position[asked], n_last)
    picked = order[slices(asked - lengths, lengths)]
    prefixes = interactions.histories_at(picked, lengths, moments[asked])
    task = prefixes_and_targets(train, prefixes, columns[asked], rng, k=k)
    task.notes["sessions held out"] = float(np.count_nonzero(begins >= cut))
    return task
