"""
What happens in Salesman, told to `engagement`.

Salesman announces one thing, an order's new status, and before the order has its lines. Baskets
are followed by what is saved. No receiver raises, none asks the database before the transaction
has come through.
"""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_init, post_save
from salesman.core.utils import get_salesman_model
from salesman.orders.signals import status_changed

from engagement.adapters import get_adapter
from engagement.contrib.salesman import offers
from engagement.shortcuts import (
    after_commit,
    current_request,
    receiver_guard,
    record_event,
    record_order,
    reverse_offer,
)

# How many there were, on a line of a basket.
BEFORE = "_engagement_quantity"
# Signing in merges two baskets: what is in them was put there before.
BY_MERGING = ({"quantity"}, {"basket"})


@receiver_guard
def order_changed(*, order: Any, **kwargs: Any) -> None:
    """Tell of an order, placed or cancelled: which of them it is, is asked after the commit."""
    record_order(order)
    _give_back(order, str(order.status))


@after_commit
def _give_back(order: Any, status: str) -> None:
    """Take back the offers of an order that is cancelled: once, however often it is."""
    if status in getattr(get_adapter(), "cancelled_statuses", ()):
        reverse_offer(str(order.ref))


def order_stored(*, instance: Any, raw: bool = False, **kwargs: Any) -> None:
    """
    Use the offers of an order with it, in its own transaction.

    The one receiver that may raise: what was promised and has run out since is no order, and the
    customer is told.
    """
    if not raw:
        offers.use(instance)


@receiver_guard
def line_read(*, instance: Any, **kwargs: Any) -> None:
    """Remember how many there were, without asking for what was not fetched."""
    instance.__dict__[BEFORE] = instance.__dict__.get("quantity")


@receiver_guard
def line_saved(*, instance: Any, created: bool, update_fields: Any = None, **kwargs: Any) -> None:
    before = 0 if created else instance.__dict__.get(BEFORE)
    quantity = instance.__dict__.get("quantity")
    instance.__dict__[BEFORE] = quantity
    is_merged = update_fields is not None and set(update_fields) in BY_MERGING
    if before is None or quantity is None or is_merged or quantity == before:
        return
    event = "add_to_cart" if quantity > before else "remove_from_cart"
    _tell(event, instance, abs(quantity - before))


@receiver_guard
def line_deleted(*, instance: Any, origin: Any = None, **kwargs: Any) -> None:
    """Tell of a line that was taken out by itself: a basket that is emptied may be an order."""
    if origin is instance:
        _tell("remove_from_cart", instance, instance.quantity)


@after_commit
def _tell(event: str, line: Any, quantity: int) -> None:
    request = current_request()
    customer = "" if request is not None else line.basket.user_id
    if request is None and customer is None:
        # Nobody is known to have done this.
        return
    items = [{"item": line, "quantity": quantity}]
    record_event(event, request=request, customer=customer, items=items)


def connect() -> None:
    """Listen to the models in charge, swapped or not."""
    status_changed.connect(order_changed, dispatch_uid="engagement.salesman.order")
    order = get_salesman_model("Order")
    post_save.connect(order_stored, sender=order, dispatch_uid="engagement.salesman.offers")
    line = get_salesman_model("BasketItem")
    for signal, receiver in (
        (post_init, line_read),
        (post_save, line_saved),
        (post_delete, line_deleted),
    ):
        uid = f"engagement.salesman.{receiver.__name__}"
        signal.connect(receiver, sender=line, dispatch_uid=uid)
