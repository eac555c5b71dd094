"""Which offers may be shown to somebody now, and why not the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, F

from engagement.adapters import get_adapter
from engagement.flows import faults
from engagement.flows.audiences import asking
from engagement.flows.promotions import budgets, discounts
from engagement.flows.promotions.offers import RunningOffer
from engagement.flows.promotions.shoppers import Shopper
from engagement.models import Campaign, Promotion, Redemption

# A cart that has this share of what an offer asks for is near enough to be told of it.
NEAR = 0.5


def eligible(offers: Iterable[RunningOffer], *, who: Shopper, at: datetime) -> dict[str, str]:
    """
    Return for each offer, by name, "" where it may be shown, else why not.

    One query, and three a campaign where its budget was not looked at lately.

    Reasons: "paused", "not_yet", "expired", "kind" (not in this shop), "consent" (nothing may be
    given to somebody of whom nothing may be stored), "holdout", "audience", "currency",
    "min_spend" (the cart is far from it), "used", "caps", "budget", "pacing".
    """
    some = list(offers)
    found = {offer.name: _by_itself(offer, who, at) for offer in some}
    rest = [offer for offer in some if not found[offer.name]]
    if rest:
        found.update(_by_uses(rest, who))
        rest = [offer for offer in rest if not found[offer.name]]
    # A message costs nothing and is never used up.
    rest = [offer for offer in rest if offer.kind != Promotion.Kind.MESSAGE]
    if rest:
        reasons = budgets.reasons(rest, at=at)
        found.update({offer.name: reasons[offer.id] for offer in rest})
    return found


def dates(offer: RunningOffer, at: datetime) -> str:
    """Return "not_yet" or "expired"; "" while it runs. The end itself lies outside."""
    if offer.starts_at is not None and at < offer.starts_at:
        return "not_yet"
    return "expired" if offer.ends_at is not None and at >= offer.ends_at else ""


def in_audience(offer: RunningOffer, who: Shopper) -> bool:
    """Return whether all rules hold; one that cannot be read lets nobody in."""
    try:
        return all(asking.holds(rule, who.profile) for rule in offer.audiences)
    except Exception:
        faults.report(f"audience:{offer.id}", "The rule of offer %s cannot be read", offer.name)
        return False


def _by_itself(offer: RunningOffer, who: Shopper, at: datetime) -> str:
    if offer.status != Campaign.Status.RUNNING or not offer.is_active:
        return "paused"
    outside = dates(offer, at)
    if outside:
        return outside
    if offer.kind not in get_adapter().offers().kinds():
        return "kind"
    if who.is_held_out and not offer.is_for_everybody:
        return "holdout"
    if offer.needs_grant and not who.may_store:
        return "consent"
    if not in_audience(offer, who):
        return "audience"
    return _far(offer, who)


def _far(offer: RunningOffer, who: Shopper) -> str:
    terms, cart = offer.terms, who.cart
    if terms.currency and cart.currency and terms.currency != cart.currency:
        return "currency"
    if not cart.lines or not terms.min_spend:
        return ""
    lacks = discounts.missing(terms, cart)
    is_far = lacks is not None and float(lacks.amount) > (1 - NEAR) * float(terms.min_spend)
    return "min_spend" if is_far else ""


def _by_uses(offers: Sequence[RunningOffer], who: Shopper) -> dict[str, str]:
    used = uses(offers, who.visitor_ids)
    return {offer.name: "used" if is_used_up(offer, used) else "" for offer in offers}


def is_used_up(offer: RunningOffer, used: Mapping[tuple[int, int], int]) -> bool:
    """Return whether a visitor has used an offer, or its campaign, as often as may be."""
    own, of_campaign = offer.max_per_visitor, offer.max_per_visitor_of_campaign
    if own is not None and used.get((offer.id, offer.campaign_id), 0) >= own:
        return True
    n = sum(n for (_offer, campaign), n in used.items() if campaign == offer.campaign_id)
    return of_campaign is not None and n >= of_campaign


def uses(offers: Iterable[RunningOffer], visitor_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """Return how often a visitor has used the offers of these campaigns, by offer and campaign."""
    if not visitor_ids:
        return {}
    counted: Any = (
        Redemption.objects.filter(
            visitor__in=visitor_ids,
            reversed_at__isnull=True,
            promotion__campaign__in={offer.campaign_id for offer in offers},
        )
        .values(offer=F("promotion"), campaign=F("promotion__campaign"))
        .annotate(n=Count("pk"))
        .order_by()
    )
    return {(row["offer"], row["campaign"]): row["n"] for row in counted}
