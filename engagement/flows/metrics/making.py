"""
Make the figures of days from events: one statement a day and table, whatever the day holds.

A day is made anew as a whole, inside one transaction: running it twice, or killing it half-way,
changes nothing. What is read is one range of the event log's index by time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import router, transaction
from django.db.models import (
    Case,
    CharField,
    Count,
    DateField,
    DecimalField,
    F,
    Max,
    Min,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Greatest
from django.utils import timezone

from engagement.conf import app_settings
from engagement.flows.experiments import holdout
from engagement.flows.insert_select import insert_select
from engagement.flows.locks import lock
from engagement.flows.metrics import groups
from engagement.flows.metrics.days import midnight
from engagement.models import DailyMetric, Event, EventName, Visitor, VisitorDay

LONGEST = 6 * 3600
MONEY = DecimalField(max_digits=18, decimal_places=2)
COLUMNS = (
    "visitor_id",
    "channel",
    "day",
    "events",
    "sessions",
    "views",
    "impressions",
    "clicks",
    "carts",
    "orders",
    "refunds",
    "reviews",
    "revenue",
)
# What is summed up of each day, by the name of its figure.
SUMS: dict[str, Any] = {
    "visitors": Count("pk"),
    "events": Sum("events"),
    "sessions": Sum("sessions"),
    "views": Sum("views"),
    "impressions": Sum("impressions"),
    "clicks": Sum("clicks"),
    "carts": Sum("carts"),
    "adders": Count("pk", filter=Q(carts__gt=0)),
    "buyers": Count("pk", filter=Q(orders__gt=0)),
    "orders": Sum("orders"),
    "revenue": Sum("revenue"),
    "reviews": Sum("reviews"),
}


@dataclass(frozen=True)
class Made:
    """How many days were made, and of which span; None where there was nothing."""

    n_days: int
    first: date | None = None
    last: date | None = None


def make(
    *, channel: str, at: datetime, since: date | None = None, until: date | None = None
) -> Made:
    """
    Make what is missing up to the day of ``at``, and the last ``METRICS_LATE_DAYS`` days again.

    ``since`` and ``until`` name days to make anew instead. Raises AlreadyRunning when another
    process is at it. Days begin at midnight of the current time zone.
    """
    with lock(f"metrics:{channel}", seconds=LONGEST):
        holdout.give_places(channel=channel)
        days = list(_days(channel, at, since, until))
        for day in days:
            _make_day(channel, day, at)
        if days:
            groups.make(channel=channel, last=days[-1], at=at)
    return Made(len(days), days[0], days[-1]) if days else Made(0)


def make_until(*, channel: str, at: datetime) -> date | None:
    """Return the last day that is made."""
    rows = DailyMetric.objects.filter(channel=channel, name="visitors")
    last: date | None = rows.aggregate(last=Max("day"))["last"]
    return last


def _days(channel: str, at: datetime, since: date | None, until: date | None) -> Iterator[date]:
    last = until or timezone.localdate(at)
    first = since
    if first is None:
        made = make_until(channel=channel, at=at)
        if made is not None:
            late = timedelta(days=max(int(app_settings.METRICS_LATE_DAYS), 0))
            first = min(made, last) - late
    oldest = Event.objects.filter(channel=channel).aggregate(at=Min("event_time"))["at"]
    if oldest is None:
        return
    day = max(timezone.localdate(oldest), first) if first else timezone.localdate(oldest)
    while day <= last:
        yield day
        day += timedelta(days=1)


def _make_day(channel: str, day: date, at: datetime) -> None:
    with transaction.atomic(using=router.db_for_write(DailyMetric)):
        VisitorDay.objects.filter(channel=channel, day=day).delete()
        DailyMetric.objects.filter(channel=channel, day=day).delete()
        insert_select(VisitorDay, COLUMNS, _visitors(channel, day))
        rows = _sums(channel, day, at) + _shelves(channel, day, at)
        DailyMetric.objects.bulk_create(rows, batch_size=500)


def events_of(channel: str, day: date) -> QuerySet[Event]:
    """Return the events of one day that count: of people, not of staff and machines."""
    return (
        Event.objects.filter(
            channel=channel,
            event_time__gte=midnight(day),
            event_time__lt=midnight(day + timedelta(days=1)),
            visitor__isnull=False,
        )
        .filter(visitor__exclusion=Visitor.Exclusion.NONE)
        .order_by()
    )


def _visitors(channel: str, day: date) -> QuerySet[Any, Any]:
    bought, refunded = Q(event=EventName.PURCHASE), Q(event=EventName.REFUND)
    on_shelf = ~Q(placement="")
    money = _money()
    zero = Value(0, output_field=MONEY)
    return (
        events_of(channel, day)
        .values("visitor_id")
        .annotate(
            channel=Value(channel, output_field=CharField()),
            day=Cast(Value(day.isoformat()), DateField()),
            events=Count("pk"),
            sessions=Greatest(Count("session_id", distinct=True, filter=~Q(session_id="")), 1),
            views=Count("pk", filter=Q(event=EventName.VIEW_ITEM)),
            impressions=Count("pk", filter=Q(event=EventName.VIEW_ITEM_LIST) & on_shelf),
            clicks=Count("pk", filter=Q(event=EventName.SELECT_ITEM) & on_shelf),
            carts=Count("pk", filter=Q(event=EventName.ADD_TO_CART)),
            orders=Count("order_ref", distinct=True, filter=bought),
            refunds=Count("order_ref", distinct=True, filter=refunded),
            reviews=Count("pk", filter=Q(event=EventName.SUBMIT_REVIEW)),
            revenue=Coalesce(
                Sum(
                    Case(
                        When(bought & money, then=F("value")),
                        When(refunded & money, then=-F("value")),
                        default=zero,
                        output_field=MONEY,
                    )
                ),
                zero,
            ),
        )
    )


def _money() -> Q:
    """Return which money counts: that of the shop's currency, where it says which."""
    counts = Q(value__isnull=False)
    if app_settings.CURRENCY:
        counts &= Q(currency__in=["", app_settings.CURRENCY])
    return counts


def _sums(channel: str, day: date, at: datetime) -> list[DailyMetric]:
    days = VisitorDay.objects.filter(channel=channel, day=day)
    made = [
        DailyMetric(
            channel=channel, day=day, name=name, is_holdout=is_holdout, value=value or 0, made_at=at
        )
        for is_holdout, rows in _groups(days)
        for name, value in _aggregate(rows).items()
    ]
    # People, not sums: whoever came on several days of a week counts once.
    for name, span in (("week", 7), ("month", 30)):
        recent = VisitorDay.objects.filter(
            channel=channel, day__gt=day - timedelta(days=span), day__lte=day
        )
        for is_holdout, rows in _groups(recent):
            n = rows.aggregate(n=Count(groups.root(), distinct=True))["n"]
            made.append(
                DailyMetric(
                    channel=channel,
                    day=day,
                    name=name,
                    is_holdout=is_holdout,
                    value=n,
                    made_at=at,
                )
            )
    return made


def _aggregate(rows: QuerySet[VisitorDay]) -> dict[str, Any]:
    # A sum may not be called as its column: the next one would take it for the column.
    found = rows.aggregate(**{f"sum_{name}": value for name, value in SUMS.items()})
    return {name: found[f"sum_{name}"] for name in SUMS}


def _groups(rows: QuerySet[VisitorDay]) -> list[tuple[bool, QuerySet[VisitorDay]]]:
    groups = [(False, rows)]
    if holdout.threshold():
        groups.append((True, rows.filter(holdout.held_out("visitor__"))))
    return groups


def _shelves(channel: str, day: date, at: datetime) -> list[DailyMetric]:
    rows = events_of(channel, day).exclude(placement="")
    kinds = {"impressions": EventName.VIEW_ITEM_LIST, "clicks": EventName.SELECT_ITEM}
    counts = {f"n_{name}": Count("pk", filter=Q(event=kind)) for name, kind in kinds.items()}
    counted: Any = rows.values("placement").annotate(**counts)
    return [
        DailyMetric(
            channel=channel,
            day=day,
            name=name,
            placement=row["placement"],
            value=row[f"n_{name}"],
            made_at=at,
        )
        for row in counted
        for name in kinds
    ]
