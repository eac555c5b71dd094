"""Which reviews the shop should answer first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    Count,
    ExpressionWrapper,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from engagement.models import Event, EventName, Review, Status

# How much an answer still helps, by the days since the review was written. Half a month later
# its author has gone elsewhere, and its readers remain.
FRESHNESS = ((1, 1.0), (3, 0.85), (7, 0.7), (14, 0.5), (30, 0.3), (90, 0.15))
OLD = 0.05
# Where no model has read a review, its stars have to do.
SEVERITY_OF_STARS = {1: 0.95, 2: 0.8, 3: 0.4, 4: 0.1, 5: 0.03}


def typical_value(channel: str) -> float:
    """Return what a customer of a shop has spent on average; 1 where nobody has."""
    found = Event.objects.filter(
        channel=channel, event=EventName.PURCHASE, visitor__isnull=False
    ).aggregate(money=Sum("value"), people=Count("visitor", distinct=True))
    if not found["money"] or not found["people"]:
        return 1.0
    return float(found["money"]) / float(found["people"])


def to_answer(*, channel: str, at: datetime, typical: float | None = None) -> QuerySet[Review, Any]:
    """
    Return published reviews without an answer as a query, most urgent first.

    ``urgency`` is severity × worth × freshness. Severity, 0 to 1, is the calibrated probability
    that the review is negative (its stars where none was analysed). Worth, 1 to 2, grows with what
    the author has spent: 1.5 for the ``typical`` customer (see :func:`typical_value`). Freshness
    falls from 1 on the first day to 0.05 after three months.
    """
    spent = (
        Event.objects.filter(visitor=OuterRef("visitor"), event=EventName.PURCHASE)
        .order_by()
        .values("visitor")
        .annotate(money=Sum("value"))
        .values("money")
    )
    typical = typical_value(channel) if typical is None else typical
    number = FloatField()
    by_stars = Case(
        *(When(rating=stars, then=Value(p)) for stars, p in SEVERITY_OF_STARS.items()),
        default=Value(0.0),
        output_field=number,
    )
    fresh = Case(
        *(
            When(created_at__gt=at - timedelta(days=days), then=Value(share))
            for days, share in FRESHNESS
        ),
        default=Value(OLD),
        output_field=number,
    )
    rows = Review.objects.of_channel(channel).filter(status=Status.PUBLISHED, reply_text="")
    return (
        rows.annotate(
            severity=Coalesce(F("analysis__p_negative"), by_stars, output_field=number),
            spent=Coalesce(Subquery(spent), Value(0.0), output_field=number),
            freshness=fresh,
        )
        .annotate(
            worth=ExpressionWrapper(
                1.0 + F("spent") / (F("spent") + Value(typical)), output_field=number
            )
        )
        .annotate(
            urgency=ExpressionWrapper(
                F("severity") * F("worth") * F("freshness"), output_field=number
            )
        )
        .filter(Q(severity__gte=0.25))
        .order_by("-urgency", "-pk")
    )
