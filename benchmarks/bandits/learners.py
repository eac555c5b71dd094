"""Ours and the peers behind one face: choose arms for contexts, learn from what came of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from engagement.learning.bandits import (
    BetaThompson,
    EpsilonGreedy,
    HurdleThompson,
    LinearThompson,
    LinUCB,
    LogisticThompson,
    Policy,
)


class Learner(Protocol):
    def choose(self, contexts: np.ndarray) -> np.ndarray: ...

    def learn(self, contexts: np.ndarray, arms: np.ndarray, rewards: np.ndarray) -> None: ...


class Ours:
    def __init__(self, policy: Policy, n_arms: int, n_features: int, seed: int) -> None:
        self.policy = policy
        self.state = policy.start(n_arms, n_features)
        self.rng = np.random.default_rng(seed)

    def choose(self, contexts: np.ndarray) -> np.ndarray:
        chances = self.policy.probabilities(self.state, contexts).cumsum(axis=1)
        draws = self.rng.random((len(contexts), 1)) * chances[:, -1:]
        return (draws >= chances).sum(axis=1)

    def learn(self, contexts: np.ndarray, arms: np.ndarray, rewards: np.ndarray) -> None:
        self.state = self.policy.update(self.state, contexts, arms, rewards)


class MABWiser:
    """Contextual policies of MABWiser; the first batch is shown at random, as it must be fitted."""

    def __init__(self, kind: str, n_arms: int, n_features: int, seed: int, **options: Any) -> None:
        from mabwiser.mab import MAB, LearningPolicy

        policy = getattr(LearningPolicy, kind)(**options)
        self.model = MAB(list(range(n_arms)), policy, seed=seed)
        self.rng = np.random.default_rng(seed)
        self.fitted = False
        self.n_arms = n_arms

    def choose(self, contexts: np.ndarray) -> np.ndarray:
        if not self.fitted:
            return self.rng.integers(self.n_arms, size=len(contexts))
        found = self.model.predict(with_constant(contexts))
        return np.atleast_1d(np.asarray(found))

    def learn(self, contexts: np.ndarray, arms: np.ndarray, rewards: np.ndarray) -> None:
        (self.model.partial_fit if self.fitted else self.model.fit)(
            arms, rewards, with_constant(contexts)
        )
        self.fitted = True


class VowpalWabbit:
    """``cb_explore_adf`` with one action feature an arm, crossed with the context."""

    def __init__(self, options: str, n_arms: int, n_features: int, seed: int) -> None:
        import vowpalwabbit

        self.model = vowpalwabbit.Workspace(
            f"--cb_explore_adf --quiet --random_seed {seed} -q sa --cb_type mtr {options}"
        )
        self.rng = np.random.default_rng(seed)
        self.actions = [f"|a arm{arm}" for arm in range(n_arms)]
        self.chances: np.ndarray | None = None

    def choose(self, contexts: np.ndarray) -> np.ndarray:
        rows = []
        for context in contexts:
            shared = "shared |s " + _features(context)
            rows.append(self.model.predict([shared, *self.actions]))
        self.chances = np.asarray(rows, dtype=float)
        summed = self.chances.cumsum(axis=1)
        draws = self.rng.random((len(contexts), 1)) * summed[:, -1:]
        return np.minimum((draws >= summed).sum(axis=1), len(self.actions) - 1)

    def learn(self, contexts: np.ndarray, arms: np.ndarray, rewards: np.ndarray) -> None:
        chances = self.chances
        for i, (context, arm, reward) in enumerate(zip(contexts, arms, rewards, strict=True)):
            known = chances is not None and len(chances) == len(arms)
            chance = chances[i, arm] if known else 1 / len(self.actions)
            actions = list(self.actions)
            actions[arm] = f"0:{-reward}:{max(chance, 1e-6)} {actions[arm]}"
            self.model.learn(["shared |s " + _features(context), *actions])


def _features(context: np.ndarray) -> str:
    return " ".join(f"f{i}:{value:.5g}" for i, value in enumerate(context)) + " one:1"


def with_constant(contexts: np.ndarray) -> np.ndarray:
    return np.hstack([contexts, np.ones((len(contexts), 1))])


def learners(
    n_arms: int, n_features: int, *, yes_or_no: bool, discount: float
) -> dict[str, Callable[[int], Learner]]:
    """Return what takes part: a name, and how it is made from a seed."""

    def ours(policy: Policy) -> Callable[[int], Learner]:
        return lambda seed: Ours(policy, n_arms, n_features, seed)

    found: dict[str, Callable[[int], Learner]] = {
        "LinearThompson": ours(LinearThompson(width=0.5)),
        "LinearThompson, discounted": ours(LinearThompson(width=0.5, discount=discount)),
        "LinUCB": ours(LinUCB(width=0.5)),
        "LinUCB, adaptive": ours(LinUCB(width=0.5, adaptive=True)),
        "LinUCB, discounted": ours(LinUCB(width=0.5, discount=discount)),
    }
    if yes_or_no:
        found["LogisticThompson"] = ours(LogisticThompson(width=0.5))
        found["LogisticThompson, discounted"] = ours(LogisticThompson(width=0.5, discount=discount))
        found["BetaThompson (no context)"] = ours(BetaThompson())
    else:
        found["HurdleThompson"] = ours(HurdleThompson(width=0.25))
        found["EpsilonGreedy (no context)"] = ours(EpsilonGreedy(0.05))
    if importlib.util.find_spec("mabwiser"):
        found |= {
            "MABWiser LinTS": lambda seed: MABWiser(
                "LinTS", n_arms, n_features, seed, alpha=0.5, l2_lambda=1.0
            ),
            "MABWiser LinUCB": lambda seed: MABWiser(
                "LinUCB", n_arms, n_features, seed, alpha=0.5, l2_lambda=1.0
            ),
        }
    else:
        print("mabwiser is not installed and left out")
    if importlib.util.find_spec("vowpalwabbit"):
        found |= {
            "VW ε-greedy .05": lambda seed: VowpalWabbit(
                "--epsilon 0.05", n_arms, n_features, seed
            ),
            "VW SquareCB": lambda seed: VowpalWabbit(
                "--squarecb --gamma_scale 100", n_arms, n_features, seed
            ),
        }
    else:
        print("vowpalwabbit is not installed and left out")
    return found
