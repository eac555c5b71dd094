"""
A/A tests: a thousand experiments without any effect, looked at after every visitor, with the
interval of ``effect`` and, beside it, with the usual one for a single look. An alarm is an
interval without the 0 at any look. Three standard errors above 5 % would be 7.1 %.
"""

from __future__ import annotations

import numpy as np

from engagement.learning.experiments import Moments, effect
from engagement.learning.experiments.effects import N_LEAST, always_valid_bound

N_RUNS, N_VISITORS, TUNED_FOR, ALPHA = 1000, 20_000, 10_000, 0.05
# Share held out, share of visitors who order, spread of the logarithm of what an order brings.
SITUATIONS = {
    "half held out, 10 % click": (0.5, 0.1, 0.0),
    "a tenth held out, 10 % click": (0.1, 0.1, 0.0),
    "a tenth held out, 2 % order": (0.1, 0.02, 0.0),
    "a tenth held out, 2 % order, amounts": (0.1, 0.02, 1.0),
    "a twentieth held out, 0.5 % order, amounts": (0.05, 0.005, 1.0),
}


def alarms(
    rng: np.random.Generator, share: float, chance: float, spread: float, n: int
) -> tuple[bool, bool]:
    """Return whether one experiment raised an alarm at any look: always valid, and usual."""
    outcomes = (rng.random(n) < chance) * np.exp(spread * rng.normal(size=n))
    held = rng.random(n) < share
    who = np.stack([held, ~held])
    counts = np.maximum(who.cumsum(axis=1), 1)
    sums = (outcomes * who).cumsum(axis=1)
    means = sums / counts
    left = np.maximum((outcomes**2 * who).cumsum(axis=1) - sums * means, 0.0)
    free = np.maximum(counts - 1, 1)
    variances = np.maximum(left / free, left.sum(axis=0) / free.sum(axis=0))
    error = np.sqrt((variances / counts).sum(axis=0))
    gap = np.abs(means[1] - means[0])
    looks = counts.min(axis=0) >= N_LEAST
    bound = always_valid_bound(np.arange(1, n + 1), ALPHA, TUNED_FOR)
    _same_as_ours(outcomes, held, gap[-1] - bound[-1] * error[-1])
    return bool((gap > bound * error)[looks].any()), bool((gap > 1.96 * error)[looks].any())


def _same_as_ours(outcomes: np.ndarray, held: np.ndarray, beyond: float) -> None:
    found = effect(Moments.of(outcomes[held]), Moments.of(outcomes[~held]), tuned_for=TUNED_FOR)
    assert np.isclose(max(found.low, -found.high), beyond), (found, beyond)


def run(*, quick: bool = False) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    n_runs = 100 if quick else N_RUNS
    for name, (share, chance, spread) in SITUATIONS.items():
        rng = np.random.default_rng(11)
        found = np.array(
            [alarms(rng, share, chance, spread, N_VISITORS) for _ in range(n_runs)], dtype=float
        )
        rows.append(
            {
                "situation": name,
                "runs": n_runs,
                "always_valid": float(found[:, 0].mean()),
                "usual": float(found[:, 1].mean()),
            }
        )
        print(f"  {name}: {found.mean(axis=0)}", flush=True)
    return rows
