"""Everything that is stored of a person, for the person."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from engagement.flows.collecting import identity
from engagement.flows.deciding import telling as deciding
from engagement.flows.profiles import telling as profiles
from engagement.flows.promotions import personal
from engagement.flows.reviews import erasure
from engagement.models import Event, EventName, Visitor


def export(*, customer: str = "", key: str = "", channel: str = "") -> dict[str, Any]:
    """
    Return what is stored of a customer, or of an anonymous visitor by key, as values for JSON.

    Visitors, events, profiles, decisions, offers given and used, reviews with their analysis,
    questions, answers, votes and reports; empty lists for somebody of whom nothing is known.
    """
    wanted = identity.customer_key(customer, channel) if customer else key
    if not wanted:
        raise ValueError("Name a customer or a visitor's key.")
    rows = Visitor.objects.filter(
        Q(key=wanted) | Q(merged_into__key=wanted, merged_into__channel=channel), channel=channel
    )
    visitors = list(rows.order_by("pk"))
    ids = [visitor.pk for visitor in visitors]
    return {
        "visitors": [
            {
                "key": visitor.key,
                "consent": visitor.consent,
                "first_seen": visitor.created_at.isoformat(),
            }
            for visitor in visitors
        ],
        "events": [_event(event) for event in _events(ids)],
        **profiles.export(ids),
        **deciding.export(ids),
        **personal.export(ids),
        **erasure.export(ids),
    }


def _events(ids: list[int]) -> Any:
    rows = Event.objects.filter(visitor__in=ids).select_related("item").order_by("event_time", "pk")
    return rows.iterator(chunk_size=2000)


def _event(event: Event) -> dict[str, Any]:
    told = {
        "event": EventName(event.event).code,
        "at": event.event_time.isoformat(),
        "item": event.item.key if event.item else "",
        "variant": event.variant_id,
        "quantity": event.quantity,
        "value": None if event.value is None else str(event.value),
        "currency": event.currency,
        "order": event.order_ref,
        "query": event.query,
        "placement": event.placement,
        "session": event.session_id,
    }
    return {name: value for name, value in told.items() if value not in ("", None)}
