"""
Made-up worlds: ten arms, eight features, rewards linear or logistic in the context, tastes that
stay or drift. Mean regret a round against the best arm of each context, in batches of 50 rounds as
a task would learn them, the same for everybody.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.bandits.learners import learners

N_ARMS, N_FEATURES, BATCH = 10, 8, 50
KINDS = ("linear", "logistic")


class World:
    def __init__(self, kind: str, drifts: bool, n_rounds: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.kind = kind
        self.truth = self.rng.normal(size=(N_ARMS, N_FEATURES)) / np.sqrt(N_FEATURES)
        self.base = self.rng.normal(size=N_FEATURES) / np.sqrt(N_FEATURES)
        self.offsets = self.rng.normal(0, 0.3, N_ARMS)
        # A tenth of a standard deviation each thousand rounds, and at half-time everything turns.
        self.step = np.sqrt(0.01 * BATCH / 1000) if drifts else 0.0
        self.turn = n_rounds // 2 if drifts else None

    def contexts(self) -> np.ndarray:
        return self.rng.normal(size=(BATCH, N_FEATURES))

    def means(self, contexts: np.ndarray) -> np.ndarray:
        scores = contexts @ (self.truth + self.base).T + self.offsets
        return 1 / (1 + np.exp(2 - scores)) if self.kind == "logistic" else scores

    def rewards(self, means: np.ndarray) -> np.ndarray:
        if self.kind == "logistic":
            return (self.rng.random(len(means)) < means).astype(float)
        return means + self.rng.normal(0, 1, len(means))

    def go_on(self, done: int) -> None:
        if self.step:
            noise = self.rng.normal(0, self.step / np.sqrt(N_FEATURES), self.truth.shape)
            self.truth = (self.truth + noise) / np.sqrt(1 + self.step**2)
        if self.turn is not None and done == self.turn:
            self.truth = self.truth[self.rng.permutation(N_ARMS)]


def run(
    *,
    quick: bool = False,
    n_seeds: int | None = None,
    first: int = 0,
    kinds: tuple[str, ...] = KINDS,
) -> list[dict[str, object]]:
    n_rounds = 5_000 if quick else 50_000
    n_seeds = n_seeds or (2 if quick else 20)
    rows: list[dict[str, object]] = []
    for kind in kinds:
        for drifts in (False, True):
            makers = learners(
                N_ARMS, N_FEATURES, yes_or_no=kind == "logistic", discount=1 - 1 / 5000
            )
            for name, make in makers.items():
                started = time.perf_counter()
                lost = []
                for seed in range(first, first + n_seeds):
                    world, learner = World(kind, drifts, n_rounds, seed), make(seed)
                    regret = 0.0
                    for done in range(0, n_rounds, BATCH):
                        contexts = world.contexts()
                        means = world.means(contexts)
                        arms = learner.choose(contexts)
                        picked = means[np.arange(BATCH), arms]
                        regret += float((means.max(axis=1) - picked).sum())
                        learner.learn(contexts, arms, world.rewards(picked))
                        world.go_on(done + BATCH)
                    lost.append(regret / n_rounds)
                rows.append(
                    {
                        "world": f"{kind}, {'drifting' if drifts else 'still'}",
                        "learner": name,
                        "regret": float(np.mean(lost)),
                        "se": float(np.std(lost) / np.sqrt(len(lost))),
                        "seeds": n_seeds,
                        "seconds": time.perf_counter() - started,
                    }
                )
                print(f"  {rows[-1]['world']}: {name} {np.mean(lost):.5f}", flush=True)
    return rows
