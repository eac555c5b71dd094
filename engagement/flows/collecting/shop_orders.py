"""An order of the shop's own: bought, or taken back, by whoever ordered it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from engagement.adapters import LineData, OrderData, get_adapter, is_guest
from engagement.flows.collecting import identity
from engagement.flows.collecting.guard import receiver_guard
from engagement.flows.collecting.lines import MAX_ITEMS
from engagement.flows.collecting.recording import Report, read_items, record
from engagement.models import Event, EventName


def follow_order(
    order: object, *, at: datetime, request: HttpRequest | None, channel: str | None
) -> None:
    """Tell of an order once its transaction has come through: its lines may be written last."""
    transaction.on_commit(
        partial(_tell, order, at=at, request=request, channel=channel), robust=True
    )


@receiver_guard
def _tell(order: object, *, at: datetime, request: HttpRequest | None, channel: str | None) -> None:
    adapter = get_adapter()
    data = adapter.order_data(order)
    if data is None or data.is_test:
        return
    if channel is None:
        channel = adapter.get_channel(request)
    lines = [line for line in data.lines if _is_sold(line)]
    if not lines or (data.is_cancelled and not _is_known(data.order_ref, channel)):
        return
    if not _is_by(request, data):
        request = None
    placed_at = data.placed_at
    if timezone.is_naive(placed_at):
        placed_at = timezone.make_aware(placed_at)
    event = EventName.REFUND if data.is_cancelled else EventName.PURCHASE
    fields: dict[str, Any] = {"order_id": data.order_ref, "currency": data.currency or None}
    for some in _parts(lines):
        read, objects = read_items(some)
        record(
            Report(
                event=event.code,
                # A clock that runs ahead must not make an order one of the future.
                at=at if data.is_cancelled else min(placed_at, at),
                lines=read,
                fields={name: value for name, value in fields.items() if value is not None},
                request=request,
                customer="" if request is not None else data.customer,
                channel=channel,
                objects=objects,
            )
        )


def _is_sold(line: LineData) -> bool:
    """Return whether a line is of an item; discounts and shipping are lines of some shops too."""
    is_paid_out = line.value is not None and line.value < 0
    return bool(line.item_key) and line.quantity >= 1 and not is_paid_out


def _parts(lines: Sequence[LineData]) -> Iterator[list[LineData]]:
    """
    Yield as many lines as an event may have, those of one item together: they are told apart by
    their number among each other.
    """
    of_items: dict[tuple[str, str], list[LineData]] = {}
    for line in lines:
        of_items.setdefault((line.item_key, line.variant_id), []).append(line)
    some: list[LineData] = []
    for same in of_items.values():
        if some and len(some) + len(same) > MAX_ITEMS:
            yield some
            some = []
        some = some + same
    yield some


def _is_known(order_ref: str, channel: str) -> bool:
    """Return whether the order was recorded as bought: else there is nothing to take back."""
    bought = Event.objects.filter(channel=channel, order_ref=order_ref, event=EventName.PURCHASE)
    return bought.exists()


def _is_by(request: HttpRequest | None, order: OrderData) -> bool:
    """
    Return whether whoever is asking is who ordered.

    It may also be a merchant, a payment provider or somebody else's visit in whose course an order
    was saved: those must neither be taken for the buyer nor decide about the buyer's consent.
    """
    if request is None:
        return False
    person = identity.person_from_request(request)
    if person.refusal in ("staff", "bot"):
        return False
    customer = get_adapter().get_customer(request)
    if customer or not is_guest(order.customer):
        return customer == order.customer
    # A guest is who has our cookie, or has said that nothing may be kept.
    return bool(identity.cookie_key(request)) or person.refusal == "no_consent"
