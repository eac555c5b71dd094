"""What turns features of candidates into one score: boosted trees, or a weighted sum."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32
from engagement.learning.recommenders.trees import Trees

MAX_DEPTH = 6  # Each level is a step that a visitor waits for.


class MissingExtra(ImportError):
    """An optional package is needed; the message names the extra that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed: pip install 'django-engagement[{extra}]'", name=package
        )


class Ranker(Protocol):
    def predict(self, features: Float32) -> Float32: ...

    def contributions(self, features: Float32) -> Float32: ...

    def as_arrays(self) -> dict[str, NDArray[Any]]: ...


class WeightedSum:
    """A logistic regression on standardised features: for thin data, and without any extra."""

    def __init__(self, mean: Float32, weights: Float32, constant: Float32) -> None:
        self.mean = mean
        self.weights = weights
        self.constant = constant

    def predict(self, features: Float32) -> Float32:
        return np.asarray((features - self.mean) @ self.weights + self.constant, dtype=np.float32)

    def contributions(self, features: Float32) -> Float32:
        parts = (features - self.mean) * self.weights
        constant = np.full((len(features), 1), self.constant, dtype=np.float32)
        return np.concatenate([parts, constant], axis=1)

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        return {"mean": self.mean, "weights": self.weights, "constant": self.constant}


def can_learn_trees() -> bool:
    """Return whether LightGBM is there and works: it needs the system's OpenMP library."""
    try:
        importlib.import_module("lightgbm")
    except (ImportError, OSError):
        return False
    return True


def learn_trees(
    features: Float32,
    relevant: NDArray[np.bool_],
    weights: Float32,
    *,
    n_trees: int,
    n_leaves: int,
    learning_rate: float,
    seed: int,
) -> Trees:
    """
    Learn boosted trees through LightGBM (Ke et al., NIPS 2017): the log-odds of being an answer.

    Pointwise, because it ranked as well as LambdaMART on held-out days at half the time, and
    because a weight an answer is all that another objective needs.
    """
    if not can_learn_trees():
        raise MissingExtra("lightgbm", "blend")
    import lightgbm

    options = {
        "objective": "binary",
        "learning_rate": learning_rate,
        "num_leaves": n_leaves,
        "max_depth": MAX_DEPTH,
        "min_data_in_leaf": max(20, min(100, len(features) // 5000)),
        "feature_fraction": 0.4,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 10.0,
        "max_bin": 63,
        "use_missing": False,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "verbose": -1,
    }
    data = lightgbm.Dataset(
        features, relevant.astype(np.int32), weight=weights, params=options, free_raw_data=True
    )
    return Trees.from_lightgbm(lightgbm.train(options, data, n_trees).dump_model())


def learn_weights(
    features: Float32,
    relevant: NDArray[np.bool_],
    groups: NDArray[np.int64],
    weights: Float32,
) -> WeightedSum:
    """
    Learn one weight a feature; every question counts the same however many candidates it has.

    ``groups`` holds the number of candidates of each question, in the order of the rows. Features
    that are the same for all candidates of a question cannot order them and get none.
    """
    from sklearn.linear_model import LogisticRegression

    question = np.repeat(np.arange(len(groups)), groups)
    mean = features.mean(axis=0)
    scale = features.std(axis=0) + np.float32(1e-6)
    first = np.concatenate([[0], np.cumsum(groups)])[:-1]
    varies = (features != features[first][question]).any(axis=0)
    scaled = (features - mean) / scale
    scaled[:, ~varies] = 0
    model = LogisticRegression(C=1.0, max_iter=200)
    model.fit(scaled, relevant, sample_weight=weights * (1 / groups)[question] * groups.mean())
    return WeightedSum(
        mean.astype(np.float32),
        (model.coef_[0] / scale).astype(np.float32),
        np.asarray(model.intercept_[0], dtype=np.float32),
    )


def from_arrays(arrays: dict[str, NDArray[Any]]) -> Ranker:
    """The inverse of ``as_arrays`` of either ranker."""
    return Trees(**arrays) if "roots" in arrays else WeightedSum(**arrays)
