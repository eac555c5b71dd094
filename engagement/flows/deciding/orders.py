"""What visitors bought after decisions: orders from the shop's own events, refunds taken back."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from django.db.models import Q, Sum

from engagement.conf import app_settings
from engagement.flows.serving import facts
from engagement.models import Decision, Event, EventName, Redemption, Visitor

NOTHING = Decimal(0)


@dataclass(slots=True)
class Order:
    """
    One order: whose, when, and what is left of it after refunds.

    ``lines``: what its lines cost before offers; ``discount``: what offers took off them.
    """

    ref: str
    person: int
    at: datetime
    lines: Decimal = NOTHING
    discount: Decimal = NOTHING
    margin: float = 0.0
    cost: Decimal = NOTHING

    @property
    def is_kept(self) -> bool:
        """Return whether something of it was not given back."""
        return self.lines > 0

    @property
    def revenue(self) -> Decimal:
        return self.lines - self.discount


@dataclass(slots=True)
class Bought:
    """What came of one decision."""

    orders: list[Order] = field(default_factory=list)

    @property
    def n(self) -> int:
        return sum(order.is_kept for order in self.orders)

    @property
    def revenue(self) -> Decimal:
        return sum((order.revenue for order in self.orders), NOTHING)

    @property
    def margin(self) -> float:
        return sum(order.margin for order in self.orders)

    @property
    def cost(self) -> Decimal:
        return sum((order.cost for order in self.orders), NOTHING)


def people(visitor_ids: Iterable[int]) -> dict[int, int]:
    """
    Return which person each row is, for all rows of these people: signing in joins two of them.
    """
    some = set(visitor_ids)
    merged = dict(Visitor.objects.filter(pk__in=some).values_list("pk", "merged_into"))
    roots = {merged.get(pk) or pk for pk in some}
    rows = Visitor.objects.filter(Q(pk__in=roots) | Q(merged_into__in=roots))
    return {pk: into or pk for pk, into in rows.values_list("pk", "merged_into")}


def after(
    decisions: Sequence[Decision], *, channel: str, window: timedelta, at: datetime
) -> dict[int, Bought]:
    """
    Return what came of each decision, by its id; all are of one point.

    An order belongs to the last decision before it, where that was not longer ago than ``window``.
    Refunds until ``at`` are taken back.
    """
    who = people(decision.visitor_id for decision in decisions)
    first = min(decision.decided_at for decision in decisions)
    last = max(decision.decided_at for decision in decisions) + window
    made = _made(decisions[0].point_id, who, first)
    found: dict[int, Bought] = defaultdict(Bought)
    for order in _orders(channel, who, first, last, at):
        moments, ids = made[order.person]
        place = bisect_right(moments, order.at) - 1
        if place >= 0 and order.at <= moments[place] + window:
            found[ids[place]].orders.append(order)
    return found


def _made(
    point_id: int, who: Mapping[int, int], since: datetime
) -> dict[int, tuple[list[datetime], list[int]]]:
    """Return moments and ids of each person's decisions at the point, oldest first."""
    rows = Decision.objects.filter(
        point_id=point_id, visitor__in=list(who), decided_at__gte=since
    ).order_by("decided_at", "pk")
    found: dict[int, tuple[list[datetime], list[int]]] = defaultdict(lambda: ([], []))
    for pk, visitor, decided_at in rows.values_list("pk", "visitor_id", "decided_at"):
        moments, ids = found[who[visitor]]
        moments.append(decided_at)
        ids.append(pk)
    return found


def _orders(
    channel: str, who: Mapping[int, int], first: datetime, last: datetime, at: datetime
) -> list[Order]:
    bought = Event.objects.filter(
        visitor__in=list(who),
        event=EventName.PURCHASE,
        event_time__gte=first,
        event_time__lte=min(last, at),
    ).order_by("event_time", "pk")
    columns = ("order_ref", "visitor_id", "event_time", "item_id", "quantity", "value")
    lines = list(bought.values_list(*columns))
    found: dict[str, Order] = {}
    for ref, visitor, moment, _item, _quantity, _value in lines:
        found.setdefault(ref, Order(ref, who[visitor], moment))
    given_back = Event.objects.filter(
        channel=channel, order_ref__in=list(found), event=EventName.REFUND, event_time__lte=at
    ).values_list(*columns)
    signed = [(1, line) for line in lines] + [(-1, line) for line in given_back]
    margins = _margins(channel, {line[3] for _sign, line in signed})
    rate = float(app_settings.MARGIN_RATE)
    for sign, (ref, _visitor, _moment, item, quantity, value) in signed:
        order = found[ref]
        paid = value or NOTHING
        order.lines += sign * paid
        each = margins.get(item, np.nan)
        order.margin += sign * (each * quantity if np.isfinite(each) else float(paid) * rate)
    for ref, discount, cost in _taken_off(channel, found):
        found[ref].discount, found[ref].cost = discount, cost
    return list(found.values())


def _margins(channel: str, item_ids: set[int]) -> dict[int, float]:
    """
    Return what is earned by one piece of each item at its price in the catalogue: what an offer
    takes off is its cost. NaN where neither margin nor price is known.
    """
    known = np.array(sorted(item_ids), dtype=np.int64)
    if not len(known):
        return {}
    margins, prices = facts.margins(channel, known), facts.prices(channel, known)
    told = np.where(np.isfinite(margins), margins, prices * float(app_settings.MARGIN_RATE))
    return dict(zip(known.tolist(), told.tolist(), strict=True))


def _taken_off(channel: str, order_refs: Iterable[str]) -> list[tuple[str, Decimal, Decimal]]:
    """Return order, what offers took off it, and what they cost with that."""
    rows = Redemption.objects.filter(
        channel=channel, order_ref__in=list(order_refs), reversed_at__isnull=True
    )
    sums = rows.order_by().values("order_ref").annotate(off=Sum("discount"), total=Sum("cost"))
    return list(sums.values_list("order_ref", "off", "total"))
