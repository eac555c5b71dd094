"""How well moderation works: how quick people are, and how far they and the model agree."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone

from engagement.conf import app_settings
from engagement.flows.reviews.figures import Period, kept, periods, place_of
from engagement.flows.understanding.live import SENTIMENT
from engagement.models import (
    Activation,
    ModelArtifact,
    ModerationDecision,
    Review,
    ReviewLabel,
    Status,
    SubjectKind,
)

Actor = ModerationDecision.Actor
# Opinions are read row by row: more than this add nothing to a share.
MOST_DECISIONS = 20_000


# -- how quick ------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Quickness:
    """Median hours by period, None where there were none: until decided, until answered."""

    firsts: list[date]
    to_decide: list[float | None]
    to_answer: list[float | None]
    n_decided: int
    n_answered: int


def response_times(*, channel: str, days: int, at: datetime) -> Quickness:
    """Return how long what was written waited for a moderator, and for the shop's reply."""
    zone = timezone.get_current_timezone_name()
    key = f"quick:{channel}:{days}:{zone}:{timezone.localdate(at)}"
    return kept(key, lambda: _response_times(channel, days, at))


def _response_times(channel: str, days: int, at: datetime) -> Quickness:
    spans = periods(days=days, at=at)
    decided = _decisions(channel, spans[0].start).values_list("decided_at", "review__updated_at")
    # A reply that was changed counts from the last word of either side.
    answered = (
        Review.objects.of_channel(channel)
        .filter(reply_at__gte=spans[0].start)
        .exclude(reply_text="")
        .order_by("-reply_at")
        .values_list("reply_at", "created_at")[:MOST_DECISIONS]
    )
    to_decide, n_decided = _medians(decided[:MOST_DECISIONS], spans)
    to_answer, n_answered = _medians(answered, spans)
    return Quickness([s.first for s in spans], to_decide, to_answer, n_decided, n_answered)


def _medians(
    pairs: Iterable[tuple[datetime | None, datetime | None]], spans: Sequence[Period]
) -> tuple[list[float | None], int]:
    hours: list[list[float]] = [[] for _span in spans]
    n = 0
    for done, written in pairs:
        if done is None or written is None or done < written:
            continue
        place = place_of(done, spans)
        if place is not None:
            hours[place].append((done - written).total_seconds() / 3600)
            n += 1
    return [statistics.median(those) if those else None for those in hours], n


def _decisions(channel: str, since: datetime) -> Any:
    """Return what moderators decided about reviews and have not taken back, latest first."""
    return ModerationDecision.objects.filter(
        channel=channel,
        subject_kind=SubjectKind.REVIEW,
        actor=Actor.MODERATOR,
        decided_at__gte=since,
        undoes=None,
        undone_by=None,
        to_status__in=[Status.PUBLISHED, Status.REJECTED],
    ).order_by("-pk")


# -- model and moderator --------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class FlagOutcome:
    """What moderators did with texts that carried a flag; ``code`` "" is texts without one."""

    code: str
    rejected: int
    published: int

    @property
    def n(self) -> int:
        return self.rejected + self.published


@dataclass(frozen=True, slots=True)
class Agreement:
    """
    How far model and moderator agree about what moderators decided.

    ``flags``: by code, the most frequent first; ``agreed`` of ``n`` are flagged texts that were
    rejected and others that were published. ``corrected`` of ``n_read`` had the model's sentiment
    corrected by a person.
    """

    flags: list[FlagOutcome] = field(default_factory=list)
    n: int = 0
    agreed: int = 0
    n_read: int = 0
    corrected: int = 0

    @property
    def share(self) -> float | None:
        return self.agreed / self.n if self.n else None

    @property
    def sentiment_share(self) -> float | None:
        return 1 - self.corrected / self.n_read if self.n_read else None


def agreement(*, channel: str, days: int, at: datetime) -> Agreement:
    """Compare each decision with what the model said at that moment."""
    key = f"agreement:{channel}:{days}:{timezone.localdate(at)}"
    return kept(key, lambda: _agreement(channel, at - timedelta(days=days)))


def _agreement(channel: str, since: datetime) -> Agreement:
    rows = _decisions(channel, since).exclude(opinion={})
    outcomes: dict[str, list[int]] = {}
    said: dict[str, str] = {}
    n = agreed = 0
    for key, status, opinion in rows.values_list("subject_key", "to_status", "opinion")[
        :MOST_DECISIONS
    ]:
        is_rejected = status == Status.REJECTED
        codes = _raised(opinion)
        for code in codes or [""]:
            outcomes.setdefault(code, [0, 0])[0 if is_rejected else 1] += 1
        n += 1
        agreed += bool(codes) == is_rejected
        said.setdefault(key, str(opinion.get("sentiment", "")))
    labels = ReviewLabel.objects.filter(
        channel=channel, subject_kind=SubjectKind.REVIEW, field="sentiment"
    ).values_list("subject_key", "value")
    corrected = sum(key in said and said[key] != value for key, value in labels.iterator())
    flags = [FlagOutcome(code, *both) for code, both in outcomes.items()]
    return Agreement(
        flags=sorted(flags, key=lambda one: (-one.n, one.code)),
        n=n,
        agreed=agreed,
        n_read=len(said),
        corrected=corrected,
    )


def _raised(opinion: Mapping[str, Any]) -> list[str]:
    """Return the codes that were sure enough to count, each once."""
    flags = opinion.get("flags") or []
    least = app_settings.FLAG_CONFIDENCE
    sure = [one["code"] for one in flags if (one.get("confidence") or 0.0) >= least]
    return list(dict.fromkeys(sure))


@dataclass(frozen=True, slots=True)
class Decided:
    """Who decided how often, by status: policy by itself, people."""

    by_policy: int
    by_moderators: int

    @property
    def total(self) -> int:
        return self.by_policy + self.by_moderators


def decided_by(*, channel: str, days: int, at: datetime) -> Decided:
    """Count the decisions about reviews by who took them."""
    rows = (
        ModerationDecision.objects.filter(
            channel=channel,
            subject_kind=SubjectKind.REVIEW,
            decided_at__gte=at - timedelta(days=days),
            undone_by=None,
            undoes=None,
        )
        .order_by()
        .values_list("actor")
        .annotate(n=Count("pk"))
    )
    counts = dict(rows)
    return Decided(counts.get(Actor.POLICY, 0), counts.get(Actor.MODERATOR, 0))


# -- the live classifier --------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Calibration:
    """
    Whether the live classifier is as often right as it says: a bin a row, by the probability it
    gave; ``error`` is the expected calibration error, None where it was not measured.
    """

    artifact: ModelArtifact
    confidence: list[float]
    accuracy: list[float]
    counts: list[int]
    error: float | None


def calibration(*, channel: str) -> Calibration | None:
    """Return what the training of the live classifier measured on held-out labels, if it did."""
    rows = Activation.objects.filter(channel=channel, alias=SENTIMENT).select_related("artifact")
    latest = rows.order_by("-pk").first()
    if latest is None:
        return None
    metrics = latest.artifact.metrics or {}
    curve = metrics.get("reliability")
    if not isinstance(curve, dict):
        return None
    bins = [
        (confidence, accuracy, n)
        for confidence, accuracy, n in zip(
            curve.get("confidence", []),
            curve.get("accuracy", []),
            curve.get("counts", []),
            strict=False,
        )
        if n and confidence is not None and accuracy is not None
    ]
    winner = metrics.get("models", {}).get(metrics.get("winner", ""), {})
    return Calibration(
        artifact=latest.artifact,
        confidence=[confidence for confidence, _accuracy, _n in bins],
        accuracy=[accuracy for _confidence, accuracy, _n in bins],
        counts=[n for _confidence, _accuracy, n in bins],
        error=winner.get("calibration_error"),
    )
