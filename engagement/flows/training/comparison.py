"""
Compares candidates with each other and with last week's best sellers.

Where there are several candidates, the best one is chosen on the first half of the held-out days
and has to prove itself on the second: whoever was chosen for the best figure among many has a
figure that is too good.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engagement.flows.training.candidates import Candidate, fit
from engagement.flows.training.questions import Asking, ask
from engagement.flows.training.training_data import Data
from engagement.learning.evaluation import Outcome, Questions, Split, bootstrap, holdout_days
from engagement.learning.interactions import DAY, Interactions
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

Verdict = ModelArtifact.Verdict
Progress = Callable[[str], None]
Outcomes = dict[str, dict[str, Outcome]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    How candidates and baseline did on the held-out days.

    ``outcomes`` holds each model's results by variant, the baseline's first. ``winner`` is the best
    candidate, None where nothing could be held out or every candidate failed; ``fitted`` is it.
    ``gate`` holds what decided: winner and baseline on days that nothing was chosen on, the same
    as ``outcomes`` where there was nothing to choose from or too little to ask. ``gain`` is the
    winner's lead there in ``metric``.
    """

    days: float
    variant: str
    outcomes: Outcomes = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    gate: Outcomes = field(default_factory=dict)
    gate_days: float = 0.0
    gain: tuple[float, float, float] = (0.0, 0.0, 0.0)
    winner: str | None = None
    verdict: Verdict = Verdict.UNTESTED
    failures: dict[str, str] = field(default_factory=dict)
    cleaning: dict[str, int] = field(default_factory=dict)
    metric: str = METRIC
    within_category: bool = False
    fitted: Recommender | None = field(default=None, repr=False, compare=False)

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
            "metric": f"{self.metric}@{LENGTH}",
            "within_category": self.within_category,
            "gain": dict(zip(("mean", "low", "high"), self.gain, strict=True)),
            "gate": self._gate(),
            "failures": self.failures,
            "cleaning": self.cleaning,
        }

    def _gate(self) -> dict[str, Any]:
        if not self.gate:
            return {}
        models = {name: found[self.variant].summary() for name, found in self.gate.items()}
        n = self.gate[BASELINE][self.variant].n
        return {"days": round(self.gate_days, 2), "questions": n, "models": models}

    def _of(self, name: str) -> dict[str, float]:
        """Return the deciding variant's metrics by their names, the others' with the variant's."""
        values: dict[str, float] = {}
        for variant, outcome in self.outcomes[name].items():
            prefix = "" if variant == self.variant else f"{variant}_"
            values |= {f"{prefix}{metric}": v for metric, v in outcome.summary().items()}
        low, high = self.intervals[name]
        values |= {
            f"{self.metric}@{LENGTH}_low": round(low, 6),
            f"{self.metric}@{LENGTH}_high": round(high, 6),
        }
        if name in self.seconds:
            values["fit_seconds"] = round(self.seconds[name], 3)
        return values


@dataclass(frozen=True, slots=True)
class _Window:
    """Some held-out days: what came before them, and what is asked about them."""

    days: float
    split: Split
    questions: dict[str, Questions]

    def is_enough(self, variant: str) -> bool:
        return len(self.questions[variant]) >= MIN_QUESTIONS


def compare(
    data: Data,
    candidates: Sequence[Candidate],
    *,
    asking: Asking,
    days: float,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> Comparison:
    """Fit each candidate on what came before the held-out days and let it rank for them."""
    tell = progress or silent
    days = holdout_days(data.interactions, days)
    choice, gate = _windows(data, asking, days, rng, several=len(candidates) > 1)
    variant = asking.variant if asking.variant in choice.questions else next(iter(choice.questions))
    plain = Comparison(
        days=days,
        variant=variant,
        cleaning=data.dataset.cleaning,
        metric=asking.metric,
        within_category=asking.within is not None,
    )
    if not choice.is_enough(variant):
        return plain
    trial = _Trial(data, asking, rng, tell)
    trial.judge(BASELINE, MostPopular(window_days=BASELINE_DAYS), choice, choice.split.before)
    for candidate in candidates:
        trial.attempt(candidate, choice)
    means = {name: trial.mean(name, variant) for name in trial.fitted if name != BASELINE}
    found = replace(
        plain,
        outcomes=dict(trial.outcomes),
        seconds=dict(trial.seconds),
        intervals={
            name: bootstrap(outcome[variant].questions[asking.metric], rng)
            for name, outcome in trial.outcomes.items()
        },
        failures=trial.failures,
    )
    for winner in sorted(means, key=lambda name: -means[name]):
        decided = trial.decided(winner, gate, variant)
        if decided:
            break
    else:
        return found
    values = {name: one[variant].questions[asking.metric] for name, one in decided.items()}
    difference = values[winner] - values[BASELINE]
    gain = (float(difference.mean()), *bootstrap(difference, rng))
    return replace(
        found,
        winner=winner,
        gate=decided,
        gate_days=days if gate is None else gate.days,
        gain=gain,
        verdict=_verdict(gain, asking.source),
        fitted=trial.fitted[winner],
    )


class _Trial:
    """Models that were fitted, and how they did."""

    def __init__(
        self, data: Data, asking: Asking, rng: np.random.Generator, tell: Progress
    ) -> None:
        self.data, self.asking, self.rng, self.tell = data, asking, rng, tell
        self.fitted: dict[str, Recommender] = {}
        self.outcomes: Outcomes = {}
        self.seconds: dict[str, float] = {}
        self.failures: dict[str, str] = {}

    def attempt(self, candidate: Candidate, window: _Window) -> None:
        try:
            self.judge(candidate.name, candidate.build(), window, window.split.train)
        except Exception as error:
            # The others may do: one that cannot cope with today's data costs itself only.
            logger.exception("The candidate %s failed and is left out", candidate.name)
            self.failures[candidate.name] = reason_of(error)

    def judge(
        self, name: str, recommender: Recommender, window: _Window, learnt_from: Interactions
    ) -> None:
        self.tell(name)
        started = time.perf_counter()
        fit(recommender, learnt_from, rng=self.rng.spawn(1)[0], catalogue=self.data.catalogue)
        self.seconds[name] = time.perf_counter() - started
        self.outcomes[name] = self.asking.measure(
            recommender, window.questions, window.split.train, LENGTH
        )
        self.fitted[name] = recommender

    def mean(self, name: str, variant: str) -> float:
        return float(self.outcomes[name][variant].questions[self.asking.metric].mean())

    def decided(self, winner: str, window: _Window | None, variant: str) -> Outcomes:
        """
        Return how baseline and winner do in ``window``, having learnt all that came before it;
        nothing where the winner cannot. Without a window, what was measured already.
        """
        if window is None:
            return {name: self.outcomes[name] for name in (BASELINE, winner)}
        decided: Outcomes = {}
        for name, learnt in ((BASELINE, window.split.before), (winner, window.split.train)):
            self.tell(name)
            model, rng = self.fitted[name], self.rng.spawn(1)[0]
            try:
                model.refit(learnt, rng=rng, catalogue=self.data.catalogue)
                deciding = {variant: window.questions[variant]}
                decided[name] = self.asking.measure(model, deciding, window.split.train, LENGTH)
            except Exception as error:
                logger.exception("The candidate %s failed on later days and is left out", name)
                self.failures[name] = reason_of(error)
                return {}
        return decided


def _windows(
    data: Data, asking: Asking, days: float, rng: np.random.Generator, *, several: bool
) -> tuple[_Window, _Window | None]:
    """
    Return the days to choose on and the later days that decide; one window for both where there
    is nothing to choose from or either half would have too few questions.
    """
    if several and days >= 2.0:
        middle = int(data.interactions.moments.max()) + 1 - round(days / 2 * DAY)
        halves = (
            _window(data, asking, days / 2, rng, until=middle),
            _window(data, asking, days / 2, rng),
        )
        variants = [
            asking.variant if asking.variant in half.questions else next(iter(half.questions))
            for half in halves
        ]
        if variants[0] == variants[1] and all(half.is_enough(variants[0]) for half in halves):
            return halves
    return _window(data, asking, days, rng), None


def _window(
    data: Data, asking: Asking, days: float, rng: np.random.Generator, *, until: int | None = None
) -> _Window:
    split, questions = ask(data, asking, days, rng, least=MIN_QUESTIONS, until=until)
    return _Window(days, split, questions)


def _verdict(gain: tuple[float, float, float], source: str) -> Verdict:
    mean, _low, high = gain
    # A list that is the same for everybody is itself a list of best sellers, only of another span:
    # it need not win against the shortest one, only not be clearly worse.
    passed = high >= 0.0 if source == "nothing" else mean > 0.0
    return Verdict.PASSED if passed else Verdict.LOST


def reason_of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def silent(message: str) -> None:
    pass
