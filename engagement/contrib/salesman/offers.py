"""Offers in a shop made with Salesman: rows of its baskets, used with its orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.current_request import current_request
from engagement.flows import faults
from engagement.flows.collecting.identity import Person
from engagement.flows.promotions import checking, codes, pricing, redeeming, running
from engagement.flows.promotions.carts import Cart
from engagement.flows.promotions.pricing import Quote
from engagement.flows.promotions.refusals import OfferRefused
from engagement.flows.promotions.shoppers import Shopper, priced, shopper_of
from engagement.flows.serving import caching
from engagement.flows.serving.visit import person_of, person_of_customer
from engagement.shop_offers import KINDS, OfferedCode, ShopCart, ShopLine, ShopOffers

MODIFIER = "engagement.contrib.salesman.modifiers.CampaignOffers"
# The rows of baskets and orders that are ours.
IDENTIFIER = "engagement-offer"
# Where a front end writes what was typed: PUT /basket/extra/ {"extra": {"codes": ["SPRING26"]}}.
CODES = "codes"
# Nothing is put into the parcel, and delivery is a modifier of the shop's own.
GIVEN = ("percentage", "amount", "n_for_m", "bundle", "message")
WHERE = "_engagement_offers"
TRIED_SECONDS = 86_400.0


class SalesmanOffers(ShopOffers):
    """Codes are ours; a basket's rows and an order's rows say what they take off."""

    def kinds(self) -> Collection[str]:
        # Without the modifier the shop's own code gives effect to offers.
        return GIVEN if MODIFIER in getattr(settings, "SALESMAN_BASKET_MODIFIERS", ()) else KINDS

    def cart(self, request: HttpRequest) -> ShopCart | None:
        from engagement.contrib.salesman.adapter import lines_of

        lines = lines_of(request)
        for line in lines:
            line.update(request)
        return cart_of(lines)

    def grant(self, code: OfferedCode) -> str:
        return ""


class Shown(NamedTuple):
    """What a basket was shown to cost in this request, and to whom."""

    quote: Quote
    shopper: Shopper


def cart_of(lines: Iterable[Any]) -> ShopCart:
    """Return lines of a basket at their prices, rows of their own taken into account."""
    item_key = get_adapter().item_key
    return ShopCart(
        [
            ShopLine(
                item_key(line), max(Decimal(line.total), Decimal(0)) / line.quantity, line.quantity
            )
            for line in lines
            if line.quantity and line.product is not None
        ],
        str(app_settings.CURRENCY),
    )


def price(basket: Any, request: HttpRequest) -> Quote | None:
    """Return what offers take off a basket; None, without a query, where none can count."""
    plain: Any = getattr(request, "_request", request)
    setattr(plain, WHERE, None)
    channel = get_adapter().get_channel(plain)
    given = _codes_of(basket)
    if not given and not running.count_by_themselves(channel):
        return None
    cart = priced(cart_of(basket.get_items()), channel)
    at = timezone.now()
    shopper = shopper_of(_person(basket, plain, channel), request=plain, cart=cart, at=at)
    found = _asked(basket, cart, given, shopper, plain)
    setattr(plain, WHERE, Shown(found, shopper))
    return found


def _codes_of(basket: Any) -> list[str]:
    """Return what the visitor has typed: anything may be there."""
    written = (basket.extra or {}).get(CODES) if isinstance(basket.extra, dict) else None
    some = [written] if isinstance(written, str) else written
    texts = [one for one in some if isinstance(one, str)] if isinstance(some, list) else []
    return codes.distinct(texts[: 2 * pricing.MOST_CODES])


def _person(basket: Any, request: HttpRequest, channel: str) -> Person | None:
    """Return whose basket it is: a payment provider may ask for somebody else."""
    user = getattr(request, "user", None)
    if basket.user_id is not None and getattr(user, "pk", None) != basket.user_id:
        return person_of_customer(str(basket.user_id), channel)
    return person_of(request)


def _asked(
    basket: Any, cart: Cart, given: list[str], shopper: Shopper, request: HttpRequest
) -> Quote:
    """Return what counts; a wrong code is a guess once, however often the basket is shown."""
    at = timezone.now()
    key = f"engagement:tried:{basket.pk}"
    tried = caching.get(key) or []
    fresh = [code for code in given if code not in tried]
    if not fresh:
        return pricing.quote(cart, given, shopper=shopper, at=at)
    address = checking.address_of(request)
    found = checking.check(cart, given, shopper=shopper, address=address, at=at)
    if all(one.reason != "too_often" for one in found.refused):
        caching.put(key, [*tried, *fresh][-50:], seconds=TRIED_SECONDS)
    return found


def use(order: Any) -> None:
    """
    Note that an order has used the offers that its basket was shown with.

    Called inside the order's transaction. Raises Salesman's PaymentError, with a sentence for the
    customer, where a code does not count or an offer has run out since: there is no order then. If
    anything else fails, the order is worth more than our count.
    """
    request = current_request()
    shown: Shown | None = getattr(request, WHERE, None)
    if shown is None or not _has_rows(order):
        return
    try:
        with faults.contained():
            redeeming.use(
                shown.quote, shopper=shown.shopper, order_ref=str(order.ref), at=timezone.now()
            )
    except OfferRefused as refusal:
        from salesman.checkout.payment import PaymentError

        raise PaymentError(str(refusal)) from refusal
    except Exception:
        faults.report("salesman:use", "The offers of order %s cannot be noted", order.ref)
    setattr(request, WHERE, None)


def _has_rows(order: Any) -> bool:
    rows = order.extra_rows or ()
    return any(str(row.get("modifier", "")).startswith(IDENTIFIER) for row in rows)
