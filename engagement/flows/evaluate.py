"""Compares the candidates of a recommender with each other and with last week's best sellers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.utils.module_loading import import_string
from threadpoolctl import threadpool_limits

from engagement.conf import app_settings
from engagement.flows import dataset as datasets
from engagement.flows.dataset import Dataset
from engagement.learning.evaluation import (
    ALL,
    NEW,
    Outcome,
    Questions,
    Split,
    bootstrap,
    by_time,
    holdout_days,
    measure,
    renumber,
    what_comes_next,
    what_goes_with,
)
from engagement.learning.interactions import Float32, Interactions
from engagement.learning.recommenders import MostPopular, Recommender
from engagement.models import ModelArtifact

logger = logging.getLogger("engagement")

# It stays the thing to beat, whatever the candidates are.
BASELINE = "last week's best sellers"
BASELINE_DAYS = 7.0
LENGTH = 10
METRIC = "ndcg"
# With fewer visitors than this the comparison is a lottery.
MIN_QUESTIONS = 20
# With so many the interval of a mean is narrower than any difference that matters.
MAX_QUESTIONS = 5_000

Verdict = ModelArtifact.Verdict
Progress = Callable[[str], None]


class UnknownAlias(Exception):
    """The settings name no such recommender."""


class NothingToLearnFrom(Exception):
    """There is no interaction that counts."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One backend with its options, as the settings name it."""

    name: str
    backend: str
    options: Mapping[str, Any]

    def build(self) -> Recommender:
        recommender: Recommender = import_string(self.backend)(**self.options)
        return recommender


@dataclass(frozen=True, slots=True)
class Data:
    """What a recommender learns from, and which of it is to be predicted (None: all of it)."""

    dataset: Dataset
    target: Interactions | None

    @property
    def interactions(self) -> Interactions:
        return self.dataset.interactions


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    How candidates and baseline did on the held-out days.

    ``outcomes`` holds each model's results by variant, the baseline's first. ``winner`` is the best
    candidate, None where nothing could be held out or every candidate failed.
    """

    days: float
    variant: str
    outcomes: dict[str, dict[str, Outcome]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    gain: tuple[float, float, float] = (0.0, 0.0, 0.0)
    winner: str | None = None
    verdict: Verdict = Verdict.UNTESTED
    failures: dict[str, str] = field(default_factory=dict)
    cleaning: dict[str, int] = field(default_factory=dict)

    @property
    def questions(self) -> dict[str, int]:
        baseline = self.outcomes.get(BASELINE, {})
        return {variant: outcome.n for variant, outcome in baseline.items()}

    def metrics(self) -> dict[str, Any]:
        """Return everything as JSON, the way it is stored with a model."""
        return {
            "holdout_days": round(self.days, 2),
            "variant": self.variant,
            "questions": self.questions,
            "models": {name: self._of(name) for name in self.outcomes},
            "baseline": BASELINE if self.outcomes else "",
            "winner": self.winner or "",
            "gain": dict(zip(("mean", "low", "high"), self.gain, strict=True)),
            "failures": self.failures,
            "cleaning": self.cleaning,
        }

    def _of(self, name: str) -> dict[str, float]:
        """Return the deciding variant's metrics by their names, the others' with the variant's."""
        values: dict[str, float] = {}
        for variant, outcome in self.outcomes[name].items():
            prefix = "" if variant == self.variant else f"{variant}_"
            values |= {f"{prefix}{metric}": v for metric, v in outcome.summary().items()}
        low, high = self.intervals[name]
        values |= {
            f"{METRIC}@{LENGTH}_low": round(low, 6),
            f"{METRIC}@{LENGTH}_high": round(high, 6),
        }
        if name in self.seconds:
            values["fit_seconds"] = round(self.seconds[name], 3)
        return values


# -- the settings ---------------------------------------------------------------------------
def spec_of(alias: str) -> Mapping[str, Any]:
    try:
        spec: Mapping[str, Any] = app_settings.RECOMMENDERS[alias]
    except KeyError:
        known = ", ".join(app_settings.RECOMMENDERS)
        raise UnknownAlias(f"There is no recommender {alias!r}; there are: {known}.") from None
    return spec


def candidates_of(spec: Mapping[str, Any]) -> list[Candidate]:
    """Return the candidates under readable names: two of one class are told apart by number."""
    found: list[Candidate] = []
    for entry in spec["CANDIDATES"]:
        name = base = entry.get("NAME") or entry["BACKEND"].rpartition(".")[2]
        number = 1
        while name in {candidate.name for candidate in found}:
            number += 1
            name = f"{base} {number}"
        found.append(Candidate(name, entry["BACKEND"], entry.get("OPTIONS", {})))
    return found


# -- the data -------------------------------------------------------------------------------
def load_data(*, channel: str, alias: str, at: datetime) -> Data:
    """Return everything up to ``at``; raises NothingToLearnFrom where that is nothing."""
    spec = spec_of(alias)
    group_by, events = spec.get("GROUP_BY", "visitor"), spec.get("EVENTS")
    dataset = datasets.load(channel=channel, group_by=group_by, events=events, until=at)
    if not len(dataset.interactions):
        left_out = ", ".join(f"{n} {rule}" for rule, n in dataset.cleaning.items() if n)
        raise NothingToLearnFrom(
            f"There is nothing that {alias!r} could learn from"
            + (f" (left out: {left_out})." if left_out else ": no event that counts.")
        )
    # Views are hints; what a shop wants to predict is what people buy, where they buy.
    target = None
    if group_by == "visitor":
        target = _purchases(dataset.interactions, events, channel, at)
    return Data(dataset, target)


def _purchases(
    interactions: Interactions, events: Sequence[str] | None, channel: str, at: datetime
) -> Interactions | None:
    """Return the purchases among ``interactions``, numbered alike; None where all or none are."""
    weights = app_settings.EVENT_WEIGHTS
    codes = [code for code in weights if weights[code]] if events is None else events
    known = {code: weights.get(code, 1.0) for code in codes}
    weight = known.get("purchase")
    if weight is not None and list(known.values()).count(weight) == 1:
        # The weight tells them apart, which spares reading the log a second time.
        bought = interactions.select(interactions.weights == np.float32(weight))
    else:
        log = datasets.load(channel=channel, events=["purchase"], until=at)
        bought = renumber(log.interactions, interactions)
    return bought if 0 < len(bought) < len(interactions) else None


# -- the comparison -------------------------------------------------------------------------
def evaluate(
    *,
    channel: str,
    alias: str,
    at: datetime,
    days: float | None = None,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the candidates of ``alias`` on the last ``days`` (default: HOLDOUT_DAYS)."""
    spec = spec_of(alias)
    data = load_data(channel=channel, alias=alias, at=at)
    with threadpool_limits(app_settings.TRAINING_THREADS, user_api="blas"):
        return compare(
            data,
            candidates_of(spec),
            asked=spec.get("INPUT", "visitor"),
            variant=spec.get("VARIANT", ALL),
            days=app_settings.HOLDOUT_DAYS if days is None else days,
            rng=rng or np.random.default_rng(0),
            progress=progress,
        )


def compare(
    data: Data,
    candidates: Sequence[Candidate],
    *,
    asked: str,
    variant: str = ALL,
    days: float,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> Comparison:
    """Fit each candidate on what came before the held-out days and let it rank for them."""
    tell = progress or silent
    cleaning = data.dataset.cleaning
    days = holdout_days(data.interactions, days)
    split, questions = _ask(data, asked, days, rng)
    if variant not in questions:
        variant = ALL
    if len(questions[variant]) < MIN_QUESTIONS:
        return Comparison(days=days, variant=variant, cleaning=cleaning)
    popularity = _popularity(split.train)
    outcomes: dict[str, dict[str, Outcome]] = {}
    seconds: dict[str, float] = {}
    failures: dict[str, str] = {}

    def judge(name: str, recommender: Recommender, learnt_from: Interactions) -> None:
        tell(name)
        started = time.perf_counter()
        fit(recommender, learnt_from, rng=rng.spawn(1)[0])
        seconds[name] = time.perf_counter() - started
        outcomes[name] = {
            kind: measure(recommender, some, popularity, LENGTH) for kind, some in questions.items()
        }

    judge(BASELINE, MostPopular(window_days=BASELINE_DAYS), split.before)
    for candidate in candidates:
        try:
            judge(candidate.name, candidate.build(), split.train)
        except Exception as error:
            # The others may do: one that cannot cope with today's data costs itself only.
            logger.exception("The candidate %s failed and is left out", candidate.name)
            failures[candidate.name] = reason_of(error)
    per_question = {name: found[variant].questions[METRIC] for name, found in outcomes.items()}
    means = {name: float(values.mean()) for name, values in per_question.items()}
    names = [name for name in means if name != BASELINE]
    winner = max(names, key=lambda name: means[name]) if names else None
    gain, verdict = (0.0, 0.0, 0.0), Verdict.UNTESTED
    if winner is not None:
        difference = per_question[winner] - per_question[BASELINE]
        gain = (float(difference.mean()), *bootstrap(difference, rng))
        verdict = _verdict(gain, asked)
    return Comparison(
        days=days,
        variant=variant,
        outcomes=outcomes,
        seconds=seconds,
        intervals={name: bootstrap(values, rng) for name, values in per_question.items()},
        gain=gain,
        winner=winner,
        verdict=verdict,
        failures=failures,
        cleaning=cleaning,
    )


def fit(
    recommender: Recommender, interactions: Interactions, *, rng: np.random.Generator
) -> Recommender:
    return recommender.fit(interactions, rng=rng)


def _ask(
    data: Data, asked: str, days: float, rng: np.random.Generator
) -> tuple[Split, dict[str, Questions]]:
    """Ask for purchases; where the held-out days have too few of them, for anything."""
    for target in (data.target, None):
        split = by_time(data.interactions, days, target)
        if asked == "context":
            questions = what_goes_with(split, MAX_QUESTIONS, rng)
        else:
            questions = what_comes_next(split, MAX_QUESTIONS, rng)
        if asked == "purchases":
            # Asked what of the past comes again, it has nothing to say about anything new.
            del questions[NEW]
        if len(questions[ALL]) >= MIN_QUESTIONS or target is None:
            break
    return split, questions


def _popularity(interactions: Interactions) -> Float32:
    """Return for each item the share of rows that met it."""
    matrix = interactions.matrix()
    counts = np.bincount(matrix.indices, minlength=interactions.n_columns)
    rows = max(int(np.count_nonzero(np.diff(matrix.indptr))), 1)
    return (counts / rows).astype(np.float32)


def _verdict(gain: tuple[float, float, float], asked: str) -> Verdict:
    mean, _low, high = gain
    # A list that is the same for everybody is itself a list of best sellers, only of another span:
    # it need not win against the shortest one, only not be clearly worse.
    passed = high >= 0.0 if asked == "nothing" else mean > 0.0
    return Verdict.PASSED if passed else Verdict.LOST


def reason_of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def silent(message: str) -> None:
    pass
