"""
What policies would have earned on a log that another one made, before they go live.

A policy that learns is judged as it would act: it learns from the first half of the log, decides
each of ten parts of the second half knowing nothing of it, and then learns from that part too.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from engagement.flows.deciding import policies
from engagement.flows.deciding.logs import DecisionLog, Float64
from engagement.learning.bandits import Policy
from engagement.learning.evaluation import off_policy
from engagement.learning.evaluation.off_policy import Estimate
from engagement.learning.evaluation.reward_model import predict_rewards

ESTIMATORS = ("ips", "snips", "dm", "dr", "switch_dr")
# By what is decided: right where either the log's chances or the model of rewards is.
DECIDING = "dr"
LEARNS_FROM = 0.5
PARTS = 10
# Fewer decisions to judge, or fewer that the log is worth for this policy, and nothing is said.
LEAST_JUDGED = 200
LEAST_EFFECTIVE = 100.0


class Verdict(enum.Enum):
    """What the log says of a policy beside what was shown."""

    BETTER = "better"
    WORSE = "worse"
    EVEN = "even"
    THIN = "thin"


class NothingToJudge(Exception):
    """The log holds no decision that a policy could be judged by."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy to judge. ``features``: what it sees; None: all that the log knows."""

    name: str
    backend: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    features: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Judged:
    """
    One policy on the second half of the log.

    ``difference``: how much more it earns a decision than what was shown, with its interval.
    ``shares``: how often it would have shown each arm. ``failure`` says why there is nothing else.
    """

    candidate: Candidate
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    difference: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shares: Mapping[str, float] = field(default_factory=dict)
    failure: str = ""

    @property
    def verdict(self) -> Verdict:
        found = self.estimates.get(DECIDING)
        if found is None or found.n < LEAST_JUDGED or found.effective_n < LEAST_EFFECTIVE:
            return Verdict.THIN
        _value, low, high = self.difference
        if low == high == 0.0 and found.value == 0.0:
            # Nothing was ever earned: whatever it shows, the log cannot tell.
            return Verdict.THIN
        if high < 0:
            return Verdict.WORSE
        return Verdict.BETTER if low > 0 else Verdict.EVEN

    @property
    def conclusion(self) -> str:
        return conclusion(self.as_json())

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.candidate.name,
            "backend": self.candidate.backend,
            "options": dict(self.candidate.options),
            "failure": self.failure,
            "verdict": self.verdict.value,
            "difference": dict(zip(("value", "low", "high"), self.difference, strict=True)),
            "shares": dict(self.shares),
            "estimates": {name: told(one) for name, one in self.estimates.items()},
        }


@dataclass(frozen=True)
class Evaluation:
    """``today``: what the log's own decisions earned in the half that is judged."""

    n_learnt: int
    n_judged: int
    arms: Sequence[str]
    today: Estimate
    judged: Sequence[Judged]

    def as_json(self) -> dict[str, Any]:
        return {
            "n_learnt": self.n_learnt,
            "n_judged": self.n_judged,
            "arms": list(self.arms),
            "today": told(self.today),
            "policies": [one.as_json() for one in self.judged],
        }


def told(one: Estimate) -> dict[str, float]:
    names = ("value", "low", "high", "n", "effective_n", "max_weight")
    return {name: round(float(getattr(one, name)), 8) for name in names}


def evaluate(
    log: DecisionLog, candidates: Sequence[Candidate], *, rng: np.random.Generator
) -> Evaluation:
    """
    Judge policies by one log; raises NothingToJudge for fewer than two decisions.

    One that cannot be built, or does not take these rewards, fails alone.
    """
    start = int(len(log) * LEARNS_FROM)
    later = log.part(slice(start, None))
    if start < 1 or not len(later):
        raise NothingToJudge("The log holds no decisions to judge by")
    known = later.told()
    today = off_policy.as_shown(known, rng=rng)
    expected = predict_rewards(
        later.known,
        later.shown,
        later.rewards,
        n_arms=len(log.arms),
        visitors=later.visitors,
        rng=rng,
    )
    judged = [_judge(log, start, later, one, expected, today, rng) for one in candidates]
    return Evaluation(start, len(later), log.arms, today, judged)


def _judge(
    log: DecisionLog,
    start: int,
    later: DecisionLog,
    candidate: Candidate,
    expected: Float64,
    today: Estimate,
    rng: np.random.Generator,
) -> Judged:
    try:
        policy = policies.build(candidate.backend, candidate.options)
        target = decide(policy, log, start, candidate.features)
    except ValueError as error:
        return Judged(candidate, failure=str(error))
    known = later.told()
    found = {
        name: off_policy.estimate(known, target, estimator=name, predicted=expected, rng=rng)
        for name in ESTIMATORS
    }
    difference = off_policy.difference(found[DECIDING], today, known, rng=rng)
    shares = dict(zip(log.arms, target.mean(axis=0).tolist(), strict=True))
    return Judged(candidate, found, difference, shares)


def decide(
    policy: Policy, log: DecisionLog, start: int, features: Sequence[str] | None = None
) -> Float64:
    """Return what the policy would have done in each decision from ``start`` on: n × arms."""
    known = log.known if features is None else log.seen_as(features)
    state = policy.start(len(log.arms), known.shape[1])
    state = policy.update(state, known[:start], log.shown[:start], log.rewards[:start])
    bounds = np.linspace(start, len(log), PARTS + 1).astype(int)
    found = []
    for first, last in pairwise(bounds.tolist()):
        if first == last:
            continue
        part = slice(first, last)
        found.append(policy.probabilities(state, known[part], allowed=log.allowed[part]))
        state = policy.update(state, known[part], log.shown[part], log.rewards[part])
    return np.concatenate(found)


def conclusion(judged: Mapping[str, Any]) -> str:
    """Say in one sentence what the log says of a policy; ``judged`` as it is stored."""
    if judged.get("failure"):
        return _("It cannot be judged: %(why)s") % {"why": judged["failure"]}
    found = judged.get("estimates", {}).get(DECIDING)
    if found is None:
        return _("Nothing was measured yet.")
    words = {name: f"{value:+.4g}" for name, value in judged["difference"].items()}
    match Verdict(judged["verdict"]):
        case Verdict.BETTER:
            return (
                _("Better than what was shown: %(value)s a decision (%(low)s to %(high)s).") % words
            )
        case Verdict.WORSE:
            return (
                _("Worse than what was shown: %(value)s a decision (%(low)s to %(high)s).") % words
            )
        case Verdict.EVEN:
            return (
                _("No difference to what was shown can be told: %(low)s to %(high)s a decision.")
                % words
            )
    return _(
        "The log is too thin to tell: %(n)s decisions, worth %(effective)s of this policy's; "
        "it takes %(least)s and %(least_effective)s."
    ) % {
        "n": f"{found['n']:.0f}",
        "effective": f"{found['effective_n']:.0f}",
        "least": LEAST_JUDGED,
        "least_effective": f"{LEAST_EFFECTIVE:.0f}",
    }
