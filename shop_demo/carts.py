"""
The visitor's cart: found once a request, changed through three functions.

A cart begins with its first line, so that browsing writes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.http import HttpRequest

from shop_demo import signals
from shop_demo.models import Cart, CartLine, Product
from shop_demo.models.trade import MAX_PER_LINE

SESSION_KEY = "cart"


class SoldOut(Exception):
    """There is not as much of it as was asked for; ``left`` is what could be had."""

    def __init__(self, product: Product, left: int) -> None:
        super().__init__(f"{product.pk}: {left} left")
        self.product = product
        self.left = left


def current(request: HttpRequest) -> Cart | None:
    """Return the visitor's cart, or None while there is none."""
    if not hasattr(request, "_cart"):
        request._cart = _find(request)  # type: ignore[attr-defined]
    cart: Cart | None = request._cart  # type: ignore[attr-defined]
    return cart


def _find(request: HttpRequest) -> Cart | None:
    user: AbstractBaseUser | AnonymousUser | None = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return Cart.objects.filter(user=user).first()  # type: ignore[misc]
    session: Any = getattr(request, "session", None)
    key = session.get(SESSION_KEY) if session is not None else None
    return Cart.objects.filter(pk=key, user=None).first() if key else None


def lines_of(request: HttpRequest) -> list[CartLine]:
    """Return the lines with their products, oldest first: one query a request."""
    if not hasattr(request, "_cart_lines"):
        cart = current(request)
        rows: Iterable[CartLine] = (
            cart.lines.select_related("product__category__parent") if cart is not None else []
        )
        request._cart_lines = list(rows)  # type: ignore[attr-defined]
    lines: list[CartLine] = request._cart_lines  # type: ignore[attr-defined]
    return lines


def forget(request: HttpRequest) -> None:
    """Make the next question look into the database again."""
    for name in ("_cart", "_cart_lines"):
        if hasattr(request, name):
            delattr(request, name)


def subtotal(lines: Iterable[CartLine]) -> Decimal:
    return sum((line.total for line in lines), Decimal("0.00"))


def _get_or_create(request: HttpRequest) -> Cart:
    cart = current(request)
    if cart is None:
        if request.user.is_authenticated:
            cart, _ = Cart.objects.get_or_create(user=request.user)
        else:
            cart = Cart.objects.create()
            request.session[SESSION_KEY] = str(cart.pk)
        request._cart = cart  # type: ignore[attr-defined]
    return cart


def add(request: HttpRequest, product: Product, quantity: int = 1) -> int:
    """Put some more of it into the cart and return how many are in it now."""
    line = next((line for line in lines_of(request) if line.product_id == product.pk), None)
    return set_quantity(request, product, (line.quantity if line else 0) + quantity)


def set_quantity(request: HttpRequest, product: Product, quantity: int) -> int:
    """
    Have exactly so many of it in the cart; none takes it out. Returns how many there are now.

    Raises SoldOut, after taking what can be had, when there are fewer in stock.
    """
    wanted = max(0, min(quantity, MAX_PER_LINE))
    left = product.stock if product.is_active else 0
    after = min(wanted, left)
    with transaction.atomic():
        cart = _get_or_create(request)
        line = cart.lines.filter(product=product).first()
        before = line.quantity if line else 0
        if after == 0:
            cart.lines.filter(product=product).delete()
        else:
            cart.lines.update_or_create(product=product, defaults={"quantity": after})
        cart.checkout_key = uuid.uuid4()
        cart.save(update_fields=["checkout_key", "updated_at"])
    request.__dict__.pop("_cart_lines", None)
    if before != after:
        signals.cart_changed.send(
            Cart, request=request, product=product, before=before, after=after
        )
    if after < wanted:
        raise SoldOut(product, left)
    return after


def hand_over(request: HttpRequest, anonymous: Cart | None) -> None:
    """Let a customer who signs in keep what was in the cart before, beside what waits there."""
    forget(request)
    request.session.pop(SESSION_KEY, None)
    if anonymous is None:
        return
    with transaction.atomic():
        cart = _get_or_create(request)
        own = {line.product_id: line for line in cart.lines.all()}
        for line in anonymous.lines.all():
            quantity = line.quantity
            if line.product_id in own:
                quantity = min(MAX_PER_LINE, quantity + own[line.product_id].quantity)
            cart.lines.update_or_create(product_id=line.product_id, defaults={"quantity": quantity})
        anonymous.delete()
    forget(request)
