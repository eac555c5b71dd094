"""What a shop's own code calls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from engagement.adapters import get_adapter
from engagement.flows import faults, recording
from engagement.flows.guard import receiver_guard
from engagement.flows.privacy import answer as set_consent
from engagement.flows.privacy import erase
from engagement.flows.recommend import Shelf
from engagement.flows.recommend import recommend as fill
from engagement.flows.rendering import keys_of
from engagement.flows.visit import person_of, person_of_customer

__all__ = [
    "arecord_event",
    "erase",
    "receiver_guard",
    "recommend",
    "record_event",
    "set_consent",
    "similar_items",
]


@receiver_guard
def record_event(
    event: str,
    *,
    request: HttpRequest | None = None,
    customer: str | int | None = "",
    item: object = None,
    items: Iterable[object] = (),
    quantity: int | None = None,
    value: Decimal | float | None = None,
    currency: str = "",
    order_ref: str = "",
    refund_ref: str = "",
    query: str = "",
    at: datetime | None = None,
    event_id: str = "",
    session_id: str = "",
    recommendation_id: str = "",
    promotion_id: str = "",
    rank: int | None = None,
    channel: str | None = None,
) -> None:
    """
    Record that something happened; never raises, never waits, never breaks the shop's transaction.

    Say who did it by ``request`` or, where there is none, by ``customer`` (the shop's customer
    id). Items are the shop's own objects or their keys; for an order, tuples (item, quantity,
    value of the line)::

        record_event("view_item", request=request, item=product)
        record_event("purchase", request=request, order_ref=order.number, currency="EUR",
                     items=[(line.product, line.quantity, line.total) for line in lines])

    Nothing reaches the database before the running transaction has come through; if it is rolled
    back, nothing happened. Nothing is stored of visitors who have not agreed, of the shop's own
    staff, of robots and of pages that a browser loads ahead. What cannot be stored is told in the
    log ``engagement.receivers``.
    """
    if recording.is_prefetch(request):
        return
    entries = [*items]
    if item is not None:
        entries.insert(0, {"item": item, "quantity": quantity, "value": value, "index": rank})
    lines, objects = recording.read_items(entries)
    fields = {
        "value": value,
        "currency": currency or None,
        "order_id": str(order_ref or "") or None,
        "refund_id": str(refund_ref or "") or None,
        # What people type is theirs to choose; only its beginning is kept.
        "query": " ".join(str(query or "").split())[:200] or None,
        "event_id": event_id or None,
        "session_id": session_id or None,
        "promotion_id": promotion_id or None,
        "quantity": quantity,
    }
    report = recording.Report(
        event=event,
        at=at or timezone.now(),
        lines=lines,
        fields={name: part for name, part in fields.items() if part is not None},
        request=getattr(request, "_request", request),
        customer="" if customer is None else str(customer),
        channel=channel,
        recommendation_id=recommendation_id,
        objects=objects,
    )
    transaction.on_commit(partial(recording.record, report), robust=True)


arecord_event = sync_to_async(record_event)


def recommend(
    placement: str,
    *,
    request: HttpRequest | None = None,
    customer: str | int | None = "",
    item: object = None,
    cart: object = None,
    exclude: object = None,
    category: str = "",
    n: int | None = None,
    explain: bool = False,
    channel: str | None = None,
) -> Shelf:
    """
    Return what fills a placement; never raises.

    For whom is said by ``request`` or, where there is none (an e-mail, a job), by ``customer``;
    without both, popular items come back. ``item``, ``cart`` and ``exclude`` take the shop's own
    objects, their keys, shelves, or lists of them::

        shelf = recommend("cart.complete_the_set", request=request, cart=cart.products(), n=4)
        [item.object for item in shelf]
    """
    try:
        person = person_of(request)
        if customer:
            channel = get_adapter().get_channel(request) if channel is None else channel
            person = person_of_customer(str(customer), channel)
        return fill(
            placement=placement,
            person=person,
            at=timezone.now(),
            n=n,
            context=keys_of(item),
            cart=None if cart is None else keys_of(cart),
            exclude=keys_of(exclude),
            category=category,
            request=request,
            explain=explain,
        )
    except Exception:
        faults.report(f"shortcut:{placement}"[:80], "The shelf %r cannot be filled", placement)
        return Shelf(placement)


def similar_items(item: object, *, n: int = 6, request: HttpRequest | None = None) -> list[Any]:
    """Return the shop's objects most like ``item``, as the placement ``product.similar`` says."""
    return recommend("product.similar", request=request, item=item, n=n).objects
