"""What a shop's own code calls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from engagement.flows import recording
from engagement.flows.guard import receiver_guard
from engagement.flows.privacy import answer as set_consent
from engagement.flows.privacy import erase

__all__ = ["arecord_event", "erase", "receiver_guard", "record_event", "set_consent"]


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
