"""Prices carts and uses offers for those who type codes: whoever guesses has to wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest

from engagement.conf import app_settings
from engagement.flows import tallies
from engagement.flows.promotions import codes, redeeming
from engagement.flows.promotions.carts import Cart
from engagement.flows.promotions.pricing import Quote, quote, refused_all
from engagement.flows.promotions.refusals import OfferRefused
from engagement.flows.promotions.shoppers import Shopper

NAME = "CODE_RATE"
# What somebody gets told who has not been given the code.
GUESSES = ("unknown", "foreign")


def check(
    cart: Cart, given: Sequence[str] = (), *, shopper: Shopper, address: str = "", at: datetime
) -> Quote:
    """Return what :func:`pricing.quote` does; nothing counts for a while after many guesses."""
    if given and _waits(shopper, address, at):
        found = quote(cart, shopper=shopper, at=at)
        refused = refused_all(cart, given, "too_often").refused
        return Quote(cart, found.applied, refused)
    found = quote(cart, given, shopper=shopper, at=at)
    _note(sum(one.reason in GUESSES for one in found.refused), shopper, address, at)
    return found


def redeem(
    cart: Cart,
    given: Sequence[str] = (),
    *,
    shopper: Shopper,
    order_ref: str,
    address: str = "",
    at: datetime,
) -> Quote:
    """Do what :func:`redeeming.redeem` does; raises OfferRefused after many guesses too."""
    if given and _waits(shopper, address, at):
        raise OfferRefused("too_often", offer_code=next(iter(codes.distinct(given)), ""))
    try:
        return redeeming.redeem(cart, given, shopper=shopper, order_ref=order_ref, at=at)
    except OfferRefused as refusal:
        _note(int(refusal.code in GUESSES), shopper, address, at)
        raise


def address_of(request: HttpRequest | None) -> str:
    """
    Return where a request comes from, as REST framework tells it: by ``NUM_PROXIES`` where the
    shop says how many proxies stand before it.
    """
    if request is None:
        return ""
    own = str(request.META.get("REMOTE_ADDR", ""))
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
    proxies: int | None = getattr(settings, "REST_FRAMEWORK", {}).get("NUM_PROXIES")
    if not forwarded or proxies == 0:
        return own
    if proxies is None:
        return "".join(forwarded.split())[:200]
    hops = forwarded.split(",")
    return hops[-min(proxies, len(hops))].strip()[:200]


def _counters(shopper: Shopper, address: str, at: datetime) -> tuple[dict[str, int], int]:
    most, seconds = tallies.limit(app_settings.CODE_RATE)
    if not most:
        return {}, 1
    keys = shopper.person.known_keys if shopper.person is not None else ()
    period = int(at.timestamp() / seconds)
    return tallies.tallies(NAME, keys, address, most=most, period=period), seconds


def _waits(shopper: Shopper, address: str, at: datetime) -> bool:
    counters, _seconds = _counters(shopper, address, at)
    counted = tallies.read(counters)
    return any(counted.get(key, 0) >= most for key, most in counters.items())


def _note(n: int, shopper: Shopper, address: str, at: datetime) -> None:
    if n:
        counters, seconds = _counters(shopper, address, at)
        for key in counters:
            tallies.add(key, n, seconds=seconds)
