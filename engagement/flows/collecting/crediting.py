"""Which shelf led to a purchase: the last one from which the buyer had clicked on the item."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Q

from engagement.flows.collecting.tokens import MAX_AGE
from engagement.models import Event, EventName, Visitor

AT_ONCE = 400


class _Click(NamedTuple):
    at: Any
    placement: str
    recommendation_id: str


def credit(events: Iterable[Event]) -> None:
    """
    Give purchases that name no shelf the one that was clicked last, within a shelf's lifetime.

    A click before signing in is the customer's. Bought later or without a click, a purchase stays
    nobody's: that it was shown proves nothing.
    """
    bought = [
        event
        for event in events
        if event.event == EventName.PURCHASE and event.visitor_id and not event.placement
    ]
    for start in range(0, len(bought), AT_ONCE):
        some = bought[start : start + AT_ONCE]
        clicks = _clicks(some)
        for event in some:
            before = [
                click
                for click in clicks.get((event.visitor_id, event.item_id), ())
                if click.at <= event.event_time <= click.at + MAX_AGE
            ]
            if before:
                last = max(before, key=lambda click: click.at)
                event.placement = last.placement
                event.recommendation_id = last.recommendation_id


def _clicks(bought: list[Event]) -> dict[tuple[Any, Any], list[_Click]]:
    """Return the clicks on what was bought, by its buyer and item; one query."""
    visitors = {event.visitor_id for event in bought}
    people = Visitor.objects.filter(Q(pk__in=visitors) | Q(merged_into__in=visitors))
    rows = Event.objects.filter(
        event=EventName.SELECT_ITEM,
        visitor__in=people.values("pk"),
        item__in={event.item_id for event in bought},
        event_time__gte=min(event.event_time for event in bought) - MAX_AGE,
    ).exclude(placement="")
    found: dict[tuple[Any, Any], list[_Click]] = {}
    for visitor, customer, item, at, placement, shelf in rows.values_list(
        "visitor_id",
        "visitor__merged_into_id",
        "item_id",
        "event_time",
        "placement",
        "recommendation_id",
    ):
        click = _Click(at, placement, shelf)
        for person in {visitor, customer} & visitors:
            found.setdefault((person, item), []).append(click)
    return found
