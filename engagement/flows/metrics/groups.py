"""
Groups of people: who came back, week after week, and what customers are worth (RFM).

Kept under the last day that is made: each run replaces them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import router, transaction
from django.db.models import Case, Count, DateField, IntegerField, Max, Min, Q, Sum, Value, When
from django.db.models.functions import Cast, Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from engagement.models import DailyMetric, Visitor, VisitorDay

WEEKS = 8
# Segments by recency (days since the last order) and frequency (orders in a year); the first
# that fits. Money is shown for each: it is what a segment is worth, not what makes one.
SEGMENTS: tuple[tuple[str, Promise, int, int], ...] = (
    ("champions", _("champions: often, and just now"), 30, 4),
    ("loyal", _("loyal: often, this quarter"), 90, 4),
    ("promising", _("promising: again, just now"), 30, 2),
    ("new", pgettext_lazy("customers", "new: once, just now"), 30, 1),
    ("cooling", _("cooling down: this quarter"), 90, 1),
    ("at_risk", _("at risk: often, not this quarter"), 365, 4),
    ("sleeping", _("sleeping: not this quarter"), 365, 1),
)


def root() -> Coalesce:
    """Return the visitor whom a row belongs to: the customer, once signed in."""
    return Coalesce("visitor__merged_into_id", "visitor_id")


def make(*, channel: str, last: date, at: datetime) -> None:
    rows = _cohorts(channel, last, at) + _segments(channel, last, at)
    with transaction.atomic(using=router.db_for_write(DailyMetric)):
        old = Q(name__startswith="kept_") | Q(name__startswith="rfm_")
        DailyMetric.objects.filter(old, channel=channel).delete()
        DailyMetric.objects.bulk_create(rows, batch_size=500)


def _cohorts(channel: str, last: date, at: datetime) -> list[DailyMetric]:
    """Return ``kept_<week>`` by the Monday of a cohort: how many of it came in that week."""
    monday = last - timedelta(days=last.weekday())
    starts = [monday - timedelta(weeks=WEEKS - 1 - i) for i in range(WEEKS)]
    people: Any = (
        VisitorDay.objects.filter(channel=channel)
        .values(who=root())
        .annotate(first=Min("day"), **{f"in_{i}": _came(start) for i, start in enumerate(starts)})
    )
    counts = people.aggregate(
        **{
            f"n_{cohort}_{week}": Sum(f"in_{week}", filter=_within("first", starts[cohort]))
            for cohort in range(WEEKS)
            for week in range(cohort, WEEKS)
        }
    )
    return [
        DailyMetric(
            channel=channel,
            day=starts[cohort],
            name=f"kept_{week - cohort}",
            value=counts[f"n_{cohort}_{week}"] or 0,
            made_at=at,
        )
        for cohort in range(WEEKS)
        for week in range(cohort, WEEKS)
    ]


def _within(field: str, start: date) -> Q:
    return Q(**{f"{field}__gte": start, f"{field}__lt": start + timedelta(weeks=1)})


def _came(start: date) -> Max:
    return Max(Case(When(_within("day", start), then=1), default=0, output_field=IntegerField()))


def _segments(channel: str, last: date, at: datetime) -> list[DailyMetric]:
    customers: Any = (
        VisitorDay.objects.filter(
            channel=channel, orders__gt=0, day__gt=last - timedelta(days=365), day__lte=last
        )
        .filter(visitor__exclusion=Visitor.Exclusion.NONE)
        .values(who=root())
        .annotate(latest=Max("day"), n=Sum("orders"), money=Sum("revenue"))
    )
    wanted: dict[str, Any] = {}
    taken: Q | None = None
    for name, _label, days, least in SEGMENTS:
        oldest = Cast(Value((last - timedelta(days=days)).isoformat()), DateField())
        fits = Q(latest__gt=oldest, n__gte=least)
        mine = fits if taken is None else fits & ~taken
        wanted[f"rfm_{name}"] = Count("who", filter=mine)
        wanted[f"rfm_{name}_m"] = Sum("money", filter=mine)
        taken = fits if taken is None else taken | fits
    counts = customers.aggregate(**wanted)
    return [
        DailyMetric(channel=channel, day=last, name=name, value=value or 0, made_at=at)
        for name, value in counts.items()
    ]
