"""
What happens in the shop, told to `engagement`.

``record_event`` never raises and writes after the transaction only: a receiver is one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest

from engagement.shortcuts import record_event
from shop_demo import signals
from shop_demo.models import CartLine, Order, OrderLine, Product


@receiver(signals.product_viewed, dispatch_uid="shop_demo.viewed")
def viewed(request: HttpRequest, product: Product, **kwargs: Any) -> None:
    record_event("view_item", request=request, item=product)


@receiver(signals.searched, dispatch_uid="shop_demo.searched")
def searched(request: HttpRequest, query: str, **kwargs: Any) -> None:
    record_event("search", request=request, query=query)


@receiver(signals.cart_changed, dispatch_uid="shop_demo.cart_changed")
def cart_changed(
    request: HttpRequest, product: Product, before: int, after: int, **kwargs: Any
) -> None:
    name = "add_to_cart" if after > before else "remove_from_cart"
    difference = abs(after - before)
    record_event(
        name,
        request=request,
        item=product,
        quantity=difference,
        value=product.price * difference,
        currency=settings.ENGAGEMENT["CURRENCY"],
    )


@receiver(signals.cart_viewed, dispatch_uid="shop_demo.cart_viewed")
def cart_viewed(request: HttpRequest, lines: Sequence[CartLine], **kwargs: Any) -> None:
    record_event("view_cart", request=request)


@receiver(signals.checkout_begun, dispatch_uid="shop_demo.checkout_begun")
def checkout_begun(request: HttpRequest, lines: Sequence[CartLine], **kwargs: Any) -> None:
    record_event("begin_checkout", request=request)


@receiver(signals.order_placed, dispatch_uid="shop_demo.order_placed")
def order_placed(
    request: HttpRequest, order: Order, lines: Sequence[OrderLine], **kwargs: Any
) -> None:
    record_event(
        "purchase",
        request=request,
        order_ref=order.number,
        currency=settings.ENGAGEMENT["CURRENCY"],
        items=[(line.product, line.quantity, line.total) for line in lines],
        at=order.placed_at,
    )


@receiver(signals.order_cancelled, dispatch_uid="shop_demo.order_cancelled")
def order_cancelled(
    request: HttpRequest, order: Order, lines: Sequence[OrderLine], **kwargs: Any
) -> None:
    record_event(
        "refund",
        request=request,
        order_ref=order.number,
        refund_ref=order.number,
        currency=settings.ENGAGEMENT["CURRENCY"],
        items=[(line.product, line.quantity, line.total) for line in lines],
    )
