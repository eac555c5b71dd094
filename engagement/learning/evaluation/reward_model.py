"""What each arm would have brought in each decision, told without the decision itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

MODELS = ("linear", "trees")


def predict_rewards(
    contexts: ArrayLike,
    arms: ArrayLike,
    rewards: ArrayLike,
    *,
    n_arms: int,
    arm_features: ArrayLike | None = None,
    visitors: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    folds: ArrayLike | None = None,
    model: str = "linear",
    n_folds: int = 3,
    rng: np.random.Generator,
) -> Float64:
    """
    Return expected rewards, decisions × arms, cross-fitted (Chernozhukov et al., 2018).

    The model of a fold never saw its rows; decisions of one visitor stay in one fold. Yes-or-no
    rewards get a logistic regression or boosted trees for classes, others a ridge regression or
    trees. An arm is known by its number, or by ``arm_features`` (arms × features) where they say
    more about arms that were rarely shown. ``strata``: the place each decision was made in; each
    place gets a model of its own. ``folds``: the fold of each decision, instead of ``n_folds``
    drawn with ``rng``. Raises `ValueError`.
    """
    if model not in MODELS:
        raise ValueError(f"model: {model!r} is none of {', '.join(MODELS)}")
    if n_folds < 2:
        raise ValueError(f"n_folds: {n_folds}; a model that has seen the row itself flatters it")
    numbers = np.asarray(arms, dtype=np.int64)
    gained = np.asarray(rewards, dtype=np.float64)
    if not len(numbers):
        return np.zeros((0, n_arms))
    rows = np.asarray(contexts, dtype=np.float64).reshape(len(numbers), -1)
    kinds = np.eye(n_arms) if arm_features is None else np.asarray(arm_features, np.float64)
    if len(kinds) != n_arms:
        raise ValueError(f"arm_features: {len(kinds)} rows for {n_arms} arms")
    fold = _drawn_folds(len(numbers), visitors, n_folds, rng) if folds is None else folds
    part = np.stack(
        [_numbered(fold, "folds", len(numbers)), _numbered(strata, "strata", len(numbers))]
    )
    said = np.zeros((len(numbers), n_arms))
    for one, place in np.unique(part, axis=1).T:
        same_place = part[1] == place
        asked, taught = (part[0] == one) & same_place, (part[0] != one) & same_place
        fitted = _fit(np.hstack([rows[taught], kinds[numbers[taught]]]), gained[taught], model, rng)
        for arm in range(n_arms):
            same = np.broadcast_to(kinds[arm], (int(asked.sum()), kinds.shape[1]))
            said[asked, arm] = fitted(np.hstack([rows[asked], same]))
    return said


def _drawn_folds(
    n: int, visitors: ArrayLike | None, n_folds: int, rng: np.random.Generator
) -> Int64:
    group = _numbered(np.arange(n) if visitors is None else visitors, "visitors", n)
    return np.asarray(rng.permutation(np.arange(group.max(initial=-1) + 1) % n_folds)[group])


def _numbered(names: ArrayLike | None, what: str, n: int) -> Int64:
    if names is None:
        return np.zeros(n, dtype=np.int64)
    if np.shape(names) != (n,):
        raise ValueError(f"{what}: shape {np.shape(names)} for {n} decisions")
    return np.asarray(np.unique(np.asarray(names), return_inverse=True)[1], dtype=np.int64)


def _fit(features: Float64, rewards: Float64, model: str, rng: np.random.Generator) -> Any:
    if len(rewards) == 0 or np.ptp(rewards) == 0:
        constant = float(rewards[0]) if len(rewards) else 0.0
        return lambda asked: np.full(len(asked), constant)
    # Every process of the admin would hold them otherwise, and few ever learn.
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge

    seed = int(rng.integers(2**31))
    if set(np.unique(rewards)) <= {0.0, 1.0}:
        classifier: Any = (
            LogisticRegression(max_iter=2000)
            if model == "linear"
            else HistGradientBoostingClassifier(random_state=seed, max_iter=60, learning_rate=0.05)
        )
        classifier.fit(features, rewards)
        return lambda asked: classifier.predict_proba(asked)[:, 1]
    regressor: Any = (
        Ridge()
        if model == "linear"
        else HistGradientBoostingRegressor(random_state=seed, max_iter=60, learning_rate=0.05)
    )
    regressor.fit(features, rewards)
    return regressor.predict
