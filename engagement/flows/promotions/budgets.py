"""
What is left of budgets and caps: of what was spent, what is promised by open grants, and time.

A grant is a promise that most people do not take up. It is counted with the share of past grants
that were used, and with what a use has cost so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Count, F, Q

from engagement.conf import app_settings
from engagement.flows.promotions.money import NOTHING
from engagement.flows.promotions.offers import RunningOffer
from engagement.flows.promotions.remembered import Remembered
from engagement.models import Campaign, Grant, Promotion

# The share of grants that are used changes slowly: it is asked for every so-manieth time only.
RATE_POLLS = 20
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Promise:
    """The uses that open grants of an offer will come to, and what they will cost."""

    uses: Decimal = NOTHING
    money: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class Standing:
    """The offers of a campaign as they were just now, and what their open grants will come to."""

    rows: Mapping[int, Promotion]
    promises: Mapping[int, Promise]


# What was read lately, by campaign. Counting grants takes longer than a page may take, where there
# are a million of them; redeeming asks the rows themselves.
_standings: Remembered[Standing] = Remembered()
_rates: Remembered[dict[int, Decimal]] = Remembered()


def forget() -> None:
    """Ask the database again at once."""
    _standings.forget()
    _rates.forget()


def reasons(offers: Sequence[RunningOffer], *, at: datetime) -> dict[int, str]:
    """
    Return by offer why no more of it may be given: "paused", "caps", "budget", "pacing"; "" where
    it may. Asks the database at most once in ``POLL_SECONDS``, in three queries a campaign.
    """
    found = {}
    for campaign in dict.fromkeys(offer.campaign_id for offer in offers):
        standing = _standings.get(campaign, app_settings.POLL_SECONDS, partial(_read, campaign, at))
        for offer in offers:
            if offer.campaign_id == campaign:
                row = standing.rows.get(offer.id)
                found[offer.id] = "paused" if row is None else _reason(row, standing, at)
    return found


def _read(campaign: int, at: datetime) -> Standing:
    rows = Promotion.objects.filter(campaign=campaign).select_related("campaign").in_bulk()
    rates = _rates.get(
        campaign, app_settings.POLL_SECONDS * RATE_POLLS, partial(_read_rates, campaign, at)
    )
    is_open = Grant.objects.filter(
        promotion__in=rows, used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=at
    )
    n_open: dict[int, int] = dict(is_open.order_by().values_list("promotion").annotate(Count("pk")))
    promises = {}
    for pk, n in n_open.items():
        uses = n * rates.get(pk, Decimal(1))
        promises[pk] = Promise(uses, uses * use_cost(rows[pk]))
    return Standing(rows, promises)


def _read_rates(campaign: int, at: datetime) -> dict[int, Decimal]:
    """Return the share of grants that were used, of those that were used or ran out, by offer."""
    unused = Q(used_at__isnull=True)
    counted: Any = (
        Grant.objects.filter(promotion__campaign=campaign)
        .values("promotion")
        .annotate(
            n_used=Count("pk", filter=~unused),
            # Those that were revoked before their time could not be used.
            n_over=Count(
                "pk",
                filter=unused
                & Q(expires_at__lte=at)
                & (Q(revoked_at__isnull=True) | Q(revoked_at__gte=F("expires_at"))),
            ),
        )
        .order_by()
    )
    # Before any have run out, all are taken to be used.
    return {
        row["promotion"]: Decimal(row["n_used"] + 1) / (row["n_used"] + row["n_over"] + 1)
        for row in counted
    }


def _reason(row: Promotion, standing: Standing, at: datetime) -> str:
    campaign = row.campaign
    if campaign.status != Campaign.Status.RUNNING or not row.is_active:
        return "paused"
    own = standing.promises.get(row.pk, Promise())
    if row.max_redemptions is not None and row.n_redeemed + own.uses + 1 > row.max_redemptions:
        return "caps"
    uses = sum((one.uses for one in standing.promises.values()), NOTHING)
    if (
        campaign.max_redemptions is not None
        and campaign.n_redeemed + uses + 1 > campaign.max_redemptions
    ):
        return "caps"
    if campaign.budget is None:
        return ""
    bound = campaign.spent + sum((one.money for one in standing.promises.values()), NOTHING)
    cost = use_cost(row)
    if bound + cost > campaign.budget:
        return "budget"
    # The first use may come before its share of the time has passed.
    return "pacing" if bound > NOTHING and bound + cost > allowance(campaign, at) else ""


def use_cost(row: Promotion) -> Decimal:
    """Return what one use costs: as measured, else what the terms say at most."""
    if row.n_redeemed:
        return row.spent / row.n_redeemed
    if row.max_discount is not None:
        return row.max_discount + row.cost
    fixed = row.value if row.kind == Promotion.Kind.AMOUNT else None
    return (fixed or NOTHING) + row.cost


def allowance(campaign: Campaign, at: datetime) -> Decimal:
    """Return how much of the budget may be gone by now: its share of the time, or all of it."""
    budget = campaign.budget or NOTHING
    starts, ends = campaign.starts_at, campaign.ends_at
    if campaign.pacing != Campaign.Pacing.EVEN or starts is None or ends is None:
        return budget
    gone = min(max(at - starts, timedelta()), ends - starts)
    return budget * Decimal(gone // MOMENT) / Decimal((ends - starts) // MOMENT)
