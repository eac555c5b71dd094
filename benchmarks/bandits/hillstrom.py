"""
Hillstrom's e-mail experiment: 64,000 customers, three arms drawn at random (men's e-mail, women's
e-mail, none). Replay (Li, Chu, Langford and Wang, WSDM 2011): customers in random order, a policy
learns only from those to whom it would have sent what they were sent; the score is the mean
outcome of those. Ten orders; ± is the standard error of the difference between orders.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.bandits.learners import learners
from benchmarks.measures import DATA

BATCH = 200


def load() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    import pandas as pd

    rows = pd.read_parquet(DATA / "hillstrom_email" / "hillstrom.parquet")
    arms = rows["segment"].map({"Mens E-Mail": 0, "Womens E-Mail": 1, "No E-Mail": 2}).to_numpy()
    known = pd.get_dummies(rows[["zip_code", "channel"]], drop_first=True).astype(float)
    known["recency"] = rows["recency"] / 12
    known["history"] = np.log1p(rows["history"]) / 6
    for name in ("mens", "womens", "newbie"):
        known[name] = rows[name].astype(float)
    known["both"] = known["mens"] * known["womens"]
    contexts = known.to_numpy(dtype=float)
    contexts = (contexts - contexts.mean(axis=0)) / contexts.std(axis=0)
    outcomes = {
        "visit": rows["visit"].to_numpy(dtype=float),
        "spend": rows["spend"].to_numpy(dtype=float),
    }
    return contexts, arms, outcomes


def replay(make, contexts, arms, rewards, seed: int) -> float:
    order = np.random.default_rng(seed).permutation(len(arms))
    learner = make(seed)
    total = matched = 0.0
    for start in range(0, len(order), BATCH):
        some = order[start : start + BATCH]
        same = learner.choose(contexts[some]) == arms[some]
        kept = some[same]
        total += rewards[kept].sum()
        matched += len(kept)
        if len(kept):
            if hasattr(learner, "chances") and learner.chances is not None:
                learner.chances = learner.chances[same]
            learner.learn(contexts[kept], arms[kept], rewards[kept])
    return total / matched


def run(*, quick: bool = False) -> list[dict[str, object]]:
    contexts, arms, outcomes = load()
    n_orders = 2 if quick else 10
    rows: list[dict[str, object]] = []
    for goal, rewards in outcomes.items():
        best = max(float(rewards[arms == arm].mean()) for arm in range(3))
        rows.append({"goal": goal, "learner": "best single arm", "mean": best, "se": 0.0})
        makers = learners(3, contexts.shape[1], yes_or_no=goal == "visit", discount=1 - 1e-5)
        for name, make in makers.items():
            started = time.perf_counter()
            found = [replay(make, contexts, arms, rewards, seed) for seed in range(n_orders)]
            rows.append(
                {
                    "goal": goal,
                    "learner": name,
                    "mean": float(np.mean(found)),
                    "se": float(np.std(found, ddof=1) / np.sqrt(n_orders)),
                    "seconds": time.perf_counter() - started,
                }
            )
            print(f"  {goal}: {name} {np.mean(found):.5f}", flush=True)
    return rows
