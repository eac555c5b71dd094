"""One decision: a hundred arms, thirty-two features, the policies after 20,000 rewards."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable

import numpy as np

from benchmarks.bandits.learners import MABWiser, VowpalWabbit
from engagement.learning.bandits import LinearThompson, LinUCB, LogisticThompson

N_ARMS, N_FEATURES, N_TAUGHT, N_ASKED = 100, 32, 20_000, 500


def run(*, quick: bool = False) -> list[dict[str, object]]:
    rng = np.random.default_rng(0)
    n_taught = 2000 if quick else N_TAUGHT
    contexts = rng.normal(size=(n_taught, N_FEATURES))
    arms = rng.integers(N_ARMS, size=n_taught)
    truth = rng.normal(size=(N_ARMS, N_FEATURES)) / np.sqrt(N_FEATURES)
    chances = 1 / (1 + np.exp(2 - (contexts * truth[arms]).sum(axis=1)))
    rewards = (rng.random(n_taught) < chances).astype(float)
    asked: dict[str, Callable[[np.ndarray], object]] = {}
    for policy in (LinearThompson(), LinUCB(), LogisticThompson()):
        state = policy.update(policy.start(N_ARMS, N_FEATURES), contexts, arms, rewards)
        asked[type(policy).__name__] = lambda row, p=policy, s=state: p.probabilities(s, row)
    if importlib.util.find_spec("mabwiser"):
        for kind in ("LinTS", "LinUCB"):
            peer = MABWiser(kind, N_ARMS, N_FEATURES, 0, alpha=0.5, l2_lambda=1.0)
            peer.learn(contexts, arms, rewards)
            asked[f"MABWiser {kind}"] = lambda row, p=peer: p.choose(row[None])
    if importlib.util.find_spec("vowpalwabbit"):
        some = slice(0, n_taught // 10)
        wabbit = VowpalWabbit("--epsilon 0.05", N_ARMS, N_FEATURES, 0)
        wabbit.learn(contexts[some], arms[some], rewards[some])
        asked["VW ε-greedy"] = lambda row: wabbit.choose(row[None])
    rows: list[dict[str, object]] = []
    for name, ask in asked.items():
        taken = []
        for row in contexts[:N_ASKED]:
            started = time.perf_counter()
            ask(row)
            taken.append(time.perf_counter() - started)
        p50, p90 = (float(np.percentile(taken, q) * 1000) for q in (50, 90))
        rows.append({"learner": name, "p50_ms": p50, "p90_ms": p90})
    return rows
