"""
From the event log to a live model.

Whatever happens on the way, what is live stays live: the new model is written beside it, and going
live is the last step, one row. A process that is killed leaves files that the next training sweeps.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _
from threadpoolctl import threadpool_limits

from engagement.conf import app_settings
from engagement.flows import artifacts, evaluate
from engagement.flows.evaluate import (
    Candidate,
    Comparison,
    Data,
    NothingToLearnFrom,
    Progress,
    UnknownAlias,
    Verdict,
)
from engagement.flows.locks import lock
from engagement.learning.evaluation import ALL
from engagement.learning.recommenders import Recommender
from engagement.models import ModelArtifact
from engagement.signals import artifact_rejected

__all__ = ["NothingToLearnFrom", "TrainReport", "TrainingFailed", "UnknownAlias", "train"]

logger = logging.getLogger("engagement")

LOCK_SECONDS = 4 * 3600


class TrainingFailed(Exception):
    """No candidate could be fitted."""


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What a training found and did. ``reason`` says why the model did or did not go live."""

    channel: str
    alias: str
    artifact: ModelArtifact
    activated: bool
    reason: str
    comparison: Comparison
    seconds: float
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        return self.artifact.verdict


def train(
    *,
    channel: str,
    alias: str,
    at: datetime,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """
    Compare the candidates, fit the best on everything, store it, and make it live if it passes.

    Raises UnknownAlias, NothingToLearnFrom, TrainingFailed, or AlreadyRunning where another
    process trains the same recommender; then nothing has changed.
    """
    spec = evaluate.spec_of(alias)
    rng = rng or np.random.default_rng(0)
    tell = progress or evaluate.silent
    started = time.perf_counter()
    with (
        lock(f"train:{channel}:{alias}", seconds=LOCK_SECONDS),
        threadpool_limits(app_settings.TRAINING_THREADS, user_api="blas"),
    ):
        for folder in artifacts.sweep(channel, alias):
            logger.info("Removed %s, which an interrupted training had left", folder)
        tell(_("reading events"))
        data = evaluate.load_data(channel=channel, alias=alias, at=at)
        candidates = evaluate.candidates_of(spec)
        comparison = evaluate.compare(
            data,
            candidates,
            asked=spec.get("INPUT", "visitor"),
            variant=spec.get("VARIANT", ALL),
            days=app_settings.HOLDOUT_DAYS,
            rng=rng,
            progress=tell,
        )
        failures = dict(comparison.failures)
        recommender = _refit(data, candidates, comparison, failures, rng, tell)
        tell(_("storing"))
        _reconnect()
        artifact = artifacts.store(
            recommender,
            channel=channel,
            alias=alias,
            dataset=data.dataset,
            metrics={**comparison.metrics(), "failures": failures},
            verdict=comparison.verdict,
            at=at,
            seconds=time.perf_counter() - started,
        )
        activated, reason = _decide(artifact, at)
        artifacts.retain(channel, alias, app_settings.KEEP_ARTIFACTS)
    if not activated:
        artifact_rejected.send_robust(
            ModelArtifact, alias=alias, channel=channel, artifact=artifact, reason=reason
        )
    return TrainReport(
        channel=channel,
        alias=alias,
        artifact=artifact,
        activated=activated,
        reason=reason,
        comparison=comparison,
        seconds=time.perf_counter() - started,
        failures=failures,
    )


def _refit(
    data: Data,
    candidates: list[Candidate],
    comparison: Comparison,
    failures: dict[str, str],
    rng: np.random.Generator,
    tell: Progress,
) -> Recommender:
    """Return the winner, fitted on everything; untested, the first candidate that can be."""
    untested = [c for c in candidates if c.name not in failures]
    chosen = [c for c in candidates if c.name == comparison.winner] or untested
    for candidate in chosen:
        tell(_("%(name)s on everything") % {"name": candidate.name})
        try:
            return evaluate.fit(candidate.build(), data.interactions, rng=rng.spawn(1)[0])
        except Exception as error:
            logger.exception("The candidate %s failed on all data", candidate.name)
            failures[candidate.name] = evaluate.reason_of(error)
    reasons = "; ".join(f"{name}: {reason}" for name, reason in failures.items())
    raise TrainingFailed(f"No candidate could be trained. {reasons}")


def _decide(artifact: ModelArtifact, at: datetime) -> tuple[bool, str]:
    current = artifacts.live(artifact.alias, channel=artifact.channel)
    if artifact.verdict == Verdict.PASSED:
        reason = str(Verdict.PASSED.label)
    elif artifact.verdict == Verdict.LOST:
        return False, str(Verdict.LOST.label)
    elif current is None or current.verdict == Verdict.UNTESTED:
        # Something is better than nothing, and newer better than older.
        reason = str(Verdict.UNTESTED.label)
    else:
        return False, _("too little data to compare it with the model that is live")
    artifacts.load(artifact)
    artifacts.activate(artifact, at=at, reason=reason)
    return True, reason


def _reconnect() -> None:
    """Drop a connection that the server gave up while the arithmetic took its time."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
