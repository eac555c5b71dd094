"""Offers in a shop made with Oscar: codes are vouchers of its own, prices its applicator's."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.http import HttpRequest

from engagement.contrib.oscar import tills, vouchers
from engagement.shop_offers import OfferedCode, ShopCart, ShopOffers

# Nothing is put into the parcel.
KINDS = ("percentage", "amount", "free_shipping", "n_for_m", "bundle", "message")


class OscarOffers(ShopOffers):
    """What `engagement` may ask about baskets and vouchers."""

    def kinds(self) -> Collection[str]:
        return KINDS

    def cart(self, request: HttpRequest) -> ShopCart | None:
        basket = getattr(request, "basket", None)
        if basket is None:
            return None
        if basket.pk is None or basket.is_empty:
            return ShopCart((), str(getattr(settings, "OSCAR_DEFAULT_CURRENCY", "")))
        return tills.cart_of(basket)

    def grant(self, code: OfferedCode) -> str:
        return vouchers.give(code)

    def revoke(self, shop_ref: str) -> bool:
        return vouchers.take_away(shop_ref)
