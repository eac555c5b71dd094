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
from engagement.flows.locks import lock
from engagement.flows.training import artifacts, report
from engagement.flows.training.candidates import (
    Candidate,
    UnknownAlias,
    candidates_of,
    fit,
    spec_of,
)
from engagement.flows.training.comparison import (
    Comparison,
    Progress,
    Verdict,
    reason_of,
    silent,
)
from engagement.flows.training.evaluate import load_and_compare
from engagement.flows.training.training_data import Data, Memo, NothingToLearnFrom
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
    memo: Memo | None = None,
) -> TrainReport:
    """
    Compare the candidates, fit the best on everything, store it, and make it live if it passes.

    ``memo``: one for several trainings of the same moment reads the log once for all of them.

    Raises UnknownAlias, NothingToLearnFrom, TrainingFailed, or AlreadyRunning where another
    process trains the same recommender; then nothing has changed.
    """
    candidates = candidates_of(spec_of(alias))
    rng = rng or np.random.default_rng(0)
    tell = progress or silent
    started = time.perf_counter()
    with (
        lock(f"train:{channel}:{alias}", seconds=LOCK_SECONDS),
        threadpool_limits(app_settings.TRAINING_THREADS, user_api="blas"),
    ):
        for folder in artifacts.sweep(channel, alias):
            logger.info("Removed %s, which an interrupted training had left", folder)
        tell(_("reading events"))
        data, comparison = load_and_compare(
            channel=channel,
            alias=alias,
            at=at,
            days=app_settings.HOLDOUT_DAYS,
            rng=rng,
            progress=tell,
            memo=memo,
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
            metrics={
                **comparison.metrics(),
                "failures": failures,
                **report.of(recommender, data, alias=alias),
            },
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
    """
    Return the winner, fitted on everything; untested, the first candidate that can be.

    A winner keeps what it learnt from held-out answers: those are behind it already.
    """
    if comparison.fitted is not None and comparison.winner is not None:
        tell(_("%(name)s on everything") % {"name": comparison.winner})
        try:
            return comparison.fitted.refit(
                data.interactions, rng=rng.spawn(1)[0], catalogue=data.catalogue
            )
        except Exception as error:
            logger.exception("The candidate %s failed on all data", comparison.winner)
            failures[comparison.winner] = reason_of(error)
            raise TrainingFailed(_no_candidate(failures)) from error
    for candidate in candidates:
        if candidate.name in failures:
            continue
        tell(_("%(name)s on everything") % {"name": candidate.name})
        try:
            return fit(
                candidate.build(),
                data.interactions,
                rng=rng.spawn(1)[0],
                catalogue=data.catalogue,
            )
        except Exception as error:
            logger.exception("The candidate %s failed on all data", candidate.name)
            failures[candidate.name] = reason_of(error)
    raise TrainingFailed(_no_candidate(failures))


def _no_candidate(failures: dict[str, str]) -> str:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in failures.items())
    return f"No candidate could be trained. {reasons}"


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
