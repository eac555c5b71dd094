"""Runs models through a protocol: fits each, lets it answer, and tells how sure the figures are."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engagement.flows.training.candidates import fit
from engagement.learning.evaluation import Outcome, Task, bootstrap
from engagement.learning.recommenders import MostPopular, Recommender
from engagement.learning.recommenders.features import Catalogue

logger = logging.getLogger("engagement")

BASELINE_DAYS = 7.0


class NothingToAsk(Exception):
    """The protocol leaves no question over; the message says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """
    What one model reached under a protocol.

    ``outcomes`` by variant; ``intervals`` by variant and metric, 95 %; ``gain`` over the baseline
    in the deciding metric, with its own interval (of differences on the same questions).
    ``score_ms`` is the mean time to score and measure one question, asked in blocks.
    """

    outcomes: dict[str, Outcome]
    intervals: dict[str, dict[str, tuple[float, float]]]
    gain: tuple[float, float, float] | None
    fit_seconds: float
    score_ms: float


@dataclass(frozen=True, slots=True)
class Report:
    """All results under one protocol, the baseline's first, and what failed and why."""

    protocol: str
    task: Task
    baseline: str
    results: dict[str, Result] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        task = self.task
        return {
            "protocol": self.protocol,
            "k": task.k,
            "metrics": list(task.metrics),
            "recall_of_all": task.recall_of_all,
            "learnt_from": {
                "interactions": len(task.train),
                "rows": int(np.count_nonzero(np.bincount(task.train.rows))),
                "items": int(np.count_nonzero(np.bincount(task.train.columns))),
            },
            "questions": {variant: len(some) for variant, some in task.questions.items()},
            "notes": task.notes,
            "baseline": self.baseline,
            "models": {name: self._of(result) for name, result in self.results.items()},
            "failures": self.failures,
        }

    def _of(self, result: Result) -> dict[str, Any]:
        return {
            "fit_seconds": round(result.fit_seconds, 3),
            "score_ms": round(result.score_ms, 4),
            "gain": None if result.gain is None else [round(one, 6) for one in result.gain],
            **{
                variant: outcome.summary()
                | {
                    f"{metric}@{outcome.k}_interval": [round(low, 6), round(high, 6)]
                    for metric, (low, high) in result.intervals[variant].items()
                }
                for variant, outcome in result.outcomes.items()
            },
        }


def run(
    protocol: str,
    task: Task,
    models: Mapping[str, Callable[[], Recommender]],
    *,
    rng: np.random.Generator,
    catalogue: Catalogue | None = None,
    has_moments: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """
    Fit every model on what ``task`` teaches, and let it answer all its questions.

    The best sellers of the last week of the training data, where there are moments, or of all of
    it are always there to be beaten. A model that fails costs itself only. Raises NothingToAsk
    where there is no question.
    """
    if not len(task.questions[task.variant]):
        raise NothingToAsk(_why(task))
    name = "last week's best sellers" if has_moments else "best sellers"
    report = Report(protocol, task, name)
    window = BASELINE_DAYS if has_moments else None
    everybody = {name: lambda: MostPopular(window_days=window), **models}
    popularity = task.popularity()
    for name, build in everybody.items():
        if progress is not None:
            progress(name)
        is_baseline = name == report.baseline
        learnt = task.train
        if is_baseline and task.baseline_from is not None and len(task.baseline_from):
            learnt = task.baseline_from
        try:
            model = build()
            started = time.perf_counter()
            fit(model, learnt, rng=rng.spawn(1)[0], catalogue=catalogue)
            fitted = time.perf_counter()
            outcomes = task.answered_by(model, popularity)
        except Exception as error:
            if is_baseline:
                raise
            logger.exception("The model %s failed and is left out", name)
            report.failures[name] = f"{type(error).__name__}: {error}"[:500]
            continue
        taken = time.perf_counter() - fitted
        asked = sum(outcome.n for outcome in outcomes.values())
        report.results[name] = Result(
            outcomes=outcomes,
            intervals={
                variant: {
                    metric: bootstrap(outcome.questions[metric], np.random.default_rng(0))
                    for metric in task.metrics
                }
                for variant, outcome in outcomes.items()
            },
            gain=None if is_baseline else _gain(report, outcomes),
            fit_seconds=fitted - started,
            score_ms=1000 * taken / max(asked, 1),
        )
    return report


def _gain(report: Report, outcomes: Mapping[str, Outcome]) -> tuple[float, float, float]:
    variant, metric = report.task.variant, report.task.metrics[0]
    baseline = report.results[report.baseline].outcomes[variant].questions[metric]
    difference = outcomes[variant].questions[metric] - baseline
    low, high = bootstrap(difference, np.random.default_rng(0))
    return float(difference.mean()), low, high


def _why(task: Task) -> str:
    if not len(task.train):
        return "Nothing is left to learn from: the log is too short for this protocol."
    notes = ", ".join(f"{name}: {value:g}" for name, value in task.notes.items())
    return "The protocol leaves no question over" + (f" ({notes})." if notes else ".")
