"""
What comes off a cart: the coupon of a mailing, and offers of `engagement`.

The codes that a visitor typed, or took from an offer, are kept in the session while they count.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils.translation import gettext as _

from engagement.shop_offers import ShopCart, ShopLine, ShopOffers
from engagement.shortcuts import Quote, check_offer
from shop_demo import carts
from shop_demo.models import CartLine, Coupon, Household, Product

SESSION_KEY = "codes"
MOST_CODES = 5
# Delivery is free here, and so cannot be given.
KINDS = ("percentage", "amount", "n_for_m", "bundle", "gift", "message")
NOTHING = Decimal("0.00")


class CouponRefused(Exception):
    """The code is unknown, somebody else's, used, over, or for none of the products."""


@dataclass(frozen=True)
class CouponUse:
    """A coupon of a mailing, the product it is used on, and what it takes off one of it."""

    coupon: Coupon
    product_id: uuid.UUID
    off: Decimal


@dataclass(frozen=True)
class Deduction:
    """A line below the products: what is taken off, and by which code, if any."""

    title: str
    amount: Decimal
    code: str = ""


@dataclass(frozen=True)
class RefusedCode:
    """A code that does not count and the sentence that says why; ``reason`` for the program."""

    code: str
    message: str
    reason: str = "coupon"


# What a cart can still be brought to.
WAITING = ("min_spend", "pieces", "items", "nothing")


@dataclass(frozen=True)
class Bill:
    """What a cart costs, what is taken off, and which codes do not count."""

    subtotal: Decimal
    coupon: CouponUse | None
    quote: Quote
    refused: Sequence[RefusedCode] = ()
    gifts: Sequence[Product] = field(default_factory=list)

    @property
    def deductions(self) -> list[Deduction]:
        found = []
        if self.coupon is not None:
            code = self.coupon.coupon.code
            found.append(Deduction(_("Coupon"), self.coupon.off, code))
        found += (
            Deduction(one.title, one.discount, one.shown_code)
            for one in self.quote.applied
            if one.discount or one.code
        )
        return found

    @property
    def discount(self) -> Decimal:
        return sum((one.amount for one in self.deductions), NOTHING)

    @property
    def total(self) -> Decimal:
        return self.subtotal - self.discount

    def refusal(self, code: str) -> RefusedCode | None:
        return next((one for one in self.refused if _plain(one.code) == _plain(code)), None)


class DemoOffers(ShopOffers):
    """What `engagement` may ask this shop about carts."""

    def kinds(self) -> Sequence[str]:
        return KINDS

    def cart(self, request: HttpRequest) -> ShopCart:
        return offered(carts.lines_of(request), None)


def offered(lines: Iterable[CartLine], coupon: CouponUse | None) -> ShopCart:
    """Return a cart as offers see it: what the coupon takes off one piece is off already."""
    found = []
    for line in lines:
        rest, price = line.quantity, line.product.price
        if coupon is not None and line.product_id == coupon.product_id:
            found.append(ShopLine(str(line.product_id), price - coupon.off))
            rest -= 1
        if rest:
            found.append(ShopLine(str(line.product_id), price, rest))
    return ShopCart(found, settings.ENGAGEMENT["CURRENCY"])


def use_of(
    code: str, lines: Sequence[CartLine], user: AbstractBaseUser | None, at: datetime
) -> CouponUse:
    """
    Return what the coupon of ``code`` does; raises CouponRefused.

    Whose coupon it is, whether it still counts and what it is for are asked of the database, not
    of the form.
    """
    household = Household.objects.filter(user=user).first() if user is not None else None
    if household is None:
        raise CouponRefused(code)
    coupon = Coupon.objects.valid_for(household, at).filter(code=code).first()
    if coupon is None:
        raise CouponRefused(code)
    products = set(
        coupon.products.filter(pk__in=[line.product_id for line in lines]).values_list(
            "pk", flat=True
        )
    )
    covered = [line for line in lines if line.product_id in products]
    if not covered:
        raise CouponRefused(code)
    dearest = max(covered, key=lambda line: (line.product.price, str(line.product_id)))
    price = dearest.product.price
    return CouponUse(coupon, dearest.product_id, min(coupon.amount, price))


def sort_out(given: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return which codes are coupons of a mailing, and which are left for `engagement`."""
    typed = list(dict.fromkeys(code.strip() for code in given if code.strip()))
    known = set(Coupon.objects.filter(code__in=typed).values_list("code", flat=True))
    return [code for code in typed if code in known], [code for code in typed if code not in known]


def bill(
    request: HttpRequest, lines: Sequence[CartLine], *, at: datetime, also: Sequence[str] = ()
) -> Bill:
    """Return what the cart costs with the codes of the session, and those that come with it."""
    coupons, codes = sort_out([*typed(request), *also])
    user: Any = request.user if request.user.is_authenticated else None
    use: CouponUse | None = None
    refused: list[RefusedCode] = []
    for code in coupons:
        try:
            found = use_of(code, lines, user, at)
        except CouponRefused:
            message = _("This code does not count for you and this cart.")
            refused.append(RefusedCode(code, message))
            continue
        if use is None:
            use = found
        else:
            refused.append(RefusedCode(code, _("One coupon an order.")))
    quote = check_offer(codes, request=request, cart=offered(lines, use))
    refused += (RefusedCode(one.shown_code, one.message, one.reason) for one in quote.refused)
    return Bill(
        subtotal=carts.subtotal(lines),
        coupon=use,
        quote=quote,
        refused=refused,
        gifts=list(Product.objects.on_sale().filter(pk__in=_keys(quote.gift_keys))),
    )


def _keys(keys: Iterable[str]) -> list[uuid.UUID]:
    return [uuid.UUID(key) for key in keys]


# -- the codes of the session -------------------------------------------------------------------
def typed(request: HttpRequest) -> list[str]:
    return list(request.session.get(SESSION_KEY, []))


def keep(request: HttpRequest, code: str) -> None:
    kept = [*(one for one in typed(request) if one != code.strip()), code.strip()]
    request.session[SESSION_KEY] = kept[-MOST_CODES:]


def drop(request: HttpRequest, *codes: str) -> None:
    """Part with some codes however they are spelled; with all where none is named."""
    gone = {_plain(code) for code in codes}
    rest = [code for code in typed(request) if codes and _plain(code) not in gone]
    if rest != typed(request):
        request.session[SESSION_KEY] = rest


def _plain(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())
