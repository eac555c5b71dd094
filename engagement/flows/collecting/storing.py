"""The last step of every way in: rows into the event log, each of them once."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from functools import partial

from django.db import router, transaction

from engagement.models import Event
from engagement.signals import events_recorded


def store_new(events: Sequence[Event], *, channel: str, fresh: bool = False) -> list[Event]:
    """
    Insert the events that are not stored yet and return those.

    ``fresh`` promises that all keys are random, so that nobody need look whether they are there.
    """
    by_key = {event.key: event for event in reversed(events)}
    keys = [] if fresh else list(by_key)
    for start in range(0, len(keys), 900):
        stored = Event.objects.filter(key__in=keys[start : start + 900])
        for key in stored.values_list("key", flat=True):
            del by_key[key]
    new = [event for event in events if by_key.get(event.key) is event]
    if new:
        # Another process may insert the same between the question and now: it is still once.
        Event.objects.bulk_create(new, ignore_conflicts=True)
        transaction.on_commit(
            partial(events_recorded.send_robust, sender=Event, channel=channel, events=new),
            using=router.db_for_write(Event),
            robust=True,
        )
    return new


def store(events: Sequence[Event], *, channel: str) -> int:
    """Insert events, pass over those stored before (by ``Event.key``); return how many are new."""
    return len(store_new(events, channel=channel))


def event_key(channel: str, *parts: object) -> uuid.UUID:
    """Return the same key for the same parts."""
    text = "\0".join((channel, *map(str, parts)))
    return uuid.UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest())


def order_key(
    channel: str,
    event: str,
    order_ref: str,
    item_key: str,
    *,
    variant_id: str = "",
    nth: int = 0,
    refund_ref: str = "",
) -> uuid.UUID:
    """
    Return the key of a line of an order, however the order reaches us: a receiver, the API, the
    back-fill.

    ``nth`` counts the lines of one order with the same item and variant from 0.
    """
    return event_key(channel, event, order_ref, item_key, variant_id, nth, refund_ref)
