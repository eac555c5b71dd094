"""What stands in the way of a campaign, in sentences for the person who wants to start it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from engagement.adapters import get_adapter
from engagement.flows.audiences import counting
from engagement.flows.audiences.counting import Fit
from engagement.flows.audiences.reading import CannotRead
from engagement.models import Campaign, Item, Promotion

# Kinds whose value is money.
IN_MONEY = (Promotion.Kind.AMOUNT, Promotion.Kind.BUNDLE)


def obstacles(campaign: Campaign, *, at: datetime) -> list[str]:
    """Return why a campaign cannot start; nothing where it can."""
    offers = list(campaign.promotions.filter(is_active=True))
    found = list(_of_campaign(campaign, offers, at))
    for offer in offers:
        found += (f"{offer.name}: {one}" for one in _of_offer(campaign, offer, at))
    return found


def audience(campaign: Campaign, offer: Promotion | None = None, *, at: datetime) -> Fit:
    """Return how many visitors an offer, or its campaign, is for; raises CannotRead."""
    rules = [campaign.audience] if offer is None else [campaign.audience, offer.audience]
    return counting.check(*rules, channel=campaign.channel, at=at)


def _of_campaign(campaign: Campaign, offers: list[Promotion], at: datetime) -> Iterator[str]:
    if not offers:
        yield _("It needs an offer.")
    if campaign.ends_at is not None and campaign.ends_at <= at:
        yield _("Its time is over; give it a later end.")
    if campaign.budget is not None and campaign.spent >= campaign.budget:
        yield _("Its budget is spent; raise it.")
    if campaign.max_redemptions is not None and campaign.n_redeemed >= campaign.max_redemptions:
        yield _("It was used as often as it may be; raise the number.")
    if not campaign.currency and any(_is_money(offer) for offer in offers):
        yield _("It gives money off, so it needs a currency.")
    yield from _of_rule(campaign, None, at)


def _is_money(offer: Promotion) -> bool:
    amounts = (offer.set_price, offer.min_spend, offer.max_discount, offer.cost or None)
    return offer.kind in IN_MONEY or any(amount is not None for amount in amounts)


def _of_rule(campaign: Campaign, offer: Promotion | None, at: datetime) -> Iterator[str]:
    try:
        audience(campaign, offer, at=at)
    except CannotRead as wrong:
        yield _("The rule about whom it is for is wrong: %(reason)s") % {"reason": wrong}


def _of_offer(campaign: Campaign, offer: Promotion, at: datetime) -> Iterator[str]:
    if not any((words or {}).get("title") for words in (offer.texts or {}).values()):
        yield _("It has no title in any language.")
    if offer.ends_at is not None and offer.ends_at <= at:
        yield _("Its time is over; give it a later end.")
    if offer.kind not in get_adapter().offers().kinds():
        yield _("This shop cannot give this kind of offer.")
    if offer.audience.strip():
        yield from _of_rule(campaign, offer, at)
    for _field, message in unknown_goods(offer, campaign.channel):
        yield message


def unknown_goods(offer: Promotion, channel: str) -> Iterator[tuple[str, str]]:
    """Yield what an offer names that the catalogue does not have: the field and a sentence."""
    items = Item.objects.of_channel(channel)
    keys = [str(key) for key in offer.scope_keys or ()]
    if (
        offer.kind == Promotion.Kind.GIFT
        and offer.gift_key
        and not items.filter(key=offer.gift_key).exists()
    ):
        message = _("The catalogue has no item %(key)s to give as a present.")
        yield "gift_key", message % {"key": offer.gift_key}
    if offer.scope == Promotion.Scope.ITEMS:
        known = set(items.filter(key__in=keys).values_list("key", flat=True))
        message = _("The catalogue has no item with the key %(key)s.")
        yield from (("scope_keys", message % {"key": key}) for key in keys if key not in known)
    if offer.scope == Promotion.Scope.CATEGORY:
        message = _("No item lies in the category %(path)s.")
        for path in keys:
            inside = Q(category=path) | Q(category__startswith=f"{path} > ")
            if not items.filter(inside).exists():
                yield "scope_keys", message % {"path": path}
