"""
From the shop's own stars and corrections to a live classifier.

As for recommenders: what is live stays live whatever happens on the way, the new model is written
beside it, and going live is the last step, one row.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _
from threadpoolctl import threadpool_limits

from engagement.conf import app_settings
from engagement.flows.locks import lock
from engagement.flows.training import artifacts
from engagement.flows.understanding import comparing, ladder, live
from engagement.flows.understanding import labels as labelling
from engagement.flows.understanding.labels import Labels
from engagement.flows.understanding.ladder import Climbed, NoRung, Progress, UnknownClassifier
from engagement.learning.sentiment.base import Classifier
from engagement.learning.sentiment.by_language import REST
from engagement.models import ModelArtifact
from engagement.signals import artifact_rejected

__all__ = ["NoRung", "TrainReport", "UnknownClassifier", "train"]

logger = logging.getLogger("engagement")

LOCK_SECONDS = 4 * 3600
NEW, OLD = "new model", "live model"
# So many times the labels of an untested model make another one worth its while.
MORE = 1.25

Verdict = ModelArtifact.Verdict


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What a training found and did. ``rungs`` says who reads which language (``""``: the rest)."""

    channel: str
    artifact: ModelArtifact
    activated: bool
    reason: str
    rungs: dict[str, str]
    metrics: dict[str, Any]
    seconds: float
    failures: dict[str, str] = field(default_factory=dict)


def train(
    *,
    channel: str,
    at: datetime,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """
    Climb the ladder with the labels that there are, store the result, make it live if it is better.

    Better than the live model, on texts that neither has learnt from. Where nothing is live, what
    was climbed goes live. Raises UnknownClassifier, NoRung, or AlreadyRunning where another process
    is at it; then nothing has changed.
    """
    rungs = ladder.rungs_of(live.SENTIMENT)
    tell = progress or _silent
    started = time.perf_counter()
    with (
        lock(f"train:{channel}:{live.SENTIMENT}", seconds=LOCK_SECONDS),
        threadpool_limits(app_settings.TRAINING_THREADS, user_api="blas"),
    ):
        for folder in artifacts.sweep(channel, live.SENTIMENT):
            logger.info("Removed %s, which an interrupted training had left", folder)
        tell(_("reading labels"))
        labels = labelling.read(channel=channel, until=at)
        # The same labels give the same models, so that one which was killed can be gone on with.
        rng = rng or np.random.default_rng(labels.seed)
        climbed = ladder.climb(labels, rungs, rng=rng, tell=tell)
        _reconnect()
        before = live.classifier(live.SENTIMENT, channel)
        tell(_("comparing with the model that is live"))
        metrics, verdict = _judge(climbed, before, labels, rng)
        tell(_("storing"))
        if before is None and set(climbed.rungs) != {REST}:
            _keep_base(climbed, channel, at, labels)
        artifact = _store(
            climbed.model, channel, at, labels, metrics, verdict, time.perf_counter() - started
        )
        activated, reason = _decide(artifact, before, at)
        artifacts.retain(channel, live.SENTIMENT, app_settings.KEEP_ARTIFACTS)
    if not activated:
        artifact_rejected.send_robust(
            ModelArtifact,
            alias=live.SENTIMENT,
            channel=channel,
            artifact=artifact,
            reason=reason,
        )
    return TrainReport(
        channel=channel,
        artifact=artifact,
        activated=activated,
        reason=reason,
        rungs=climbed.rungs,
        metrics=metrics,
        seconds=time.perf_counter() - started,
        failures=climbed.failures,
    )


def _judge(
    climbed: Climbed, before: live.Live | None, labels: Labels, rng: np.random.Generator
) -> tuple[dict[str, Any], Verdict]:
    """Return what was measured, as JSON, and whether the new model is better than the live one."""
    asked = labels.of(None, held_out=True)
    truth = labels.classes[asked]
    metrics: dict[str, Any] = {
        "labels": {
            "learnt": int((~labels.held_out).sum()),
            "held_out": len(asked),
            "corrections": labels.n_corrections,
            "languages": labels.counts(),
        },
        "rungs": climbed.rungs,
        "languages": climbed.measured,
        "failures": climbed.failures,
        "models": {},
        "winner": "",
        "baseline": "",
    }
    if not ladder.can_compare(truth):
        return metrics, Verdict.UNTESTED
    old = before.classifier if before is not None else live.untrained()
    ours = ladder.answer(climbed.model, labels, asked)
    theirs = ladder.answer(old, labels, asked)
    mean, low, high = comparing.gain(ours.classes, theirs.classes, truth, rng)
    metrics |= {
        "models": {NEW: ours.measured(truth, rng), OLD: theirs.measured(truth, rng)},
        "winner": NEW,
        "baseline": OLD,
        "gain": {"mean": round(mean, 6), "low": round(low, 6), "high": round(high, 6)},
        "reliability": ours.curve(truth),
    }
    return metrics, Verdict.AHEAD if mean > 0 else Verdict.BEHIND


def _store(
    model: Classifier,
    channel: str,
    at: datetime,
    labels: Labels,
    metrics: dict[str, Any],
    verdict: str,
    seconds: float,
) -> ModelArtifact:
    return artifacts.keep(
        model,
        channel=channel,
        alias=live.SENTIMENT,
        counts={"n_interactions": len(labels)},
        window=(labels.data_from, labels.data_until),
        metrics=metrics,
        verdict=verdict,
        at=at,
        seconds=seconds,
    )


def _keep_base(climbed: Climbed, channel: str, at: datetime, labels: Labels) -> None:
    """Make the lowest rung live first, so that there is something to go back to."""
    lowest = type(climbed.model)({REST: climbed.model.parts[REST]})
    lowest.take({REST: climbed.model.models[REST]})
    metrics = {"rungs": {REST: climbed.rungs[REST]}, "models": {}}
    artifact = _store(lowest, channel, at, labels, metrics, Verdict.UNTESTED, 0.0)
    artifacts.activate(artifact, at=at, reason=_("needs no labels"))


def _decide(artifact: ModelArtifact, before: live.Live | None, at: datetime) -> tuple[bool, str]:
    verdict = Verdict(artifact.verdict)
    if verdict != Verdict.AHEAD and before is not None:
        if verdict == Verdict.BEHIND:
            return False, str(verdict.label)
        current = ModelArtifact.objects.filter(pk=before.artifact_id or 0).first()
        if current is not None and current.verdict != Verdict.UNTESTED:
            return False, _("too little data to compare it with the model that is live")
        if current is not None and not _has_more(artifact, current):
            # A model that goes live has every review read anew.
            return False, _("hardly more labels than the model that is live has learnt from")
    artifacts.check(artifact)
    reason = str(verdict.label) if verdict != Verdict.BEHIND else _("nothing was live")
    artifacts.activate(artifact, at=at, reason=reason)
    return True, reason


def _has_more(artifact: ModelArtifact, current: ModelArtifact) -> bool:
    learnt, known = (
        int(one.metrics.get("labels", {}).get("learnt", 0)) for one in (artifact, current)
    )
    return learnt > MORE * known


def _reconnect() -> None:
    """Drop a connection that the server gave up while the arithmetic took its time."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _silent(message: str) -> None:
    pass
