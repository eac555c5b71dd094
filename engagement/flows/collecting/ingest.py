"""
Storing what happened: events from browsers, from other systems and from the shop's own code.

Every way in ends in :func:`ingest`. What is wrong with an event is told per event; the others of
the same batch are stored.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connections, router, transaction
from django.utils.translation import gettext as _

from engagement.flows.collecting import crediting, ids, orders, promotions, visitors
from engagement.flows.collecting.envelope import SERVER_ONLY, Envelope, Line
from engagement.flows.collecting.identity import Person
from engagement.flows.collecting.senders import Draft, not_agreed, read_draft
from engagement.flows.collecting.storing import event_key, order_key, store, store_new
from engagement.flows.collecting.values import Refused
from engagement.flows.importing import catalogue
from engagement.models import Event

__all__ = ["Rejection", "Report", "event_key", "ingest", "order_key", "store"]


# What the mirror can hold of a key that has no type before it.
MAX_NEW_KEY = 128


@dataclass(frozen=True, slots=True)
class Rejection:
    """Which event of the batch was refused, and what is wrong with which field of it."""

    index: int
    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch: the three add up to its length."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]


def ingest(
    payloads: Sequence[object],
    *,
    channel: str,
    person: Person | None,
    at: datetime,
    trusted: bool,
    title_of: Callable[[str], str] | None = None,
) -> Report:
    """
    Store a batch of events and report on each.

    A trusted sender (the shop's own server) may report purchases and refunds, name customers,
    send what is long past and items that the catalogue mirror has not met; anyone else speaks
    only of what ``person`` does now. ``title_of`` is asked about items that the mirror has not met.
    """
    drafts: list[Draft] = []
    rejected: list[Rejection] = []
    for index, payload in enumerate(payloads):
        try:
            drafts.append(read_draft(index, payload, channel, person, at, trusted))
        except Refused as refused:
            rejected.append(Rejection(index, refused.code, refused.field, refused.message))
    try:
        return _save(drafts, rejected, channel, at, trusted, title_of)
    except IntegrityError:
        # What we remembered is gone from the database. Within a transaction nothing is
        # remembered, and nothing more can be done either.
        if connections[router.db_for_write(Event)].in_atomic_block:
            raise
        ids.forget()
        return _save(drafts, rejected, channel, at, trusted, title_of)


# -- storing ------------------------------------------------------------------------------------


def _save(
    drafts: Sequence[Draft],
    rejected: Sequence[Rejection],
    channel: str,
    at: datetime,
    trusted: bool,
    title_of: Callable[[str], str] | None,
) -> Report:
    rejected = list(rejected)
    drafts, homeless = orders.complete_refunds(drafts, channel)
    rejected += [
        Rejection(draft.index, refused.code, refused.field, refused.message)
        for draft, refused in homeless
    ]
    known = ids.visitors(
        channel,
        [one for draft in drafts if draft.person and (one := visitors.wanted(draft.person))],
    )
    titles: dict[str, str] = {}
    for draft in drafts:
        for line in draft.event.lines:
            titles[line.item_key] = titles.get(line.item_key) or line.title
    item_ids = ids.item_ids(channel, titles)
    if trusted:
        item_ids |= _create_items(titles, item_ids, channel, at, title_of)
    rows: dict[int, list[Event]] = {}
    for draft in drafts:
        try:
            visitor_id = _visitor_id(draft, known)
            rows[draft.index] = _rows(draft, channel, visitor_id, item_ids)
        except Refused as refused:
            rejected.append(Rejection(draft.index, refused.code, refused.field, refused.message))
    crediting.credit(event for events in rows.values() for event in events)
    fresh = not any(_is_repeatable(draft.event) for draft in drafts)
    with _together(drafts):
        for index, why in promotions.mark(drafts, rows, at=at).items():
            del rows[index]
            rejected.append(Rejection(index, why.code, why.field, why.message))
        found = [event for events in rows.values() for event in events]
        new = {event.key for event in store_new(found, channel=channel, fresh=fresh)}
    accepted = 0
    for events in rows.values():
        keys = {event.key for event in events}
        if keys & new:
            accepted += 1
            # The same event once more in this batch is a duplicate of the first.
            new -= keys
    return Report(
        accepted=accepted,
        duplicates=len(rows) - accepted,
        rejected=sorted(rejected, key=lambda one: one.index),
    )


def _together(drafts: Sequence[Draft]) -> AbstractContextManager[Any]:
    """Mark a promotion and store its event together, or neither; other batches pay for nothing."""
    if any(promotions.is_told(draft) for draft in drafts):
        return transaction.atomic(using=router.db_for_write(Event))
    return nullcontext()


def _visitor_id(draft: Draft, known: Mapping[str, ids.Known]) -> int | None:
    person = draft.person
    if person is None:
        return None
    visitor = known.get(person.keys[0])
    if visitor is None or visitor.consent is False:
        raise Refused("no_consent", "consent", not_agreed())
    if not person.may_store and visitor.consent is not True:
        raise Refused("no_consent", "consent", not_agreed())
    if person.keys[0] == person.key:
        person.claim.used = True
    return visitor.id


def _create_items(
    titles: Mapping[str, str],
    known: Mapping[str, int],
    channel: str,
    at: datetime,
    title_of: Callable[[str], str] | None,
) -> dict[str, int]:
    """Give items that the mirror has not met a row: what was sold exists."""
    missing = {
        key: title or (title_of(key) if title_of else "") or key
        for key, title in titles.items()
        if key not in known and len(key) <= MAX_NEW_KEY
    }
    return catalogue.ensure_items(channel, missing, at) if missing else {}


def _rows(
    draft: Draft, channel: str, visitor_id: int | None, item_ids: Mapping[str, int]
) -> list[Event]:
    event = draft.event
    rows = []
    seen: Counter[tuple[str, str]] = Counter()
    for number, line in enumerate(event.order_lines()):
        if line.item_key and line.item_key not in item_ids:
            raise Refused("unknown_item", line.field, _("The catalogue has no such item."))
        nth = seen[line.item_key, line.variant_id]
        seen[line.item_key, line.variant_id] += 1
        rows.append(
            Event(
                key=_key(draft, channel, line, number, nth),
                channel=channel,
                event=event.event,
                visitor_id=visitor_id,
                item_id=item_ids.get(line.item_key),
                variant_id=line.variant_id,
                session_id=event.session_id,
                event_time=event.at,
                quantity=line.quantity,
                value=line.value,
                currency=event.currency if line.value is not None else "",
                order_ref=event.order_ref,
                query=event.query,
                placement=draft.placement,
                recommendation_id=draft.recommendation_id,
                rank=line.rank,
                promotion_id=event.promotion_id,
                propensity=draft.shelf.propensity(line.rank) if draft.shelf else None,
            )
        )
    return rows


def _is_repeatable(event: Envelope) -> bool:
    return bool(event.event_id) or event.event in SERVER_ONLY


def _key(draft: Draft, channel: str, line: Line, number: int, nth: int) -> uuid.UUID:
    event = draft.event
    if event.event in SERVER_ONLY:
        return order_key(
            channel,
            event.event.code,
            event.order_ref,
            line.item_key,
            variant_id=line.variant_id,
            nth=nth,
            refund_ref=event.refund_ref,
        )
    if event.event_id:
        # Within the visitor: a page that numbers its events must not swallow other people's.
        visitor = draft.person.keys[0] if draft.person else ""
        return event_key(channel, visitor, event.event_id, number)
    return uuid.uuid4()
