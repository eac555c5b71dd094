"""What of the understanding ought to have been done and was not: found by asking the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows.understanding import live, subjects, words
from engagement.models import AspectSummary, ModelArtifact, Post, Review, ReviewAnalysis, Status

GRACE = 1.25
COUNT_SPAN = timedelta(hours=23)
READ_BUT_UNDECIDED = Q(status=Status.PENDING, analysis__isnull=False)


def channels() -> list[str]:
    """Return the shops that there is anything to read of."""
    found = set(Review.objects.order_by().values_list("channel", flat=True).distinct())
    found |= set(Post.objects.order_by().values_list("channel", flat=True).distinct())
    if get_adapter().reviews() is not None:
        found.add(get_adapter().get_channel())
    return sorted(found)


def waiting() -> list[str]:
    """Return the shops with texts that the live model has not read, or nobody decided about."""
    return [channel for channel in channels() if _waits(channel)]


def _waits(channel: str) -> bool:
    asked = (channel, live.artifact_id(channel), words.changed_at(channel))
    if subjects.pending_reviews(*asked).exists() or subjects.pending_posts(*asked).exists():
        return True
    if Review.objects.of_channel(channel).filter(READ_BUT_UNDECIDED).exists():
        return True
    return next(subjects.pending_of_shop(*asked, 1), None) is not None


@dataclass(frozen=True, slots=True)
class Due:
    """A classifier whose training did not happen."""

    channel: str
    trained_at: datetime | None

    def __str__(self) -> str:
        where = f" of {self.channel}" if self.channel else ""
        when = f"last trained {self.trained_at:%Y-%m-%d %H:%M}" if self.trained_at else "missing"
        return f"{live.SENTIMENT}{where}: {when}"


def due(*, at: datetime) -> list[Due]:
    """Return the shops whose sentiment model is missing or overdue."""
    oldest = at - GRACE * timedelta(days=app_settings.CLASSIFY_TRAIN_DAYS)
    rows = ModelArtifact.objects.filter(alias=live.SENTIMENT).values("channel")
    trained = dict(rows.annotate(latest=Max("trained_at")).values_list("channel", "latest"))
    return [
        Due(channel, trained.get(channel))
        for channel in channels()
        if channel not in trained or trained[channel] < oldest
    ]


def uncounted(*, at: datetime) -> list[str]:
    """Return the shops where what customers say was not counted within a day."""
    since = at - COUNT_SPAN
    rows = AspectSummary.objects.values("channel").annotate(latest=Max("counted_at"))
    counted = dict(rows.values_list("channel", "latest"))
    analysed = ReviewAnalysis.objects.order_by().values_list("channel", flat=True).distinct()
    return sorted(c for c in set(analysed) if c not in counted or counted[c] < since)
