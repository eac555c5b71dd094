"""Who says that something happened, about whom, and whether they may."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagement.flows.collecting import decision_tokens, envelope, tokens
from engagement.flows.collecting.aliases import find
from engagement.flows.collecting.envelope import SERVER_ONLY, Envelope
from engagement.flows.collecting.identity import Person, customer_key, outside_key, read_cookie
from engagement.flows.collecting.values import Refused


@dataclass(frozen=True, slots=True)
class Draft:
    """One checked event, and who did it."""

    index: int
    event: Envelope
    person: Person | None
    recommendation_id: str
    placement: str
    shelf: tokens.Attribution | None = None
    # The key of a decision of ours, hexadecimal, where the event is about its promotion.
    decision: str = ""


def read_draft(
    index: int, payload: object, channel: str, person: Person | None, at: datetime, trusted: bool
) -> Draft:
    """Return who did what, as far as the sender may say so; raises Refused."""
    if not trusted or (person is not None and not person.keys):
        _refuse_unwilling(person)
    event = envelope.read(payload, at=at, trusted=trusted)
    if trusted:
        person = _named(event, channel) or person
    if person is None and event.event not in SERVER_ONLY:
        raise Refused("required", "visitor_id", _("Say who did this."))
    recommendation_id, placement = event.recommendation_id, event.placement
    shelf = None
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
    decision = _decision(event, payload, person, trusted) if event.promotion_id else ""
    if decision:
        event = replace(event, promotion_id=decision)
    return Draft(index, event, person, recommendation_id, placement, shelf, decision)


def _decision(event: Envelope, payload: object, person: Person | None, trusted: bool) -> str:
    """Return the key of the decision that a token stands for; "" for a shop's own promotion."""
    if trusted and not decision_tokens.is_token(event.promotion_id):
        return ""
    try:
        return decision_tokens.verify(event.promotion_id, person=person)
    except tokens.InvalidToken as invalid:
        field, _value = find(payload, "promotion_id")  # type: ignore[arg-type]
        raise Refused(f"promotion_{invalid.code}", field, invalid.message) from None


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


def not_agreed() -> str:
    return str(_REFUSALS["no_consent"])
