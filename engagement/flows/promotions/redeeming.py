"""
Use offers in an order, inside the transaction that places it; take them back when it is cancelled.

Budgets and caps are kept by the statements that count: an UPDATE with the limit in its condition.
Of any number of orders at once that want the last use, one gets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Round

from engagement.flows.promotions.carts import Cart
from engagement.flows.promotions.money import NOTHING
from engagement.flows.promotions.pricing import Applied, Quote, quote, refuse
from engagement.flows.promotions.refusals import OfferRefused
from engagement.flows.promotions.shoppers import Shopper
from engagement.models import Campaign, Grant, Promotion, Redemption

# As the columns keep it: SQLite would compare what binary fractions leave of sums.
PLACES = 3


@dataclass(frozen=True, slots=True)
class Used:
    """What the offers of an order came to; ``cost`` holds ``discount``."""

    discount: Decimal = NOTHING
    cost: Decimal = NOTHING
    currency: str = ""
    n: int = 0


def redeem(
    cart: Cart, given: Sequence[str] = (), *, shopper: Shopper, order_ref: str, at: datetime
) -> Quote:
    """
    Use the codes ``given``, and what counts without one, in an order; return what was taken off.

    Call it inside the transaction that stores the order. All or nothing: raises OfferRefused for
    the first code that does not count (any more), and then nothing of it has happened. An order
    that used its offers before changes nothing: what counted then is returned.
    """
    if not order_ref:
        raise ValueError("An order needs a number before offers can be used in it.")
    before = Redemption.objects.filter(channel=shopper.channel, order_ref=order_ref)
    if before.exists():
        return _again(cart, before)
    return use(
        quote(cart, given, shopper=shopper, at=at), shopper=shopper, order_ref=order_ref, at=at
    )


def use(found: Quote, *, shopper: Shopper, order_ref: str, at: datetime) -> Quote:
    """Use in an order what was quoted a moment ago, and nothing else; as :func:`redeem` does."""
    cart = found.cart
    before = Redemption.objects.filter(channel=shopper.channel, order_ref=order_ref)
    try:
        with transaction.atomic():
            for refused in found.refused:
                raise refuse(refused)
            # Always in the same order, so that two orders cannot wait for each other.
            for one in sorted(found.applied, key=lambda one: (one.campaign_id, one.promotion_id)):
                _use(one, shopper, order_ref, cart.currency, at)
    except (IntegrityError, OfferRefused):
        # The same order, sent twice: the other one was quicker by less than a lock.
        if before.exists():
            return _again(cart, before)
        raise
    return found


def _use(one: Applied, shopper: Shopper, order_ref: str, currency: str, at: datetime) -> None:
    _charge(
        Campaign.objects.filter(pk=one.campaign_id, status=Campaign.Status.RUNNING), one, "budget"
    )
    _charge(Promotion.objects.filter(pk=one.promotion_id, is_active=True), one, "")
    # The rows above are locked until the order is stored: nobody else counts at the same time.
    _count(one, shopper)
    grant_id = one.grant_id
    if grant_id is not None:
        grant = Grant.objects.filter(
            pk=grant_id, used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=at
        )
        if not grant.update(used_at=at):
            if one.needs_grant:
                raise OfferRefused("used", offer_code=one.code, name=one.name)
            grant_id = None
    Redemption.objects.create(
        promotion_id=one.promotion_id,
        channel=shopper.channel,
        grant_id=grant_id,
        visitor_id=shopper.visitor_id,
        order_ref=order_ref,
        discount=one.discount + one.shipping,
        cost=one.cost,
        currency=currency,
        redeemed_at=at,
    )


def _charge(row: QuerySet[Any], one: Applied, budget: str) -> None:
    """Count one use, where cap and budget allow it."""
    spent = Round(F("spent") + one.cost, PLACES)
    free = Q(max_redemptions__isnull=True) | Q(n_redeemed__lt=F("max_redemptions"))
    paid = Q(budget__isnull=True) | Q(budget__gte=spent) if budget else Q()
    if row.filter(free, paid).update(spent=spent, n_redeemed=F("n_redeemed") + 1):
        return
    if not row.exists():
        raise OfferRefused("paused", offer_code=one.code, name=one.name)
    reason = "budget" if row.filter(free).exists() else "cap"
    raise OfferRefused(reason, offer_code=one.code, name=one.name)


def _count(one: Applied, shopper: Shopper) -> None:
    """Refuse what this visitor has used as often as may be."""
    if not shopper.visitor_ids:
        return
    row = Promotion.objects.select_related("campaign").get(pk=one.promotion_id)
    own, of_campaign = row.max_per_visitor, row.campaign.max_per_visitor
    if own is None and of_campaign is None:
        return
    used = Redemption.objects.filter(visitor__in=shopper.visitor_ids, reversed_at__isnull=True)
    if own is not None and used.filter(promotion=row).count() >= own:
        raise OfferRefused("used", offer_code=one.code, name=one.name)
    n = used.filter(promotion__campaign=row.campaign_id).count()
    if of_campaign is not None and n >= of_campaign:
        raise OfferRefused("used", offer_code=one.code, name=one.name)


def _again(cart: Cart, before: QuerySet[Redemption]) -> Quote:
    rows = before.filter(reversed_at__isnull=True).select_related("promotion")
    applied = tuple(
        Applied(
            name=row.promotion.name,
            title=row.promotion.name,
            kind=row.promotion.kind,
            discount=row.discount,
            shipping=NOTHING,
            cost=row.cost,
            promotion_id=row.promotion_id,
            campaign_id=row.promotion.campaign_id,
            grant_id=row.grant_id,
        )
        for row in rows.order_by("pk")
    )
    return Quote(cart, applied)


def reverse(*, channel: str, order_ref: str, at: datetime) -> int:
    """
    Take back what an order used: budgets get their money, codes count again. Return how many.

    Once: an order that is cancelled twice gives back once.
    """
    n = 0
    with transaction.atomic():
        rows = Redemption.objects.filter(
            channel=channel, order_ref=order_ref, reversed_at__isnull=True
        ).select_related("promotion")
        for row in sorted(rows, key=lambda row: (row.promotion.campaign_id, row.promotion_id)):
            mine = Redemption.objects.filter(pk=row.pk, reversed_at__isnull=True)
            if not mine.update(reversed_at=at):
                continue
            n += 1
            for one in (
                Campaign.objects.filter(pk=row.promotion.campaign_id),
                Promotion.objects.filter(pk=row.promotion_id),
            ):
                one.update(
                    spent=Round(F("spent") - row.cost, PLACES), n_redeemed=F("n_redeemed") - 1
                )
            if row.grant_id is not None:
                _give_back(row.grant_id, row.promotion_id)
    return n


def _give_back(grant_id: int, promotion_id: int) -> None:
    """Let a grant count again, unless another one of the offer is open for the visitor by now."""
    grant = Grant.objects.filter(pk=grant_id)
    open_one = Grant.objects.filter(
        promotion=promotion_id,
        visitor__in=grant.values("visitor"),
        used_at__isnull=True,
        revoked_at__isnull=True,
    )
    if not open_one.exists():
        grant.update(used_at=None)


def of_order(channel: str, order_ref: str) -> Used:
    """Return what offers took off an order and cost the shop; zeros where none was used."""
    rows = Redemption.objects.filter(channel=channel, order_ref=order_ref, reversed_at__isnull=True)
    sums = rows.aggregate(discount=Sum("discount"), cost=Sum("cost"))
    currencies = list(rows.values_list("currency", flat=True)[:1])
    if not currencies:
        return Used()
    return Used(sums["discount"], sums["cost"], currencies[0], rows.count())
