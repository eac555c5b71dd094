"""
Reading what nobody has read yet: sentiment, aspects and flags, a batch at a time.

What waits is a query: texts without an analysis by the live model. So a model that goes live has
everything read anew, a text that was edited is read again, and whatever a killed worker had in hand
is found by the next one. A batch is written in one transaction, and the same model says the same of
the same text whoever asks it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import IntegrityError, connection, transaction
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.locks import lock
from engagement.flows.reviews import policy
from engagement.flows.understanding import live, subjects, words
from engagement.flows.understanding.flags import decisions, finding
from engagement.flows.understanding.flags.base import Subject
from engagement.flows.understanding.live import Live
from engagement.flows.understanding.spans import aspects_of
from engagement.learning.sentiment.base import CLASSES, score
from engagement.learning.sentiment.by_language import read
from engagement.models import Post, Review, ReviewAnalysis, Status, SubjectKind
from engagement.shop_reviews import ShopReview

logger = logging.getLogger("engagement")

LOCK_SECONDS = 6 * 3600
# A worker gives the lock back now and then, so that a task's time limit never ends it.
LONGEST = timedelta(minutes=8)

Progress = Callable[[int], None]


@dataclass(slots=True)
class AnalyseReport:
    """How many texts were read, by kind, and whether any were left for another time."""

    n: dict[str, int] = field(default_factory=dict)
    is_complete: bool = True

    @property
    def total(self) -> int:
        return sum(self.n.values())


def n_pending(channel: str) -> int:
    """Return how many reviews and posts the live model has not read."""
    return subjects.n_pending(channel, live.artifact_id(channel), words.changed_at(channel))


def analyse(
    *,
    channel: str,
    at: datetime,
    most: int | None = None,
    longest: timedelta | None = None,
    progress: Progress | None = None,
) -> AnalyseReport:
    """
    Read what waits, what nobody has decided about first; stop after ``most`` texts or ``longest``.

    Memory is bounded by the batch, not by the backlog. Raises AlreadyRunning where another process
    is at it.
    """
    report = AnalyseReport()
    started = time.monotonic()
    with (
        lock(f"analyse:{channel}", seconds=LOCK_SECONDS),
        threadpool_limits(1, user_api="blas"),
    ):
        # A reader that was killed between reading and deciding leaves these behind.
        policy.settle_pending(channel=channel, at=at)
        for batch in _batches(channel, lambda: at + _since(started)):
            if most is not None and report.total >= most:
                report.is_complete = False
                break
            if longest is not None and _since(started) > longest:
                report.is_complete = False
                break
            if most is not None:
                batch = replace(batch, subjects=batch.subjects[: most - report.total])
            _read(batch)
            kind = batch.subjects[0].kind
            report.n[kind] = report.n.get(kind, 0) + len(batch.subjects)
            if progress is not None:
                progress(len(batch.subjects))
    return report


def analyse_now(review: Review, *, at: datetime) -> ReviewAnalysis | None:
    """
    Read one review in the process that took it, where the live model is a quick one.

    None: it waits for a worker or the sweep, because the model is heavy or ``CLASSIFY_AT_ONCE`` is
    off.
    """
    if waits_for_worker(review.channel):
        return None
    model = live.sentiment(review.channel)
    _read(_Batch(subjects.of_reviews([review]), model, max(at, review.updated_at), {}))
    return ReviewAnalysis.objects.of(SubjectKind.REVIEW, review.key).first()


def read_kept(rows: Sequence[ShopReview], *, channel: str, at: datetime) -> None:
    """Read reviews that the shop keeps, in the process that asks."""
    model, status = live.sentiment(channel), {row.ref: row.status for row in rows}
    if rows:
        _read(_Batch(subjects.of_shop(rows, channel), model, at, status))


def waits_for_worker(channel: str) -> bool:
    """Return whether reviews are left to a worker, or the sweep, when they come in."""
    return not app_settings.CLASSIFY_AT_ONCE or live.is_heavy(channel)


# -- what waits -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Batch:
    """Texts of one kind as they stood at ``at``; ``shop_status`` is the shop's, by reference."""

    subjects: list[Subject]
    model: Live
    at: datetime
    shop_status: dict[str, str]


def _since(started: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - started)


def _batches(channel: str, now: Callable[[], datetime]) -> Iterator[_Batch]:
    size = app_settings.CLASSIFY_BATCH
    seen: dict[str, int] = {"review": 0, "post": 0}
    while True:
        # The model, the words and the texts are asked for anew each time: all may have changed.
        model, at = live.sentiment(channel), now()
        asked = (channel, model.artifact_id, words.changed_at(channel))
        undecided = subjects.pending_reviews(*asked).filter(status=Status.PENDING)
        rows = _next(undecided, 0, size)
        if not rows:
            rows = _next(subjects.pending_reviews(*asked), seen["review"], size)
            seen["review"] = max((row.pk for row in rows), default=seen["review"])
        if rows:
            yield _Batch(subjects.of_reviews(rows), model, at, {})
            continue
        posts = _next(subjects.pending_posts(*asked), seen["post"], size)
        if not posts:
            break
        seen["post"] = max(post.pk for post in posts)
        yield _Batch(subjects.of_posts(posts), model, at, {})
    asked = (channel, live.artifact_id(channel), words.changed_at(channel))
    for kept in subjects.pending_of_shop(*asked, size):
        status = {one.ref: one.status for one in kept}
        yield _Batch(subjects.of_shop(kept, channel), live.sentiment(channel), now(), status)


def _next(rows: Any, after: int, size: int) -> list[Any]:
    return list(rows.filter(pk__gt=after).select_related("item").order_by("pk")[:size])


# -- reading --------------------------------------------------------------------------------
def _read(batch: _Batch) -> None:
    """Analyse a batch, write it down, and let policy decide about what is undecided."""
    analyses = _analyses(batch)
    kept = _never_read([subject for subject in batch.subjects if subject.kind == SubjectKind.SHOP])
    try:
        _write(analyses)
    except IntegrityError:
        # A review was deleted meanwhile, and takes nobody else's analysis with it.
        for one in analyses:
            try:
                _write([one])
            except IntegrityError:
                logger.info("%s %s is gone", one.subject_kind, one.subject_key)
    undecided = [s.pk for s in batch.subjects if s.kind == "review" and s.status == "pending"]
    for review in Review.objects.filter(pk__in=undecided, status=Status.PENDING):
        policy.settle(review, at=batch.at)
    flags = {one.subject_key: one.flags for one in analyses}
    for subject in kept:
        try:
            policy.settle_kept(
                subject.key,
                flags[subject.key],
                status=subject.status,
                written_at=subject.written_at,
                at=batch.at,
            )
        except Exception:  # A mistake in the shop's adapter must not take the reading away.
            faults.report("shop_reviews", "A review of the shop's own could not be decided about")


def _never_read(of_shop: Sequence[Subject]) -> list[Subject]:
    """Return the shop's reviews of which there is no analysis by any model."""
    keys = [subject.key for subject in of_shop]
    rows = ReviewAnalysis.objects.filter(subject_kind=SubjectKind.SHOP, subject_key__in=keys)
    read = set(rows.values_list("subject_key", flat=True)) if keys else set()
    return [subject for subject in of_shop if subject.key not in read]


def _analyses(batch: _Batch) -> list[ReviewAnalysis]:
    texts = [subject.text for subject in batch.subjects]
    codes = [subject.language for subject in batch.subjects]
    # Long texts beside long ones: what a transformer pads a batch to is its longest text.
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    proba = np.zeros((len(texts), len(CLASSES)))
    classes = np.zeros(len(texts), dtype=np.int64)
    asked = [texts[row] for row in order], [codes[row] for row in order]
    proba[order], classes[order] = read(batch.model.classifier, *asked)
    vectors = dict(zip(order, batch.model.classifier.vectors(*asked), strict=True))
    channel = batch.subjects[0].channel
    watched = words.watched(channel)
    learnt = decisions.find(batch.subjects, channel)
    flags = finding.in_batch(batch.subjects, proba, watched, learnt)
    aspects = aspects_of(
        batch.subjects,
        words.aspects(channel),
        batch.model.classifier,
        live.aspect_reader(channel),
    )
    scores = score(proba)
    return [
        ReviewAnalysis(
            **_subject_fields(subject, batch),
            artifact_id=batch.model.artifact_id,
            sentiment=CLASSES[int(classes[row])],
            **_probabilities(proba[row]),
            score=float(scores[row]),
            embedding=_bytes(vectors[row]),
            aspects=aspects[row],
            flags=[flag.as_json() for flag in flags[row]],
            analysed_at=batch.at,
        )
        for row, subject in enumerate(batch.subjects)
    ]


def _bytes(vector: NDArray[np.float32] | None) -> bytes | None:
    return None if vector is None else np.asarray(vector, dtype="<f4").tobytes()


def _subject_fields(subject: Subject, batch: _Batch) -> dict[str, Any]:
    return {
        "subject_kind": subject.kind,
        "subject_key": subject.key,
        "channel": subject.channel,
        "review_id": subject.pk if subject.kind == SubjectKind.REVIEW else None,
        "post_id": subject.pk if subject.kind == SubjectKind.POST else None,
        "item_id": subject.item_id,
        "rating": subject.rating,
        "written_at": subject.written_at,
        "shop_status": batch.shop_status.get(subject.key, ""),
        "language": subject.language,
    }


def _probabilities(row: NDArray[np.float64]) -> dict[str, float]:
    return {f"p_{name}": round(float(share), 6) for name, share in zip(CLASSES, row, strict=True)}


_KEY = ("subject_kind", "subject_key")


def _write(analyses: Sequence[ReviewAnalysis]) -> None:
    """Write analyses in the place of earlier ones of the same subjects, all or none."""
    target = connection.features.supports_update_conflicts_with_target
    with transaction.atomic():
        ReviewAnalysis.objects.bulk_create(
            analyses,
            update_conflicts=True,
            update_fields=_field_names(),
            # MySQL finds the constraint by itself, and takes no hint.
            unique_fields=list(_KEY) if target else None,
        )
        _must_exist(analyses)


def _field_names() -> list[str]:
    return [
        one.name
        for one in ReviewAnalysis._meta.concrete_fields
        if not one.primary_key and one.name not in _KEY
    ]


def _must_exist(analyses: Sequence[ReviewAnalysis]) -> None:
    """Raise IntegrityError where a subject is gone: SQLite would notice at the end only."""
    for model, ids in (
        (Review, {one.review_id for one in analyses if one.review_id}),
        (Post, {one.post_id for one in analyses if one.post_id}),
    ):
        if model.objects.filter(pk__in=ids).count() != len(ids):
            raise IntegrityError("a subject is gone")
