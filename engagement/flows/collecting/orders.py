"""What an order was made of, as far as the event log knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from django.utils.translation import gettext as _

from engagement.flows.collecting.lines import Line
from engagement.flows.collecting.senders import Draft
from engagement.flows.collecting.values import Refused
from engagement.models import Event, EventName


class Order(NamedTuple):
    """The lines that were bought, and in which money."""

    lines: tuple[Line, ...]
    currency: str


def complete_refunds(
    drafts: Iterable[Draft], channel: str
) -> tuple[list[Draft], list[tuple[Draft, Refused]]]:
    """
    Give refunds that name no items all lines of their order; return also those of no known order.

    GA4 and Segment report the refund of a whole order by its number alone.
    """
    drafts = list(drafts)
    whole = {draft.event.order_ref for draft in drafts if _is_whole_refund(draft)}
    if not whole:
        return drafts, []
    known = _stored_orders(whole, channel)
    for draft in drafts:
        # Bought and given back within one batch.
        if draft.event.event is EventName.PURCHASE and draft.event.order_ref in whole:
            order = Order(draft.event.lines, draft.event.currency)
            known.setdefault(draft.event.order_ref, order)
    complete, refused = [], []
    for draft in drafts:
        if not _is_whole_refund(draft):
            complete.append(draft)
        elif (found := known.get(draft.event.order_ref)) is not None:
            event = replace(draft.event, lines=found.lines, currency=found.currency)
            complete.append(replace(draft, event=event))
        else:
            message = _("No such order is known; name the items.")
            refused.append((draft, Refused("unknown_order", "order_id", message)))
    return complete, refused


def _is_whole_refund(draft: Draft) -> bool:
    return draft.event.event is EventName.REFUND and not draft.event.lines


def _stored_orders(order_refs: Iterable[str], channel: str) -> dict[str, Order]:
    rows = Event.objects.filter(
        channel=channel, order_ref__in=order_refs, event=EventName.PURCHASE
    ).order_by("pk")
    found: dict[str, Order] = {}
    for order_ref, key, quantity, value, variant, currency in rows.values_list(
        "order_ref", "item__key", "quantity", "value", "variant_id", "currency"
    ):
        line = Line(key, "items", quantity=quantity, value=value, variant_id=variant)
        before = found.get(order_ref, Order((), ""))
        found[order_ref] = Order((*before.lines, line), before.currency or currency)
    return found
