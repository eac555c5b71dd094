"""Forgets events, and the visitors that nothing is known about any more, once they are too old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from engagement.conf import app_settings
from engagement.models import (
    Answer,
    Decision,
    Event,
    Question,
    Review,
    ReviewReport,
    ReviewVote,
    Visitor,
)

# Deleted in pieces: a statement over millions of rows would hold its locks for minutes.
PIECE = 5_000
# What has an author of its own right stays, and so does its author.
WRITTEN: tuple[Any, ...] = (Review, Question, Answer, ReviewVote, ReviewReport)


def purge_events(*, channel: str, at: datetime) -> int:
    """
    Delete what happened more than ``EVENT_RETENTION_DAYS`` before ``at``, and what was decided;
    return how many events. What policies have learnt of it they keep.

    Visitors of whom no event is left go with them, unless they said what may be stored about
    them: their answer is remembered.
    """
    days = app_settings.EVENT_RETENTION_DAYS
    if days is None:
        return 0
    before = at - timedelta(days=days)
    deleted = sum(_delete(Event.objects.filter(channel=channel, event_time__lt=before)))
    sum(_delete(Decision.objects.filter(point__channel=channel, decided_at__lt=before)))
    nobody = Visitor.objects.filter(
        ~Exists(Event.objects.filter(visitor=OuterRef("pk"))),
        ~Exists(Decision.objects.filter(visitor=OuterRef("pk"))),
        ~Exists(Visitor.objects.filter(merged_into=OuterRef("pk"))),
        *(~Exists(model.objects.filter(visitor=OuterRef("pk"))) for model in WRITTEN),
        channel=channel,
        created_at__lt=before,
        consent__isnull=True,
        exclusion="",
    )
    sum(_delete(nobody))
    return deleted


def _delete(rows: QuerySet[Any]) -> Iterator[int]:
    """Delete ``rows`` piece by piece; yield how many each piece held."""
    while keys := list(rows.values_list("pk", flat=True)[:PIECE]):
        rows.model._base_manager.filter(pk__in=keys).delete()
        yield len(keys)
