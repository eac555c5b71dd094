"""From a cart to exactly one order."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F

from shop_demo.carts import SoldOut, subtotal
from shop_demo.models import (
    Cart,
    CartLine,
    Coupon,
    Household,
    Order,
    OrderLine,
    Product,
    Redemption,
)


class EmptyCart(Exception):
    """There is nothing to order."""


class CouponRefused(Exception):
    """The code is unknown, somebody else's, used, over, or for none of the products."""


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


def discount(
    code: str, lines: Sequence[CartLine], user: AbstractBaseUser | None, at: datetime
) -> tuple[Coupon | None, Decimal]:
    """
    Return the coupon of ``code`` and what it takes off; (None, 0) without a code.

    Whose coupon it is, whether it still counts and what it is for are asked of the database, not
    of the form. Raises CouponRefused.
    """
    code = code.strip()
    if not code:
        return None, Decimal("0.00")
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
    prices = [line.product.price for line in lines if line.product_id in products]
    if not prices:
        raise CouponRefused(code)
    return coupon, min(coupon.amount, max(prices))


def place_order(
    *,
    cart: Cart,
    checkout_key: uuid.UUID,
    user: AbstractBaseUser | None,
    address: Address,
    coupon_code: str = "",
    at: datetime,
) -> Placed:
    """
    Turn the cart into a paid order, all or nothing.

    ``checkout_key`` is the one the form was shown with: sent twice, it is one order. Prices come
    from the products. Raises EmptyCart, SoldOut and CouponRefused, and then nothing has changed.
    """
    try:
        with transaction.atomic():
            return _place(cart, checkout_key, user, address, coupon_code, at)
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
    coupon_code: str,
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
        taken = Product.objects.on_sale().filter(pk=line.product_id, stock__gte=line.quantity)
        if not taken.update(stock=F("stock") - line.quantity, n_sold=F("n_sold") + line.quantity):
            left = Product.objects.on_sale().filter(pk=line.product_id).values_list("stock")
            raise SoldOut(line.product, left[0][0] if left else 0)
    coupon, off = discount(coupon_code, lines, user, at)
    key = uuid.uuid4()
    order = Order.objects.create(
        id=key,
        number=f"F{key.int % 10**10:010d}",
        user=user,
        checkout_key=checkout_key,
        placed_at=at,
        total=subtotal(lines) - off,
        discount=off,
        coupon_code=coupon.code if coupon else "",
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
    OrderLine.objects.bulk_create(ordered)
    if coupon is not None and user is not None:
        household = Household.objects.get(user=user)
        Redemption.objects.create(coupon=coupon, household=household, order=order, redeemed_at=at)
    cart.lines.all().delete()
    Cart.objects.filter(pk=cart.pk).update(checkout_key=uuid.uuid4())
    return Placed(order, ordered)


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
    order.status = Order.Status.CANCELLED
    return lines
