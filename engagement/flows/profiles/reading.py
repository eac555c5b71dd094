"""The profile of one visitor now: what the task has made, and what happened since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone

from engagement.conf import app_settings
from engagement.flows.metrics.days import midnight
from engagement.flows.profiles.profile import STRANGER, Profile
from engagement.models import Event, EventName, VisitorProfile, VisitorTaste

CENT = Decimal("0.01")
NOTHING = Decimal(0)


def profile_of(visitor_ids: Sequence[int], *, at: datetime, is_customer: bool = False) -> Profile:
    """
    Return the profile of the person whom all these rows are, in three queries at most.

    Somebody of whom nothing is stored is a stranger; no query is made.
    """
    if not visitor_ids:
        return STRANGER
    rows = list(VisitorProfile.objects.filter(visitor__in=visitor_ids))
    today = timezone.localdate(at)
    # Where rows end at different days the earliest is right only for its own visitor: each
    # visitor's events are counted from where the row ends.
    since = {row.visitor_id: row.until for row in rows}
    news = _since(visitor_ids, since, at)
    return _added(rows, news, _tastes(rows), today, is_customer)


def note_language(visitor_ids: Sequence[int], language: str) -> None:
    """Remember in which language somebody reads the pages."""
    VisitorProfile.objects.filter(visitor__in=visitor_ids).update(language=language)


def _since(visitor_ids: Sequence[int], since: dict[int, date], at: datetime) -> dict[str, Any]:
    later = Q()
    for visitor in visitor_ids:
        mine = Q(visitor=visitor)
        if visitor in since:
            mine &= Q(event_time__gte=midnight(since[visitor]))
        later |= mine
    bought, refunded = Q(event=EventName.PURCHASE), Q(event=EventName.REFUND)
    month = Q(event_time__gte=midnight(timezone.localdate(at) - timedelta(days=30)))
    money = Q(value__isnull=False)
    if app_settings.CURRENCY:
        money &= Q(currency__in=["", app_settings.CURRENCY])
    found: dict[str, Any] = Event.objects.filter(later, event_time__lte=at).aggregate(
        first=Min("event_time"),
        last=Max("event_time"),
        ordered=Max("event_time", filter=bought),
        orders=Count("order_ref", filter=bought, distinct=True),
        refunds=Count("order_ref", filter=refunded, distinct=True),
        paid=Sum("value", filter=bought & money),
        returned=Sum("value", filter=refunded & money),
        sessions=Count("session_id", filter=month & ~Q(session_id=""), distinct=True),
        views=Count("pk", filter=month & Q(event=EventName.VIEW_ITEM)),
        carts=Count("pk", filter=month & Q(event=EventName.ADD_TO_CART)),
    )
    return found


def _tastes(rows: Sequence[VisitorProfile]) -> dict[str, int]:
    """Return the tastes of the row with the most behind it: shares of several do not add up."""
    if not rows:
        return {}
    most = max(rows, key=lambda row: (row.n_orders, row.n_views_30d, row.visitor_id))
    found = VisitorTaste.objects.filter(visitor=most.visitor_id)
    return dict(found.values_list("category", "share"))


def _added(
    rows: Sequence[VisitorProfile],
    news: dict[str, Any],
    tastes: dict[str, int],
    today: date,
    is_customer: bool,
) -> Profile:
    n_orders = sum(row.n_orders for row in rows) + news["orders"]
    spent = sum((row.spent for row in rows), NOTHING)
    spent += (news["paid"] or NOTHING) - (news["returned"] or NOTHING)

    sessions = news["sessions"] or int(news["last"] is not None)

    def days(*moments: date | None) -> int | None:
        known = [moment for moment in moments if moment is not None]
        return max((today - max(known)).days, 0) if known else None

    def day(moment: datetime | None) -> date | None:
        return None if moment is None else timezone.localdate(moment)

    firsts = [*(row.first_day for row in rows), day(news["first"])]
    first = min((one for one in firsts if one is not None), default=None)
    return Profile(
        n_orders=n_orders,
        n_refunds=sum(row.n_refunds for row in rows) + news["refunds"],
        spent=spent,
        mean_order_value=(spent / n_orders).quantize(CENT) if n_orders else NOTHING,
        days_since_first=days(first),
        days_since_visit=days(*(row.last_day for row in rows), day(news["last"])),
        days_since_order=days(*(row.last_order_day for row in rows), day(news["ordered"])),
        n_sessions_30d=sum(row.n_sessions_30d for row in rows) + sessions,
        n_views_30d=sum(row.n_views_30d for row in rows) + news["views"],
        n_carts_30d=sum(row.n_carts_30d for row in rows) + news["carts"],
        is_customer=is_customer or any(row.is_customer for row in rows),
        language=next((row.language for row in rows if row.language), ""),
        is_made=bool(rows),
        tastes=tastes,
    )
