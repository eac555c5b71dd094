"""
The Open Bandit Dataset (Saito et al., NeurIPS 2021), small version, all items: what Bernoulli
Thompson sampling would have earned, judged from the uniform log, as in OBP's quickstart (0.4): a
logistic regression for each position on the visitor's features and the item's own, three folds
drawn with seed 12345.

That notebook says IPW .004553, DM .003545, DR .004727; its version for OBP 0.3.3 says .004553,
.003399 and .004647 of the same rows. The truth, from the policy's own log: .0042.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files

import numpy as np

from benchmarks.measures import DATA
from engagement.learning.evaluation.off_policy import ESTIMATORS, Log, estimate
from engagement.learning.evaluation.reward_model import predict_rewards

N_ITEMS, N_POSITIONS, N_DRAWN, N_FOLDS, SEED = 80, 3, 100_000, 3, 12345
PUBLISHED = {"ips": (0.004553, 0.004553), "dm": (0.003545, 0.003399), "dr": (0.004727, 0.004647)}
# Other ways to model the same rewards: what the model-based estimates hang on.
MODELS = {
    "item features, a model a position": {},
    "item numbers, a model a position": {"arm_features": None},
    "item features, one model": {"strata": None},
    "item features, trees": {"model": "trees"},
}


def priors() -> tuple[np.ndarray, np.ndarray]:
    import yaml

    try:
        found = [path for path in files("obp") or [] if path.name == "prior_bts.yaml"]
    except PackageNotFoundError:
        found = []
    if not found:
        raise SystemExit(
            "open_bandit: the priors are in a package: pip install --no-deps obp==0.4.1"
        )
    both = yaml.safe_load(found[0].locate().read_text())["all"]
    return np.array(both["alpha"]), np.array(both["beta"])


def shown_by_thompson() -> np.ndarray:
    """Return how likely each item is at each position: drawn as the pipeline draws, seed 12345."""
    wins, losses = priors()
    rng = np.random.RandomState(SEED)
    counts = np.zeros((N_ITEMS, N_POSITIONS))
    for _ in range(N_DRAWN // 1000):
        drawn = rng.beta(wins, losses, size=(1000, N_ITEMS))
        top = np.argsort(drawn, axis=1)[:, ::-1][:, :N_POSITIONS]
        for position in range(N_POSITIONS):
            counts[:, position] += np.bincount(top[:, position], minlength=N_ITEMS)
    return counts / N_DRAWN


def folds(n: int, seed: int) -> np.ndarray:
    """Return the fold of each row, drawn as scikit-learn's ``KFold`` draws."""
    from sklearn.model_selection import KFold

    found = np.zeros(n, dtype=np.int64)
    splits = KFold(N_FOLDS, shuffle=True, random_state=seed).split(found)
    for number, (_, asked) in enumerate(splits):
        found[asked] = number
    return found


def run(*, quick: bool = False) -> list[dict[str, object]]:
    import pandas as pd

    folder = DATA / "open_bandit_small"
    shown = pd.read_parquet(folder / "random_all.parquet")
    items = pd.read_csv(folder / "all_item_context.csv", index_col="item_id")
    names = items.drop(columns="item_feature_0").apply(lambda column: column.rank(method="dense"))
    visitors = pd.get_dummies(shown[[f"user_feature_{i}" for i in range(4)]], drop_first=True)
    position = shown["position"].rank(method="dense").astype(int).to_numpy() - 1
    arms, clicks = shown["item_id"].to_numpy(), shown["click"].to_numpy(dtype=float)
    log = Log(arms, shown["propensity_score"].to_numpy(), clicks)
    target = shown_by_thompson()[:, position].T

    def judged(seed: int, **changed: object) -> dict[str, object]:
        given = {
            "strata": position,
            "arm_features": np.column_stack([names - 1, items["item_feature_0"]]),
            "model": "linear",
        } | changed
        said = predict_rewards(
            visitors.to_numpy(dtype=float),
            arms,
            clicks,
            n_arms=N_ITEMS,
            folds=folds(len(arms), seed),
            rng=np.random.default_rng(0),
            **given,
        )
        return {
            name: estimate(
                log, target, estimator=name, predicted=said, rng=np.random.default_rng(0)
            )
            for name in ESTIMATORS
        }

    found = judged(SEED)
    truth = float(pd.read_parquet(folder / "bts_all.parquet")["click"].mean())
    rows: list[dict[str, object]] = [
        {
            "estimator": name,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "published": list(PUBLISHED.get(name, ())),
            "truth": truth,
            "effective_n": one.effective_n,
        }
        for name, one in found.items()
    ]
    for label, changed in MODELS.items():
        n_splits = 2 if quick or label.endswith("trees") else 20
        values = [judged(seed, **changed) for seed in range(n_splits)]
        for name in ("dm", "dr"):
            each = np.array([one[name].value for one in values])
            rows.append(
                {
                    "model": label,
                    "estimator": name,
                    "splits": n_splits,
                    "mean": float(each.mean()),
                    "sd": float(each.std(ddof=1)),
                    "least": float(each.min()),
                    "most": float(each.max()),
                }
            )
            print(f"  {label}: {name} {each.mean():.6f}", flush=True)
    return rows
