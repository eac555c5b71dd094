"""From a cart to exactly one order."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F

from engagement.shortcuts import Quote, reverse_offer
from shop_demo.carts import SoldOut, subtotal
from shop_demo.deductions import Bill, CouponRefused, offered, sort_out, use_of
from shop_demo.models import (
    Cart,
    Household,
    Order,
    OrderDeduction,
    OrderLine,
    Product,
    Redemption,
)

Redeem = Callable[..., Quote]


class EmptyCart(Exception):
    """There is nothing to order."""


class PriceRose(Exception):
    """The order would cost more than the page said: an offer has run out meanwhile."""


@dataclass(frozen=True)
class Address:
    name: str
    email: str
    street: str
    postcode: str
    city: str


@dataclass(frozen=True)
class Placed:
    order: Order
    lines: Sequence[OrderLine]
    # False when the same cart had been ordered already: the order is the earlier one.
    is_new: bool = True


def place_order(
    *,
    cart: Cart,
    checkout_key: uuid.UUID,
    user: AbstractBaseUser | None,
    address: Address,
    codes: Sequence[str] = (),
    redeem: Redeem | None = None,
    expected: Decimal | None = None,
    at: datetime,
) -> Placed:
    """
    Turn the cart into a paid order, all or nothing.

    ``checkout_key`` is the one the form was shown with: sent twice, it is one order. Prices come
    from the products; ``redeem`` uses the offers of `engagement` in the order, and is
    ``shortcuts.redeem_offer`` for whoever orders. ``expected`` is the total that was shown. Raises
    EmptyCart, SoldOut, CouponRefused, OfferRefused and PriceRose, and then nothing has changed.
    """
    try:
        with transaction.atomic():
            return _place(cart, checkout_key, user, address, codes, redeem, expected, at)
    except IntegrityError:
        # The other of two equal requests was quicker by less than a lock.
        earlier = Order.objects.filter(checkout_key=checkout_key).first()
        if earlier is None:
            raise
        return Placed(earlier, list(earlier.lines.select_related("product")), is_new=False)


def _place(
    cart: Cart,
    checkout_key: uuid.UUID,
    user: AbstractBaseUser | None,
    address: Address,
    codes: Sequence[str],
    redeem: Redeem | None,
    expected: Decimal | None,
    at: datetime,
) -> Placed:
    Cart.objects.select_for_update().filter(pk=cart.pk).first()
    earlier = Order.objects.filter(checkout_key=checkout_key).first()
    if earlier is not None:
        return Placed(earlier, list(earlier.lines.select_related("product")), is_new=False)
    # Always in the same order, so that two carts cannot wait for each other.
    lines = list(cart.lines.select_related("product").order_by("product_id"))
    if not lines:
        raise EmptyCart
    for line in lines:
        if not _take(line.product, line.quantity):
            left = Product.objects.on_sale().filter(pk=line.product_id).values_list("stock")
            raise SoldOut(line.product, left[0][0] if left else 0)
    coupons, others = sort_out(codes)
    if len(coupons) > 1:
        raise CouponRefused(coupons[1])
    use = use_of(coupons[0], lines, user, at) if coupons else None
    key = uuid.uuid4()
    number = f"F{key.int % 10**10:010d}"
    quote = (
        Quote() if redeem is None else redeem(others, cart=offered(lines, use), order_ref=number)
    )
    bill = Bill(subtotal(lines), use, quote)
    if expected is not None and bill.total > expected:
        raise PriceRose
    order = Order.objects.create(
        id=key,
        number=number,
        user=user,
        checkout_key=checkout_key,
        placed_at=at,
        total=bill.total,
        discount=bill.discount,
        coupon_code=use.coupon.code if use else "",
        name=address.name,
        email=address.email,
        street=address.street,
        postcode=address.postcode,
        city=address.city,
    )
    ordered = [
        OrderLine(order=order, product=line.product, quantity=line.quantity, total=line.total)
        for line in lines
    ]
    ordered += [OrderLine(order=order, product=one, total=0) for one in _presents(quote)]
    OrderLine.objects.bulk_create(ordered)
    OrderDeduction.objects.bulk_create(
        OrderDeduction(order=order, title=one.title[:120], code=one.code[:80], amount=one.amount)
        for one in bill.deductions
    )
    if use is not None and user is not None:
        household = Household.objects.get(user=user)
        Redemption.objects.create(
            coupon=use.coupon, household=household, order=order, redeemed_at=at
        )
    cart.lines.all().delete()
    Cart.objects.filter(pk=cart.pk).update(checkout_key=uuid.uuid4())
    return Placed(order, ordered)


def _take(product: Product, quantity: int) -> bool:
    """Take pieces out of the stock, all or none."""
    taken = Product.objects.on_sale().filter(pk=product.pk, stock__gte=quantity)
    return bool(taken.update(stock=F("stock") - quantity, n_sold=F("n_sold") + quantity))


def _presents(quote: Quote) -> list[Product]:
    """Take the presents out of the stock; one that is sold out is left out of the parcel."""
    given = Product.objects.filter(pk__in=[uuid.UUID(key) for key in quote.gift_keys])
    return [product for product in given.order_by("pk") if _take(product, 1)]


def cancel(order: Order) -> list[OrderLine]:
    """
    Cancel an order and put its goods back; returns its lines, none if it was cancelled before.
    """
    with transaction.atomic():
        changed = Order.objects.filter(pk=order.pk, status=Order.Status.PAID).update(
            status=Order.Status.CANCELLED
        )
        if not changed:
            return []
        lines = list(order.lines.select_related("product").order_by("product_id"))
        for line in lines:
            Product.objects.filter(pk=line.product_id).update(stock=F("stock") + line.quantity)
        Redemption.objects.filter(order=order).delete()
        reverse_offer(order.number)
    order.status = Order.Status.CANCELLED
    return lines
