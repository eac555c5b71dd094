"""
Make profiles from visitors' days and their tastes from events: a handful of statements, however
many visitors there are.

Whole days are counted, up to the one that is going on. A visitor's row is made anew when the
visitor came lately; nobody else's numbers change. A run that is killed or repeated changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connections, router, transaction
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateField,
    DecimalField,
    F,
    FloatField,
    Max,
    Min,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, NullIf, Round
from django.utils import timezone

from engagement.conf import app_settings
from engagement.flows.insert_select import compiled, execute, insert_select
from engagement.flows.locks import lock
from engagement.flows.metrics.days import midnight
from engagement.models import (
    Event,
    EventName,
    Visitor,
    VisitorDay,
    VisitorProfile,
    VisitorTaste,
)

LONGEST = 3 * 3600
# What «30d» means, and how far back a taste goes.
RECENT_DAYS = 30
TASTE_DAYS = 365
MONEY = DecimalField(max_digits=18, decimal_places=3)
COLUMNS = (
    "visitor_id",
    "channel",
    "until",
    "first_day",
    "last_day",
    "last_order_day",
    "n_orders",
    "n_refunds",
    "spent",
    "mean_order_value",
    "n_sessions_30d",
    "n_views_30d",
    "n_carts_30d",
    "is_customer",
    "language",
)
# Not the language: what pages say of it is kept.
RENEWED = tuple(name for name in COLUMNS if name not in ("visitor_id", "channel", "language"))


@dataclass(frozen=True, slots=True)
class Made:
    """How many profiles were made or made anew, and how many there are."""

    n: int
    n_total: int


def make(*, channel: str, at: datetime, everybody: bool = False) -> Made:
    """
    Make the profiles of who came since they were last made; of ``everybody`` where asked.

    Reads what ``metrics.making`` has made of each day. Raises AlreadyRunning when another process
    is at it.
    """
    today = timezone.localdate(at)
    with lock(f"profiles:{channel}", seconds=LONGEST):
        since = None if everybody else _since(channel, today)
        with transaction.atomic(using=router.db_for_write(VisitorProfile)):
            people = _people(channel, today, since)
            n = insert_select(
                VisitorProfile,
                COLUMNS,
                _rows(channel, today, people),
                unique=["visitor_id"],
                update=RENEWED,
            )
            _drop_others(channel)
            _customers(channel)
            _tastes(channel, today, people)
    return Made(n, VisitorProfile.objects.filter(channel=channel).count())


def drop(visitor_ids: list[int]) -> None:
    """Drop what was made of visitors who want nothing kept."""
    VisitorTaste.objects.filter(visitor__in=visitor_ids).delete()
    VisitorProfile.objects.filter(visitor__in=visitor_ids).delete()


def _since(channel: str, today: date) -> date | None:
    """Return the day from which on visitors' days may say something new; None for the first."""
    rows = VisitorProfile.objects.filter(channel=channel)
    until: date | None = rows.aggregate(until=Max("until"))["until"]
    if until is None:
        return None
    late = timedelta(days=max(int(app_settings.METRICS_LATE_DAYS), 0))
    # On a new day what «30d» counts has moved on as well.
    moved = timedelta(days=RECENT_DAYS + 1) if until < today else timedelta()
    return min(until, today) - late - moved


def root() -> Coalesce:
    return Coalesce("visitor__merged_into_id", "visitor_id")


def _days(channel: str, today: date) -> QuerySet[VisitorDay]:
    """Return the days of people who may be known, each under the person's own row."""
    alone = Q(visitor__merged_into__isnull=True)
    counts = Q(visitor__exclusion=Visitor.Exclusion.NONE)
    counts &= alone | Q(visitor__merged_into__exclusion=Visitor.Exclusion.NONE)
    agreed = Q(visitor__consent__isnull=True) | Q(visitor__consent=True)
    agreed &= (
        alone
        | Q(visitor__merged_into__consent__isnull=True)
        | Q(visitor__merged_into__consent=True)
    )
    return VisitorDay.objects.filter(counts, agreed, channel=channel, day__lt=today).order_by()


def _people(channel: str, today: date, since: date | None) -> QuerySet[Any, Any] | None:
    """Return the ids of the people to make, as a query; None for everybody."""
    if since is None:
        return None
    lately = _days(channel, today).filter(day__gte=since).values_list(root(), flat=True)
    # Who signed in since: what was a row of its own becomes part of the customer's.
    signed_in = VisitorProfile.objects.filter(
        channel=channel, visitor__merged_into__isnull=False
    ).values_list("visitor__merged_into_id", flat=True)
    found: QuerySet[Any, Any] = Visitor.objects.filter(
        Q(pk__in=lately) | Q(pk__in=signed_in)
    ).values("pk")
    return found


def _rows(channel: str, today: date, people: QuerySet[Any, Any] | None) -> QuerySet[Any, Any]:
    days = _days(channel, today).annotate(person=root())
    if people is not None:
        days = days.filter(person__in=people)
    recent = Q(day__gte=today - timedelta(days=RECENT_DAYS))
    orders = Sum("orders")

    def lately(column: str) -> Any:
        return Coalesce(Sum(column, filter=recent), 0)

    rows: QuerySet[Any, Any] = days.values("person").annotate(  # type: ignore[no-redef]
        visitor_id=F("person"),
        channel=Value(channel, output_field=CharField()),
        until=_day(today),
        first_day=Min("day"),
        last_day=Max("day"),
        last_order_day=Max("day", filter=Q(orders__gt=0)),
        n_orders=orders,
        n_refunds=Sum("refunds"),
        spent=Sum("revenue"),
        mean_order_value=Coalesce(
            Round(Sum("revenue") / NullIf(orders, 0), 3, output_field=MONEY),
            Value(0, output_field=MONEY),
        ),
        n_sessions_30d=lately("sessions"),
        n_views_30d=lately("views"),
        n_carts_30d=lately("carts"),
        is_customer=Value(False, output_field=BooleanField()),
        language=Value("", output_field=CharField()),
    )
    return rows


def _day(day: date) -> Cast:
    return Cast(Value(day.isoformat()), DateField())


def _drop_others(channel: str) -> None:
    """Forget who is somebody else's past, nobody who counts, or has said no."""
    gone = Visitor.objects.filter(channel=channel, profile__isnull=False).filter(
        Q(merged_into__isnull=False) | ~Q(exclusion=Visitor.Exclusion.NONE) | Q(consent=False)
    )
    drop(list(gone.values_list("pk", flat=True)))


def _customers(channel: str) -> None:
    """Note who has an account: the key of a customer is told by its first letter."""
    rows = VisitorProfile.objects.filter(channel=channel, is_customer=False)
    rows.filter(Q(visitor__key__startswith="c") | Q(visitor__user__isnull=False)).update(
        is_customer=True
    )


def _tastes(channel: str, today: date, people: QuerySet[Any, Any] | None) -> None:
    old = VisitorTaste.objects.filter(channel=channel)
    events = Event.objects.filter(
        channel=channel,
        event_time__gte=midnight(today - timedelta(days=TASTE_DAYS)),
        event_time__lt=midnight(today),
        event__in=[EventName.from_code(code) for code in app_settings.EVENT_WEIGHTS],
        item__category__gt="",
    )
    events = events.annotate(person=root()).filter(person__in=VisitorProfile.objects.values("pk"))
    if people is not None:
        old = old.filter(visitor__in=people)
        events = events.filter(person__in=people)
    old.delete()
    weights = (
        events.order_by()
        .values("person", "item__category")
        .annotate(weight=Sum(_weight(), output_field=FloatField()))
    )
    using = connections[router.db_for_write(VisitorTaste)].alias
    select, params = compiled(
        weights.values_list("person", "item__category", "weight"), using=using
    )
    share = (
        "CAST(ROUND(10000.0 * w.weight / SUM(w.weight) OVER (PARTITION BY w.person)) AS INTEGER)"
    )
    execute(
        VisitorTaste,
        ("visitor_id", "channel", "category", "share"),
        f"WITH w (person, category, weight) AS ({select}) "  # noqa: S608  (made by the ORM)
        f"SELECT w.person, %s, w.category, {share} FROM w",
        (*params, channel),
    )


def _weight() -> Case:
    return Case(
        *(
            When(event=EventName.from_code(code), then=Value(float(weight)))
            for code, weight in app_settings.EVENT_WEIGHTS.items()
        ),
        default=Value(0.0),
        output_field=FloatField(),
    )
