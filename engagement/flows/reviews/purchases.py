"""What an author has bought, by the event log: the only source of «verified purchase»."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from engagement.models import Event, EventName, Item, Review, Status

NAMESPACE = uuid.UUID("5d1f6f0e-8a55-4d8e-9b6a-1c3f1f0c9a77")


def orders_of(visitor_ids: Iterable[int], item: Item) -> list[str]:
    """
    Return the orders in which a person bought an item, latest first; "" stands for a purchase
    whose order has no number.

    A variant of the item counts as the item. What was given back as a whole does not count.
    """
    same = Q(item=item)
    if item.group_key:
        same |= Q(item__channel=item.channel, item__group_key=item.group_key)
    rows = (
        Event.objects.filter(
            same,
            visitor__in=list(visitor_ids),
            event__in=[EventName.PURCHASE, EventName.REFUND],
        )
        .order_by("-event_time", "-pk")
        .values_list("event", "order_ref", "quantity")
    )
    pieces: Counter[str] = Counter()
    orders: dict[str, None] = {}
    for event, order_ref, quantity in rows:
        if event == EventName.PURCHASE:
            pieces[order_ref] += quantity
            orders[order_ref] = None
        else:
            pieces[order_ref] -= quantity
    return [order_ref for order_ref in orders if pieces[order_ref] > 0]


def key_of(visitor_id: int, item_id: int, order_ref: str) -> uuid.UUID:
    """Return what is unique about one author's review of one purchase."""
    return uuid.uuid5(NAMESPACE, f"{visitor_id}\0{item_id}\0{order_ref}")


def free_order(
    visitor_ids: Sequence[int], item: Item, *, wanted: str = ""
) -> tuple[str, bool] | None:
    """
    Return the order that a new review belongs to and whether it is a verified purchase; None where
    all there is has been reviewed.

    Without a purchase there may be one review, not verified. ``wanted`` names the order, as the
    link of an e-mail does; one that is not the author's is passed over.
    """
    orders = orders_of(visitor_ids, item)
    taken = set(
        Review.objects.filter(visitor__in=list(visitor_ids), item=item)
        .exclude(status=Status.WITHDRAWN)
        .values_list("order_ref", flat=True)
    )
    if not orders:
        return None if "" in taken else ("", False)
    if wanted in orders and wanted not in taken:
        return wanted, True
    # What was written before the purchase takes the earliest of them; see :func:`verify`.
    free = [order_ref for order_ref in orders if order_ref not in taken]
    spare = 1 if "" in taken and "" not in orders else 0
    return (free[0], True) if len(free) > spare else None


def verify(*, channel: str, at: datetime) -> int:
    """
    Mark reviews that were written before their purchase was known; return how many.

    An order may reach the event log after the review, by a nightly import or a cashier's desk.
    """
    waiting = (
        Review.objects.of_channel(channel)
        .filter(verified_purchase=False, visitor__isnull=False)
        .exclude(status=Status.WITHDRAWN)
        .filter(
            Q(visitor__event__event=EventName.PURCHASE)
            | Q(visitor__merged__event__event=EventName.PURCHASE)
        )
        .select_related("item", "visitor")
        .distinct()
    )
    n = 0
    for review in waiting.iterator(chunk_size=500):
        assert review.visitor is not None  # noqa: S101 (by the filter above)
        ids = [review.visitor.pk, *review.visitor.merged.values_list("pk", flat=True)]
        orders = orders_of(ids, review.item)
        taken = set(
            Review.objects.filter(visitor__in=ids, item=review.item, verified_purchase=True)
            .exclude(status=Status.WITHDRAWN)
            .values_list("order_ref", flat=True)
        )
        free = [order_ref for order_ref in reversed(orders) if order_ref not in taken]
        if not free:
            continue
        try:
            with transaction.atomic():
                n += Review.objects.filter(pk=review.pk, verified_purchase=False).update(
                    verified_purchase=True,
                    order_ref=free[0],
                    purchase_key=key_of(review.visitor.pk, review.item_id, free[0]),
                )
        except IntegrityError:
            # Its author has reviewed that purchase in this very moment.
            continue
    return n
