"""Taking it all back: simulated visitors, what they did, what they bought, and what it taught."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import F, Max, Min
from django.utils import timezone

from engagement.flows.collecting import privacy
from engagement.flows.deciding import learning
from engagement.flows.metrics import making as metrics
from engagement.flows.promotions import redeeming
from engagement.flows.serving import live
from engagement.models import (
    DailyMetric,
    Decision,
    DecisionPoint,
    Event,
    EventName,
    PolicyState,
    Redemption,
    Visitor,
)
from shop_demo.models import Order, OrderLine, Product
from shop_demo.simulation import walkers
from shop_demo.simulation.visiting import DOMAIN
from shop_demo.simulation.world import MARK

CHUNK = 400
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Forgotten:
    n_visitors: int
    n_orders: int


def forget(*, at: datetime, channel: str = "") -> Forgotten:
    """
    Remove simulated visitors and all that came of them; return how many that were.

    Those who walked through the pages are known by what ``walkers`` has kept, and by their orders.
    Budgets get their money back, policies learn anew from what is left, and the figures of the days
    are made anew. Killed half-way, it goes on where it was.
    """
    orders = Order.objects.filter(email__endswith=f"@{DOMAIN}")
    refs = list(orders.values_list("number", flat=True))
    people = _people(channel, refs)
    span = _span(people)
    points = _points(people)
    _give_back(channel, refs, at)
    for some in _pieces(people):
        privacy.erase_visitors(some)
    _unsell()
    _learn_anew(points, at)
    _figures(channel, span, at)
    walkers.forget()
    live.forget()
    return Forgotten(len(people), len(refs))


def _people(channel: str, refs: list[str]) -> list[int]:
    mine = Visitor.objects.filter(channel=channel)
    found = set(mine.filter(key__startswith=MARK).values_list("pk", flat=True))
    for keys in _pieces(walkers.known()):
        found |= set(mine.filter(key__in=keys).values_list("pk", flat=True))
    for some in _pieces(refs):
        bought = Event.objects.filter(
            channel=channel,
            event=EventName.PURCHASE,
            order_ref__in=some,
            visitor__isnull=False,
        )
        found |= set(bought.values_list("visitor_id", flat=True))
    return sorted(found)


def _pieces(some: Iterable[T]) -> Iterator[list[T]]:
    every = list(some)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]


def _span(people: list[int]) -> tuple[date, date] | None:
    moments: list[datetime] = []
    for some in _pieces(people):
        rows = Event.objects.filter(visitor__in=some)
        found = rows.aggregate(first=Min("event_time"), last=Max("event_time"))
        moments += [moment for moment in found.values() if moment is not None]
    if not moments:
        return None
    return timezone.localdate(min(moments)), timezone.localdate(max(moments))


def _points(people: list[int]) -> set[int]:
    found: set[int] = set()
    for some in _pieces(people):
        rows = Decision.objects.filter(visitor__in=some).order_by()
        found |= set(rows.values_list("point", flat=True).distinct())
    return found


def _give_back(channel: str, refs: list[str], at: datetime) -> None:
    for some in _pieces(refs):
        used = Redemption.objects.filter(channel=channel, order_ref__in=some)
        for ref in set(used.values_list("order_ref", flat=True)):
            redeeming.reverse(channel=channel, order_ref=ref, at=at)
        used.delete()


def _unsell() -> None:
    """Delete orders and put back what was sold: those of ``visiting`` were delivered before."""
    rows = Order.objects.filter(email__endswith=f"@{DOMAIN}").values_list("pk", "email")
    for some in _pieces(rows):
        with transaction.atomic():
            walked = {pk for pk, email in some if email.startswith(walkers.NAME)}
            lines = OrderLine.objects.filter(order__in=[pk for pk, _email in some])
            for order, product, n in lines.values_list("order_id", "product_id", "quantity"):
                Product.objects.filter(pk=product).update(
                    n_sold=F("n_sold") - n, stock=F("stock") + (n if order in walked else 0)
                )
            Order.objects.filter(pk__in=[pk for pk, _email in some]).delete()


def _learn_anew(points: set[int], at: datetime) -> None:
    for point in DecisionPoint.objects.filter(pk__in=points):
        PolicyState.objects.filter(version__point=point).delete()
        for version in learning.in_use(point):
            learning.catch_up(version, at=at)


def _figures(channel: str, span: tuple[date, date] | None, at: datetime) -> None:
    if span is None:
        return
    rows = DailyMetric.objects.filter(channel=channel)
    rows.filter(day__gte=span[0], day__lte=span[1]).delete()
    made = metrics.make(channel=channel, at=at, since=span[0], until=span[1])
    if not made.n_days:
        # Nothing is left that cohorts and segments could be made of.
        rows.filter(name__startswith="kept_").delete()
        rows.filter(name__startswith="rfm_").delete()
    else:
        metrics.make(channel=channel, at=at)
