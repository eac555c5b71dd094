"""How good rankings are, over the full catalogue: no sampled negatives anywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engagement.learning.evaluation.questions import Questions
from engagement.learning.interactions import Float32, Int64
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.ranking import largest

# Scores held at once, of 4 bytes each.
BLOCK = 8_000_000

PER_QUESTION = ("ndcg", "recall", "hit_rate", "mrr")


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What one model reached: each metric for each question, and two that concern all lists.

    ``coverage``: the share of the items known in training that stand in at least one list.
    ``novelty``: the mean surprise in bits of a recommended item, -log2 of the share of visitors
    who had met it: recommending what everybody has is easy, and no news.
    """

    k: int
    questions: dict[str, NDArray[np.float64]]
    coverage: float
    novelty: float

    @property
    def n(self) -> int:
        return len(self.questions["ndcg"])

    def mean(self, metric: str) -> float:
        values = self.questions[metric]
        return float(values.mean()) if len(values) else 0.0

    def summary(self) -> dict[str, float]:
        """Return name@k → value."""
        values = {metric: self.mean(metric) for metric in self.questions}
        values |= {"coverage": self.coverage, "novelty": self.novelty}
        return {f"{metric}@{self.k}": round(value, 6) for metric, value in values.items()}


def measure(
    recommender: Recommender,
    questions: Questions,
    popularity: Float32,
    k: int = 10,
    *,
    catalogue: NDArray[np.bool_] | None = None,
    recall_of_all: bool = False,
) -> Outcome:
    """
    Let a fitted model rank the whole catalogue for every question.

    ``popularity``: for each item the share of training rows that met it. ``catalogue``: the items
    that are ranked, by default those above zero. Items without a score above zero are not
    recommended, as when serving. ``recall_of_all``: see :func:`per_question`.
    """
    n_items = len(popularity)
    ranked = popularity > 0.0 if catalogue is None else catalogue
    found: dict[str, list[NDArray[np.float64]]] = {metric: [] for metric in PER_QUESTION}
    if len(questions) and (questions.truth.data != 1.0).any():
        found["value"] = []
    shown = np.zeros(n_items, dtype=bool)
    surprise, n_shown = 0.0, 0
    bits = -np.log2(np.clip(popularity.astype(np.float64), 1e-12, 1.0))
    step = max(BLOCK // max(n_items, 1), 1)
    for start in range(0, len(questions), step):
        block = questions.slice(start, min(start + step, len(questions)))
        top = best_of_each(_allowed(recommender, block, ranked), k)
        for metric, values in per_question(top, block, recall_of_all=recall_of_all).items():
            found[metric].append(values)
        if "value" in found:
            found["value"].append(value_captured(top, block))
        listed = top[top >= 0]
        shown[listed] = True
        surprise += float(bits[listed].sum())
        n_shown += len(listed)
    return Outcome(
        k=k,
        questions={
            metric: np.concatenate(parts) if parts else np.empty(0)
            for metric, parts in found.items()
        },
        coverage=float(shown.sum()) / max(int(np.count_nonzero(ranked)), 1),
        novelty=surprise / n_shown if n_shown else 0.0,
    )


def _allowed(recommender: Recommender, block: Questions, ranked: NDArray[np.bool_]) -> Float32:
    scores = np.array(recommender.score(block.histories), dtype=np.float32)
    if scores.shape != block.truth.shape:
        raise ValueError(f"scores have shape {scores.shape}, not {block.truth.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores are not finite")
    scores[block.banned.nonzero()] = 0.0
    scores[:, ~ranked] = 0.0
    return scores


def best_of_each(scores: Float32, k: int) -> Int64:
    """Return for each row its best ``k`` positions as :func:`top_n` would; -1 fills up."""
    top = np.full((len(scores), k), -1, dtype=np.int64)
    rows, columns = largest(scores, k)
    order = np.lexsort((-scores[rows, columns], rows))
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    place = np.arange(len(rows)) - np.repeat(starts, np.diff(starts, append=len(rows)))
    top[rows, place] = columns[order]
    return top


def per_question(
    top: Int64, questions: Questions, *, recall_of_all: bool = False
) -> dict[str, NDArray[np.float64]]:
    """
    Return the metrics of each question's list, best first.

    nDCG's ideal list and recall's divisor are cut at the list's length: a perfect list reaches 1
    however many answers there are. With ``recall_of_all`` recall is divided by all answers, as in
    the tables of LightGCN and its successors.
    """
    k = top.shape[1]
    truth = questions.truth.toarray() > 0.0
    hits = np.take_along_axis(truth, np.maximum(top, 0), axis=1) & (top >= 0)
    n_answers = np.diff(questions.truth.indptr)
    n_true = np.minimum(n_answers, k)
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[1.0], np.cumsum(discounts)])
    first = np.where(hits.any(axis=1), hits.argmax(axis=1), -1)
    return {
        "ndcg": (hits @ discounts) / ideal[n_true],
        "recall": hits.sum(axis=1) / np.maximum(n_answers if recall_of_all else n_true, 1),
        "hit_rate": hits.any(axis=1).astype(np.float64),
        "mrr": np.where(first >= 0, 1.0 / (np.maximum(first, 0) + 1.0), 0.0),
    }


def value_captured(top: Int64, questions: Questions) -> NDArray[np.float64]:
    """
    Return each list's discounted value as a share of the best possible list's: nDCG whose gains
    are what the right answers are worth.
    """
    k = top.shape[1]
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    worth = questions.truth.toarray()
    found = np.where(top >= 0, np.take_along_axis(worth, np.maximum(top, 0), axis=1), 0.0)
    best = -np.sort(-worth, axis=1)[:, :k]
    ideal = best @ discounts[: best.shape[1]]
    return np.asarray((found @ discounts) / np.maximum(ideal, 1e-12))
