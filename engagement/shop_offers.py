"""
The part of an adapter about carts and offers: what is in the cart at which prices, which kinds of
offer the shop can give, and vouchers of its own where it has them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.http import HttpRequest

KINDS = ("percentage", "amount", "free_shipping", "n_for_m", "bundle", "gift", "message")


@dataclass(frozen=True, slots=True)
class ShopLine:
    """A line of a cart: an item by its key, how many, and the price of one."""

    item_key: str
    price: Decimal
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class ShopCart:
    """A cart as the shop prices it; ``shipping`` is None while it is not known."""

    lines: Sequence[ShopLine] = ()
    currency: str = ""
    shipping: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OfferedCode:
    """
    What a shop with vouchers of its own has to know to make one: the terms in the words of
    ``models.Promotion``, for whom (the shop's customer id, "" for a guest), and until when.
    """

    name: str
    code: str
    kind: str
    currency: str
    expires_at: datetime
    customer: str = ""
    value: Decimal | None = None
    set_price: Decimal | None = None
    buy_n: int = 0
    pay_m: int = 0
    gift_key: str = ""
    scope: str = "cart"
    scope_keys: Sequence[str] = ()
    min_spend: Decimal | None = None
    max_discount: Decimal | None = None


class ShopOffers:
    """
    Safe answers to every question about carts and offers, to be overridden.

    By default the codes are ours: the shop asks ``check_offer`` what they take off, and calls
    ``redeem_offer`` inside the transaction that places the order. An adapter returns one of these
    from ``offers()``.
    """

    def kinds(self) -> Collection[str]:
        """Return which kinds of offer the shop can give effect to; others are never made."""
        return KINDS

    def cart(self, request: HttpRequest) -> ShopCart | None:
        """
        Return the visitor's cart with the shop's own prices.

        None, the default, says that only the adapter's ``cart_keys`` are known: one piece of each
        at the catalogue's price is taken for it.
        """
        return None

    def grant(self, code: OfferedCode) -> str:
        """
        Make a voucher in the shop's own system and return its key there; "" where there is none.

        Called once for each code, inside a transaction; what is raised here takes the code back.
        """
        return ""

    def revoke(self, shop_ref: str) -> bool:
        """Make a voucher of the shop count no more; return whether it could be done."""
        return False
