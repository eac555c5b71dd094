"""What a campaign has spent, day by day, beside what it might have; and what each offer did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from engagement.flows.metrics.days import midnight
from engagement.flows.promotions import budgets
from engagement.flows.promotions.money import NOTHING
from engagement.models import Campaign, Grant, Promotion, Redemption

# As many days as a chart can show.
MOST_DAYS = 92


@dataclass(frozen=True, slots=True)
class OfferFigures:
    """How often an offer was given and used; ``rate`` of those given that were used, or None."""

    offer: Promotion
    n_given: int
    n_open: int
    n_used: int
    discount: Decimal
    cost: Decimal

    @property
    def rate(self) -> float | None:
        return min(self.n_used / self.n_given, 1.0) if self.n_given else None


@dataclass(frozen=True, slots=True)
class Spending:
    """
    ``spent`` is the sum up to the end of each day, ``allowed`` what the budget allowed by then
    (empty without a budget).
    """

    days: Sequence[date]
    spent: Sequence[Decimal]
    allowed: Sequence[Decimal]
    offers: Sequence[OfferFigures]


def read(campaign: Campaign, *, at: datetime) -> Spending:
    """Return the figures of a campaign from its start, its last days where it is a long one."""
    uses = Redemption.objects.filter(promotion__campaign=campaign, reversed_at__isnull=True)
    if campaign.started_at is None:
        return Spending((), (), (), _offers(campaign, at))
    today = timezone.localdate(at)
    first = timezone.localdate(campaign.started_at)
    first = max(min(first, today), today - timedelta(days=MOST_DAYS - 1))
    days = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    before = uses.filter(redeemed_at__lt=midnight(first)).aggregate(cost=Sum("cost"))["cost"]
    by_day: dict[date, Decimal] = dict(
        uses.filter(redeemed_at__gte=midnight(first))
        .annotate(day=TruncDate("redeemed_at"))
        .order_by()
        .values_list("day")
        .annotate(Sum("cost"))
    )
    spent, total = [], before or NOTHING
    for day in days:
        total += by_day.get(day, NOTHING)
        spent.append(total)
    allowed = [
        budgets.allowance(campaign, min(midnight(day + timedelta(days=1)), at)) for day in days
    ]
    return Spending(
        days, spent, allowed if campaign.budget is not None else (), _offers(campaign, at)
    )


def _offers(campaign: Campaign, at: datetime) -> list[OfferFigures]:
    is_open = Q(used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=at)
    counts: Any = (
        Grant.objects.filter(promotion__campaign=campaign)
        .order_by()
        .values("promotion")
        .annotate(n=Count("pk"), n_open=Count("pk", filter=is_open))
    )
    given = {row["promotion"]: (row["n"], row["n_open"]) for row in counts}
    sums: Any = (
        Redemption.objects.filter(promotion__campaign=campaign, reversed_at__isnull=True)
        .order_by()
        .values("promotion")
        .annotate(n=Count("pk"), off=Sum("discount"), paid=Sum("cost"))
    )
    used = {row["promotion"]: row for row in sums}
    nothing = {"n": 0, "off": NOTHING, "paid": NOTHING}
    return [
        OfferFigures(
            offer,
            *given.get(offer.pk, (0, 0)),
            *(used.get(offer.pk, nothing)[name] for name in nothing),
        )
        for offer in campaign.promotions.order_by("pk")
    ]
