"""
Amazon Beauty and Toys (S3-Rec's files), leave-one-out.

python -m benchmarks.sequences [--validation] [--refit]

Each user's last item is the answer, everything before is the history; items of the history are
masked; all items are ranked. HR@10 and NDCG@10 as in S3-Rec's full-rank table. As there, models
learn without the item before the answer either, which is for validation; with --refit they learn
from it too, as a shop would. Settings were not tuned; --validation answers with the item before the
last. The files hold an order and no times: one step stands for a day.
"""

from __future__ import annotations

import argparse
import gzip

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures import DATA, next_at, show, stopwatch
from engagement.learning.interactions import DAY, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.blend import Blend, build

HERE = "engagement.learning.recommenders"
MEMBERS = {
    "rules": {
        "BACKEND": f"{HERE}.sequence.SequenceRules",
        "OPTIONS": {"history_decay": 0.7, "normalisation": 0.5},
    },
    "sessions": {
        "BACKEND": f"{HERE}.sessions.SessionKNN",
        "OPTIONS": {"history_decay": 0.8, "reach": 3.0, "before": 0.5},
    },
    "last": {
        "BACKEND": f"{HERE}.sequence.SequenceRules",
        "OPTIONS": {"n_last": 1, "normalisation": 1.0},
    },
    "alike": {"BACKEND": f"{HERE}.userknn.UserKNN", "OPTIONS": {"half_life_days": 5}},
    "walk": {
        "BACKEND": f"{HERE}.graph.RP3Beta",
        "OPTIONS": {"alpha": 0.8, "beta": 0.3, "half_life_days": 5},
    },
}
POPULAR = {"popular": {"BACKEND": f"{HERE}.popular.MostPopular"}}
BLEND = {
    "answers": "last",
    "repeats": False,
    "horizon_days": 5,
    "n_questions": 12_000,
    "n_candidates": 60,
    "n_ranked": 120,
    "n_trees": 200,
    "n_leaves": 15,
}


def load(name: str, drop: int) -> tuple[Interactions, NDArray]:
    """Return all but the last ``drop + 1`` events of each user, and the event after them."""
    rows, columns, moments, answers = [], [], [], []
    path = DATA / "amazon_sequences_s3rec" / f"{name}.txt.gz"
    with gzip.open(path, "rt") as lines:
        for row, line in enumerate(lines):
            items = [int(word) for word in line.split()[1:]]
            items = items[: len(items) - drop]
            rows += [row] * (len(items) - 1)
            columns += items[:-1]
            moments += range(len(items) - 1)
            answers.append(items[-1])
    n_items = max(max(columns), max(answers)) + 1
    log = Interactions(
        np.array(rows, dtype=np.int32),
        np.array(columns, dtype=np.int32),
        np.array(moments, dtype=np.int64) * DAY,
        np.ones(len(rows), dtype=np.float32),
        len(answers),
        n_items,
    )
    return log, np.array(answers)


def measure(model: Recommender, log: Interactions, answers: NDArray, asked: NDArray) -> dict:
    hits, gains = [], []
    with stopwatch() as taken:
        for start in range(0, len(asked), 1000):
            rows = asked[start : start + 1000]
            lengths = np.bincount(log.rows, minlength=log.n_rows)[rows]
            histories = log.histories(rows, now=lengths * DAY)
            scores = model.score(histories)
            scores[histories.matrix(log.n_columns).toarray() > 0] = 0
            hit, reciprocal = next_at(scores, answers[rows], 10)
            hits.append(hit)
            rank = 1 / np.maximum(reciprocal, 1e-9)
            gains.append(np.where(hit, 1 / np.log2(rank + 1), 0))
    hit, gain = np.concatenate(hits), np.concatenate(gains)
    return {
        "users": len(hit),
        "HR@10": float(hit.mean()),
        "± s.e.": float(hit.std() / np.sqrt(len(hit))),
        "NDCG@10": float(gain.mean()),
        "ms each": 1000 * taken[0] / len(hit),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--refit", action="store_true", help="learn from validation items too")
    parser.add_argument("--data", nargs="*", default=["Beauty", "Toys_and_Games"])
    parser.add_argument("--sample", type=int, help="only so many users, drawn with seed 0")
    arguments = parser.parse_args()

    for data in arguments.data:
        log, answers = load(data, drop=1 if arguments.validation else 0)
        asked = np.arange(len(answers))
        if arguments.sample:
            drawn = np.random.default_rng(0).permutation(len(answers))[: arguments.sample]
            asked = np.sort(drawn)
        print(f"{data}: {log.n_rows} users, {log.n_columns - 1} items, {len(log)} interactions")
        last = np.append(log.rows[1:] != log.rows[:-1], True)
        learnt = log if arguments.refit else log.select(~last)
        models = {name: build(spec) for name, spec in {**POPULAR, **MEMBERS}.items()}
        for name, model in {**models, "blend": Blend(MEMBERS, **BLEND)}.items():
            with stopwatch() as taken:
                model.fit(learnt)
            values = measure(model, log, answers, asked)
            show(name, values, taken[0], names=name == "popular")


if __name__ == "__main__":
    main()
