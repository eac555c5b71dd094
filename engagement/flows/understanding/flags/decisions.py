"""What moderators rejected before, learnt from their own decisions; it only ever queues."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from django.db.models import Max
from threadpoolctl import threadpool_limits

from engagement.conf import app_settings
from engagement.flows.locks import lock
from engagement.flows.training import artifacts
from engagement.flows.understanding import comparing, ladder, live
from engagement.flows.understanding.flags.base import Flag, Subject
from engagement.flows.understanding.labels import HELD_OUT_PART, Labels
from engagement.flows.understanding.subjects import code_of, texts_of
from engagement.learning.sentiment.base import NEGATIVE, POSITIVE, build
from engagement.learning.sentiment.text import normalise
from engagement.models import ModelArtifact, ModerationDecision, ReasonCode, Status, SubjectKind

MODERATION = "moderation"
# As many must have been rejected: a moderator who lets everything through teaches nothing.
MIN_REJECTED = 20
LOCK_SECONDS = 3600
# What is less likely than this is not worth a moderator's glance.
LEAST = 0.3

logger = logging.getLogger("engagement")
Verdict = ModelArtifact.Verdict


class TooFewDecisions(Exception):
    """Moderators have not decided often enough, or hardly ever against anything."""


def find(subjects: Sequence[Subject], channel: str) -> dict[tuple[str, str], list[Flag]]:
    """Return flags for texts that moderators would probably reject, by kind and key."""
    loaded = live.classifier(MODERATION, channel)
    if loaded is None:
        return {}
    proba = loaded.classifier.predict_proba(
        [subject.text for subject in subjects], [subject.language for subject in subjects]
    )
    return {
        (subject.kind, subject.key): [Flag(ReasonCode.OTHER, "learnt", float(share))]
        for subject, share in zip(subjects, proba[:, NEGATIVE], strict=True)
        if share >= LEAST
    }


def train(*, channel: str, at: datetime, rng: np.random.Generator | None = None) -> ModelArtifact:
    """
    Learn from the latest decision about each review; go live if it tells apart what is held out.

    Raises TooFewDecisions, or AlreadyRunning where another process is at it.
    """
    rng = rng or np.random.default_rng(0)
    started = time.perf_counter()
    rung = ladder.rungs_of(MODERATION)[0]
    with (
        lock(f"train:{channel}:{MODERATION}", seconds=LOCK_SECONDS),
        threadpool_limits(app_settings.TRAINING_THREADS, user_api="blas"),
    ):
        for folder in artifacts.sweep(channel, MODERATION):
            logger.info("Removed %s, which an interrupted training had left", folder)
        labels = _decided(channel, at, rung.from_labels)
        rows, asked = labels.of(None, held_out=False), labels.of(None, held_out=True)
        taught = labels.training(rows)
        model = build(rung.spec).fit(
            taught.texts, taught.classes, languages=taught.languages, rng=rng.spawn(1)[0]
        )
        answers = ladder.answer(model, labels, asked)
        truth = labels.classes[asked]
        measured = answers.measured(truth, rng)
        before = live.classifier(MODERATION, channel)
        # What is never wrong and never right: to let everything through.
        old = np.full(len(asked), POSITIVE, dtype=np.int64)
        if before is not None:
            old = ladder.answer(before.classifier, labels, asked).classes
        mean, low, high = comparing.gain(answers.classes, old, truth, rng)
        artifact = artifacts.keep(
            model,
            channel=channel,
            alias=MODERATION,
            counts={"n_interactions": len(labels)},
            window=(labels.data_from, labels.data_until),
            metrics={
                "models": {"new model": measured},
                "winner": "new model",
                "gain": {"mean": round(mean, 6), "low": round(low, 6), "high": round(high, 6)},
            },
            verdict=Verdict.AHEAD if mean > 0 else Verdict.BEHIND,
            at=at,
            seconds=time.perf_counter() - started,
        )
        if mean > 0:
            artifacts.check(artifact)
            artifacts.activate(artifact, at=at, reason=str(Verdict.AHEAD.label))
        artifacts.retain(channel, MODERATION, app_settings.KEEP_ARTIFACTS)
    return artifact


def _decided(channel: str, until: datetime, least: int) -> Labels:
    """Return texts that moderators published (positive) or rejected (negative)."""
    decided = ModerationDecision.objects.filter(
        channel=channel,
        actor=ModerationDecision.Actor.MODERATOR,
        subject_kind__in=[SubjectKind.REVIEW, SubjectKind.SHOP],
        decided_at__lte=until,
    )
    latest = decided.values("subject_kind", "subject_key").annotate(latest=Max("pk"))
    rows = ModerationDecision.objects.filter(
        pk__in=latest.values("latest"), to_status__in=[Status.PUBLISHED, Status.REJECTED]
    )
    said = list(rows.order_by("pk").values_list("subject_kind", "subject_key", "to_status"))
    rejected = sum(status == Status.REJECTED for _kind, _key, status in said)
    if len(said) < least or rejected < MIN_REJECTED:
        raise TooFewDecisions(
            f"{len(said)} decisions of moderators, {rejected} of them against: "
            f"it takes {least} and {MIN_REJECTED}."
        )
    found: dict[tuple[str, str], str] = {}
    for kind in (SubjectKind.REVIEW.value, SubjectKind.SHOP.value):
        keys = [key for of, key, _status in said if of == kind]
        found |= {(kind, key): text for key, text in texts_of(kind, keys).items()} if keys else {}
    known = [
        (found[kind, key], POSITIVE if status == Status.PUBLISHED else NEGATIVE)
        for kind, key, status in said
        if found.get((kind, key), "").strip()
    ]
    return Labels(
        texts=[text for text, _ in known],
        classes=np.array([label for _, label in known], dtype=np.int64),
        stars=np.zeros(len(known), dtype=np.int64),
        weights=np.ones(len(known), dtype=np.int64),
        languages=[code_of("", text) for text, _ in known],
        held_out=np.array([_is_held_out(text) for text, _ in known], dtype=bool),
        n_corrections=len(known),
        data_until=until,
    )


def _is_held_out(text: str) -> bool:
    return zlib.crc32(normalise(text).casefold().encode("utf-8", "ignore")) % HELD_OUT_PART == 0
