"""
Gowalla, LightGCN's fixed split: python -m benchmarks.gowalla [--held-out] [--sample N]

Each user's test items are the answers, training items are masked, all items are ranked; recall
divides by all answers and nDCG's ideal is cut at 20, as in LightGCN's tables. The files hold no
order and no times. Settings and the blend's weights were chosen with --held-out: a fifth of the
training items of 1,500 users instead of the test file.
"""

from __future__ import annotations

import argparse
import gzip

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures import DATA, at_n, show, stopwatch
from engagement.learning.interactions import Float32, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.graph import GraphFilter, RP3Beta

MODELS: dict[str, tuple[Recommender, float]] = {
    "RP3β": (RP3Beta(n_neighbours=777, alpha=0.566, beta=0.25), 1.0),
    "graph filter": (GraphFilter(n_factors=256, ideal=0.3), 0.7),
}
Pairs = tuple[NDArray, NDArray]


def read(name: str) -> Pairs:
    rows, columns = [], []
    with gzip.open(DATA / "gowalla_lightgcn" / f"{name}.txt.gz", "rt") as lines:
        for line in lines:
            row, *items = map(int, line.split())
            rows += [row] * len(items)
            columns += items
    return np.array(rows), np.array(columns)


def standing(scores: Float32) -> Float32:
    """Return standard deviations above the lowest score, on a logarithmic scale."""
    lowest = scores.min(axis=1, keepdims=True)
    return np.log1p((scores - lowest) / (scores.std(axis=1, keepdims=True) + 1e-9))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--sample", type=int, help="only so many users, drawn with seed 0")
    arguments = parser.parse_args()

    train, test = read("train"), read("test")
    n_rows = int(train[0].max()) + 1
    n_columns = int(max(train[1].max(), test[1].max())) + 1
    if arguments.held_out:
        rng = np.random.default_rng(0)
        some = np.isin(train[0], rng.permutation(n_rows)[:1500])
        out = some & (rng.random(len(some)) < 0.2)
        test = train[0][out], train[1][out]
        train = train[0][~out], train[1][~out]
    n = len(train[0])
    log = Interactions(
        train[0].astype(np.int32),
        train[1].astype(np.int32),
        np.zeros(n, dtype=np.int64),
        np.ones(n, dtype=np.float32),
        n_rows,
        n_columns,
    )
    asked = np.unique(test[0])
    if arguments.sample:
        drawn = np.random.default_rng(0).permutation(len(asked))[: arguments.sample]
        asked = np.sort(asked[drawn])
    seconds = {}
    for name, (model, _) in MODELS.items():
        with stopwatch() as taken:
            model.fit(log)
        seconds[name] = taken[0]
    totals: dict[str, list[dict]] = {name: [] for name in (*MODELS, "both")}
    for start in range(0, len(asked), 500):
        rows = asked[start : start + 500]
        histories = log.histories(rows)
        answers = np.zeros((len(rows), n_columns), dtype=bool)
        mine = np.isin(test[0], rows)
        answers[np.searchsorted(rows, test[0][mine]), test[1][mine]] = True
        owned = histories.matrix(n_columns).toarray() > 0
        mixed = np.zeros(owned.shape, dtype=np.float32)
        for name, (model, weight) in MODELS.items():
            scores = model.score(histories)
            mixed += weight * standing(scores)
            scores[owned] = -np.inf
            totals[name].append(at_n(scores, answers, 20, recall_of_all=True))
        mixed[owned] = -np.inf
        totals["both"].append(at_n(mixed, answers, 20, recall_of_all=True))
    for name, parts in totals.items():
        counts = np.array([part["visitors"] for part in parts])
        values = {
            key: float(np.average([part[key] for part in parts], weights=counts))
            for key in ("recall@20", "nDCG@20", "HR@20")
        }
        values = {"users": int(counts.sum()), **values}
        show(name, values, seconds.get(name, sum(seconds.values())), names=name == "RP3β")


if __name__ == "__main__":
    main()
