"""
Storing what happened: events from browsers, from other systems and from the shop's own code.

Every way in ends in :func:`ingest`. What can be wrong with an event is
told per event; the others of the same batch are stored.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connections, router
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagement.flows import catalogue, envelope, ids, tokens, visitors
from engagement.flows.aliases import find
from engagement.flows.envelope import SERVER_ONLY, Envelope, Line
from engagement.flows.identity import Person, customer_key, outside_key, read_cookie
from engagement.flows.storing import event_key, order_key, store, store_new
from engagement.flows.values import Refused
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


@dataclass(frozen=True, slots=True)
class _Draft:
    """One checked event, and who did it."""

    index: int
    event: Envelope
    person: Person | None
    recommendation_id: str
    placement: str


def ingest(
    payloads: Sequence[object],
    *,
    channel: str,
    person: Person | None,
    at: datetime,
    trusted: bool,
) -> Report:
    """
    Store a batch of events and report on each.

    A trusted sender (the shop's own server) may report purchases and refunds, name customers,
    send what is long past and items that the catalogue mirror has not met; anyone else speaks
    only of what ``person`` does now.
    """
    drafts: list[_Draft] = []
    rejected: list[Rejection] = []
    for index, payload in enumerate(payloads):
        try:
            drafts.append(_draft(index, payload, channel, person, at, trusted))
        except Refused as refused:
            rejected.append(Rejection(index, refused.code, refused.field, refused.message))
    try:
        return _save(drafts, rejected, channel=channel, at=at, trusted=trusted)
    except IntegrityError:
        # What we remembered is gone from the database. Within a transaction nothing is
        # remembered, and nothing more can be done either.
        if connections[router.db_for_write(Event)].in_atomic_block:
            raise
        ids.forget()
        return _save(drafts, rejected, channel=channel, at=at, trusted=trusted)


# -- who ----------------------------------------------------------------------------------------


def _draft(
    index: int, payload: object, channel: str, person: Person | None, at: datetime, trusted: bool
) -> _Draft:
    if not trusted or (person is not None and not person.keys):
        _refuse_unwilling(person)
    event = envelope.read(payload, at=at, trusted=trusted)
    if trusted:
        person = _named(event, channel) or person
    if person is None and event.event not in SERVER_ONLY:
        raise Refused("required", "visitor_id", _("Say who did this."))
    recommendation_id, placement = event.recommendation_id, event.placement
    if recommendation_id and not (trusted and _is_stored_form(recommendation_id)):
        try:
            shelf = tokens.verify(recommendation_id, person=person, at=at)
        except tokens.InvalidToken as invalid:
            field, _value = find(payload, "recommendation_id")  # type: ignore[arg-type]
            raise Refused(f"recommendation_{invalid.code}", field, invalid.message) from None
        recommendation_id, placement = shelf.recommendation_id, shelf.placement
    elif not trusted:
        # Only a token says where something was shown: a client cannot invent a success.
        placement = ""
    return _Draft(index, event, person, recommendation_id, placement)


_REFUSALS = {
    "no_consent": gettext_lazy("The visitor has not agreed to this."),
    "staff": gettext_lazy("What the shop's own people do is not recorded."),
    "bot": gettext_lazy("What machines do is not recorded."),
}


def _refuse_unwilling(person: Person | None) -> None:
    if person is None:
        raise Refused("no_visitor", "visitor_id", _("Nobody is known to have done this."))
    if not person.may_store:
        code = person.refusal or "no_consent"
        raise Refused(
            code, "consent" if code == "no_consent" else "visitor_id", str(_REFUSALS[code])
        )


def _named(event: Envelope, channel: str) -> Person | None:
    """Return the person that a trusted sender names: a customer, or a visitor by cookie or id."""
    if not (event.customer_id or event.visitor_id):
        return None
    key = event.visitor_id and (
        read_cookie(event.visitor_id) or outside_key(event.visitor_id, channel)
    )
    customer = event.customer_id and customer_key(event.customer_id, channel)
    return Person(channel, key, customer, None, may_store=True, is_staff=False)


def _is_stored_form(recommendation_id: str) -> bool:
    return len(recommendation_id) <= 32 and "." not in recommendation_id


# -- storing ------------------------------------------------------------------------------------


def _save(
    drafts: Sequence[_Draft],
    rejected: Sequence[Rejection],
    *,
    channel: str,
    at: datetime,
    trusted: bool,
) -> Report:
    rejected = list(rejected)
    known = ids.visitors(
        channel,
        [one for draft in drafts if draft.person and (one := visitors.wanted(draft.person))],
    )
    item_ids = _item_ids(drafts, channel=channel, at=at, trusted=trusted)
    rows: dict[int, list[Event]] = {}
    for draft in drafts:
        try:
            visitor_id = _visitor_id(draft, known)
            rows[draft.index] = _rows(draft, channel, visitor_id, item_ids)
        except Refused as refused:
            rejected.append(Rejection(draft.index, refused.code, refused.field, refused.message))
    fresh = not any(_is_repeatable(draft.event) for draft in drafts)
    new = {
        event.key
        for event in store_new(
            [event for events in rows.values() for event in events], channel=channel, fresh=fresh
        )
    }
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


def _visitor_id(draft: _Draft, known: Mapping[str, ids.Known]) -> int | None:
    person = draft.person
    if person is None:
        return None
    visitor = known.get(person.keys[0])
    if visitor is None or visitor.consent is False:
        raise Refused("no_consent", "consent", str(_REFUSALS["no_consent"]))
    if not person.may_store and visitor.consent is not True:
        raise Refused("no_consent", "consent", str(_REFUSALS["no_consent"]))
    if person.keys[0] == person.key:
        person.claim.used = True
    return visitor.id


def _item_ids(
    drafts: Sequence[_Draft], *, channel: str, at: datetime, trusted: bool
) -> dict[str, int]:
    titles = {
        line.item_key: line.title for draft in drafts for line in draft.event.lines if line.item_key
    }
    found = ids.item_ids(channel, titles)
    missing = {
        key: title or key
        for key, title in titles.items()
        if key not in found and len(key) <= MAX_NEW_KEY
    }
    if missing and trusted:
        found.update(catalogue.ensure_items(channel, missing, at))
    return found


def _rows(
    draft: _Draft, channel: str, visitor_id: int | None, item_ids: Mapping[str, int]
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
            )
        )
    return rows


def _is_repeatable(event: Envelope) -> bool:
    return bool(event.event_id) or event.event in SERVER_ONLY


def _key(draft: _Draft, channel: str, line: Line, number: int, nth: int) -> uuid.UUID:
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
