"""
Retailrocket sessions (COTREC's files): python -m benchmarks.sessions [--held-out] [--sample N]

Each test pair is a prefix of a session and the item that came next; all items are ranked.
P@20: the next item is among the first 20; MRR@20: the mean of 1 / its rank, 0 beyond 20. Settings
were chosen with --held-out: the last tenth of the training sessions instead of the test pairs.
The files hold no times; sessions are in the order of their day, which stands in for the clock.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from benchmarks.measures import DATA, next_at, show, stopwatch
from engagement.learning.interactions import Histories, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.blend import Blend
from engagement.learning.recommenders.sequence import SequenceRules
from engagement.learning.recommenders.sessions import SessionKNN

HERE = "engagement.learning.recommenders"
STEP = 60  # Seconds from one session to the next: 126,168 of them are then 88 days.
NEAR = {"history_decay": 0.7, "reach": 2.0, "length_power": 0.25}
WIDE = {"history_decay": 0.9, "reach": 1e6, "before": 1.0, "n_neighbours": 200}
RULES = {"history_decay": 0.8}
MEMBERS = {
    "near": {"BACKEND": f"{HERE}.sessions.SessionKNN", "OPTIONS": NEAR},
    "wide": {"BACKEND": f"{HERE}.sessions.SessionKNN", "OPTIONS": WIDE},
    "rules": {"BACKEND": f"{HERE}.sequence.SequenceRules", "OPTIONS": RULES},
    "step": {
        "BACKEND": f"{HERE}.sequence.SequenceRules",
        "OPTIONS": {"history_decay": 0.1, "window": 1, "normalisation": 0.0},
    },
}
BLEND = {
    "answers": "next",
    "horizon_days": 14,
    "n_questions": 10_000,
    "n_candidates": 60,
    "n_ranked": 120,
    "n_trees": 200,
}


def log_of(sessions: Sequence[NDArray], n_items: int) -> Interactions:
    lengths = [len(session) for session in sessions]
    rows = np.repeat(np.arange(len(sessions), dtype=np.int32), lengths)
    columns = np.concatenate(sessions).astype(np.int32)
    ones = np.ones(len(rows), dtype=np.float32)
    moments = rows.astype(np.int64) * STEP
    return Interactions(rows, columns, moments, ones, len(sessions), n_items)


def questions_of(prefixes: Sequence[NDArray], now: int) -> Histories:
    columns = np.concatenate(prefixes).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum([len(prefix) for prefix in prefixes])])
    moments = np.full(len(columns), now, dtype=np.int64)
    ones = np.ones(len(columns), dtype=np.float32)
    return Histories(starts, columns, moments, ones, np.full(len(prefixes), now, dtype=np.int64))


def measure(
    model: Recommender, prefixes: Sequence[NDArray], targets: NDArray, now: int, block: int = 500
) -> dict:
    hits, ranks = [], []
    with stopwatch() as taken:
        for start in range(0, len(prefixes), block):
            scores = model.score(questions_of(prefixes[start : start + block], now))
            hit, reciprocal = next_at(scores, targets[start : start + block], 20)
            hits.append(hit)
            ranks.append(reciprocal)
    hit, reciprocal = np.concatenate(hits), np.concatenate(ranks)
    return {
        "pairs": len(hit),
        "P@20": 100 * float(hit.mean()),
        "± s.e.": 100 * float(hit.std() / np.sqrt(len(hit))),
        "MRR@20": 100 * float(reciprocal.mean()),
        "ms each": 1000 * taken[0] / len(hit),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held-out", action="store_true", help="the last training sessions")
    parser.add_argument("--sample", type=int, help="only so many pairs, drawn with seed 0")
    arguments = parser.parse_args()

    folder = DATA / "sessions_retailrocket"
    sessions = parquet.read_table(folder / "train_sessions.parquet")["items"].to_numpy()
    n_items = int(max(session.max() for session in sessions)) + 1
    if arguments.held_out:
        cut = len(sessions) * 9 // 10
        ahead, sessions = sessions[cut:], sessions[:cut]
        pairs = [(s[:k], s[k]) for s in ahead for k in range(2, len(s))]
        prefixes, targets = [p for p, _ in pairs], np.array([t for _, t in pairs])
    else:
        table = parquet.read_table(folder / "test_pairs.parquet")
        prefixes, targets = list(table["prefix"].to_numpy()), table["target"].to_numpy()
    if arguments.sample:
        drawn = np.random.default_rng(0).permutation(len(targets))[: arguments.sample]
        prefixes, targets = [prefixes[i] for i in drawn], targets[drawn]

    log, now = log_of(sessions, n_items), len(sessions) * STEP
    models = {
        "sequence rules": SequenceRules(**RULES),
        "session neighbours": SessionKNN(**NEAR),
        "blend": Blend(MEMBERS, **BLEND),
    }
    for name, model in models.items():
        with stopwatch() as taken:
            model.fit(log)
        show(name, measure(model, prefixes, targets, now), taken[0], names=name == "sequence rules")


if __name__ == "__main__":
    main()
