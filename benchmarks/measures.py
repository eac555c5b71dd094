"""What the benchmark scripts share: where the data lie, and how a ranking is measured."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("ENGAGEMENT_DATA", ROOT.parent / "shared" / "data"))


def top(scores: NDArray, n: int) -> NDArray:
    """Return the positions of the ``n`` best of each row, best first; ties keep catalogue order."""
    n = min(n, scores.shape[1])
    some = np.sort(np.argpartition(-scores, n - 1, axis=1)[:, :n], axis=1)
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def at_n(scores: NDArray, answers: NDArray, n: int, *, recall_of_all: bool = False) -> dict:
    """
    Return hit rate, nDCG and recall at ``n``, averaged over rows that have answers.

    The ideal list is cut at ``n``; recall divides by min(n, answers), or with ``recall_of_all`` by
    all answers, as LightGCN's tables do. Scores of minus infinity are never hits.
    """
    asked = answers.any(axis=1)
    scores, answers = scores[asked], answers[asked]
    best = top(scores, n)
    hits = np.take_along_axis(answers, best, axis=1)
    hits &= np.isfinite(np.take_along_axis(scores, best, axis=1))
    discounts = 1 / np.log2(np.arange(2, best.shape[1] + 2))
    n_answers = answers.sum(axis=1)
    possible = np.minimum(n_answers, n)
    gained = (hits * discounts).sum(axis=1)
    return {
        "visitors": int(asked.sum()),
        f"HR@{n}": hits.any(axis=1).mean(),
        f"nDCG@{n}": (
            gained / np.cumsum(discounts)[np.minimum(possible, best.shape[1]) - 1]
        ).mean(),
        f"recall@{n}": (hits.sum(axis=1) / (n_answers if recall_of_all else possible)).mean(),
    }


def next_at(scores: NDArray, targets: NDArray, n: int) -> tuple[NDArray, NDArray]:
    """
    Return for each row whether the one target is among the ``n`` best, and its reciprocal rank.

    Targets without a score above zero count as missed; among equals the target is in the middle.
    """
    own = scores[np.arange(len(targets)), targets]
    ahead = (scores > own[:, None]).sum(axis=1)
    level = (scores == own[:, None]).sum(axis=1) - 1
    rank = np.where(own > 0, ahead + level / 2, np.inf)
    return rank < n, np.where(rank < n, 1 / (rank + 1), 0.0)


def show(name: str, values: dict, seconds: float, *, names: bool = False) -> None:
    """Print a row of the table, and above it the names of its columns."""
    if names:
        print(" " * 28 + "".join(f"{key:>11}" for key in values) + f"{'fit':>11}")
    cells = [f"{v:>11.4f}" if isinstance(v, float) else f"{v:>11}" for v in values.values()]
    print(f"{name:<28}{''.join(cells)}{seconds:>9.1f} s", flush=True)


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    taken: list[float] = []
    start = time.perf_counter()
    yield taken
    taken.append(time.perf_counter() - start)
