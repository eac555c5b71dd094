"""
From what somebody sent to what may be stored: one event as it came in, checked field by field.

Nothing here asks the database. Whatever is wrong raises :class:`Refused` with the name that the
sender gave to the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows.collecting.aliases import CONTAINERS, event_name, find
from engagement.flows.collecting.lines import Line, read_lines, read_quantity, read_value
from engagement.flows.collecting.values import (
    Refused,
    read_currency,
    read_moment,
    read_text,
    read_words,
    shown,
)
from engagement.models import EventName

# How long a browser may have been without a connection.
MAX_DELAY = timedelta(hours=72)

# Money has changed hands: only the shop itself can say so.
SERVER_ONLY = frozenset({EventName.PURCHASE, EventName.REFUND})
NEEDS_ITEM = frozenset(
    {
        EventName.VIEW_ITEM_LIST,
        EventName.SELECT_ITEM,
        EventName.VIEW_ITEM,
        EventName.ADD_TO_WISHLIST,
        EventName.ADD_TO_CART,
        EventName.REMOVE_FROM_CART,
        EventName.PURCHASE,
        EventName.SUBMIT_REVIEW,
        EventName.VOTE_REVIEW,
        EventName.HIDE_ITEM,
    }
)
NEEDS_ORDER = SERVER_ONLY
NEEDS_PROMOTION = frozenset({EventName.VIEW_PROMOTION, EventName.SELECT_PROMOTION})


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event in our words, checked; whom and what it is about is still to be looked up."""

    event: EventName
    at: datetime
    lines: tuple[Line, ...] = ()
    event_id: str = ""
    session_id: str = ""
    visitor_id: str = ""
    customer_id: str = ""
    currency: str = ""
    value: Decimal | None = None
    quantity: int = 1
    order_ref: str = ""
    refund_ref: str = ""
    query: str = ""
    placement: str = ""
    recommendation_id: str = ""
    promotion_id: str = ""

    def order_lines(self) -> tuple[Line, ...]:
        """Return the lines; one without an item for an event that is about none."""
        if self.lines:
            return self.lines
        return (Line("", "items", quantity=self.quantity, value=self.value),)


def read(payload: object, *, at: datetime, trusted: bool) -> Envelope:
    """Return the event that was sent; raises Refused, which names the field."""
    if not isinstance(payload, Mapping):
        raise Refused("not_an_object", "event", _("An event must be an object."))
    for container in CONTAINERS:
        if not isinstance(payload.get(container, {}), Mapping | None):
            raise Refused("not_an_object", container, _("This must be an object."))
    event = _event(payload, trusted)
    envelope = Envelope(
        event=event,
        at=_moment(payload, at, trusted),
        event_id=_text(payload, "event_id", 64),
        session_id=_text(payload, "session_id", 64),
        visitor_id=_text(payload, "visitor_id", 128),
        customer_id=_text(payload, "customer_id", 128),
        quantity=read_quantity(*find(payload, "quantity")),
        value=read_value(*find(payload, "value")),
        order_ref=_text(payload, "order_id", 64),
        refund_ref=_text(payload, "refund_id", 64),
        query=read_words(*find(payload, "query"), length=200),
        placement=_text(payload, "placement", 64),
        recommendation_id=_text(payload, "recommendation_id", 200),
        promotion_id=_text(payload, "promotion_id", 64),
    )
    lines = read_lines(payload)
    if len(lines) == 1 and lines[0].value is None and envelope.value is not None:
        lines = (replace(lines[0], value=envelope.value),)
    currency = _currency(payload, any(line.value is not None for line in lines), envelope, trusted)
    envelope = replace(envelope, lines=lines, currency=currency)
    _check_needs(envelope, payload)
    if not trusted:
        _check_sender(envelope, payload)
    return envelope


def _event(payload: Mapping[str, Any], trusted: bool) -> EventName:
    field, name = find(payload, "event")
    if name is None:
        raise Refused("required", "event", _("An event needs a name."))
    name = read_text(field, name, 64)
    event = event_name(name)
    if event is None:
        raise Refused(
            "unknown_event",
            field,
            _("There is no event %(name)s. Known are: %(known)s.")
            % {"name": shown(name), "known": ", ".join(one.code for one in EventName)},
        )
    if event in SERVER_ONLY and not trusted:
        raise Refused(
            "server_only", field, _("%(event)s comes from the shop's server.") % {"event": name}
        )
    return event


def _moment(payload: Mapping[str, Any], at: datetime, trusted: bool) -> datetime:
    field, value = find(payload, "event_time")
    if value is None:
        return at
    moment = read_moment(field, value)
    if moment > at + timedelta(seconds=app_settings.CLOCK_SKEW_SECONDS):
        raise Refused("in_the_future", field, _("This moment has not come yet."))
    if not trusted and moment < at - MAX_DELAY:
        raise Refused("too_old", field, _("This is more than 72 hours ago."))
    # A clock that runs ahead a little must not hide an event from "what happened until now".
    return min(moment, at)


def _text(payload: Mapping[str, Any], name: str, length: int) -> str:
    field, value = find(payload, name)
    return read_text(field, value, length)


def _currency(
    payload: Mapping[str, Any], has_money: bool, envelope: Envelope, trusted: bool
) -> str:
    field, value = find(payload, "currency")
    currency = "" if value is None else read_currency(field, value)
    has_money = has_money or envelope.value is not None
    if not has_money:
        return ""
    currency = currency or app_settings.CURRENCY
    if not currency and not trusted:
        raise Refused("required", "currency", _("Money needs a currency."))
    return currency


def _check_needs(envelope: Envelope, payload: Mapping[str, Any]) -> None:
    event = envelope.event
    missing = ""
    if event in NEEDS_ITEM and not envelope.lines:
        missing = find(payload, "items")[0]
    elif event in NEEDS_ORDER and not envelope.order_ref:
        missing = "order_id"
    elif event in NEEDS_PROMOTION and not envelope.promotion_id:
        missing = "promotion_id"
    elif event is EventName.SEARCH and not envelope.query:
        missing = "query"
    if missing:
        raise Refused(
            "required",
            missing,
            _("%(event)s needs %(field)s.") % {"event": event.code, "field": missing},
        )


def _check_sender(envelope: Envelope, payload: Mapping[str, Any]) -> None:
    for name in ("visitor_id", "customer_id"):
        if getattr(envelope, name):
            raise Refused(
                "not_allowed",
                find(payload, name)[0],
                _("Only the shop's server may say who somebody is."),
            )
