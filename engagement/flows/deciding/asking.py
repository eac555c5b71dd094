"""The offer of a place for whoever sends a request: what tags and the API ask."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from engagement.flows import faults
from engagement.flows.deciding.choosing import Choice, choose
from engagement.flows.promotions.shoppers import Shopper, shopper_of
from engagement.flows.serving import live
from engagement.flows.serving.visit import channel_of, person_of
from engagement.models import DecisionPoint


def offer_for(placement: str, *, request: HttpRequest | None, at: datetime) -> Choice | None:
    """
    Return what is shown at ``placement``; None where there is no such decision point.

    Who asks is worked out once a request, however many places ask. Without a request there is
    nobody to decide for: what everybody gets is shown. Never raises.
    """
    try:
        person = person_of(request)
        channel = person.channel if person is not None else channel_of(request)
        if live.state().point(channel, placement, DecisionPoint.Kind.OFFERS) is None:
            return None
        with faults.contained():
            shopper = _shopper(request, at)
        return choose(placement, shopper=shopper, at=at, request=request)
    except Exception:
        faults.report(f"offer:{placement}"[:80], "Nothing can be offered at %r", placement)
        return Choice(placement)


def _shopper(request: HttpRequest | None, at: datetime) -> Shopper:
    # REST framework wraps the request; what is kept must survive the wrapper.
    plain: Any = getattr(request, "_request", request)
    person = person_of(plain)
    known: Shopper | None = getattr(plain, "_engagement_shopper", None)
    if known is None or known.person != person:
        known = shopper_of(person, request=plain, at=at)
        if plain is not None:
            plain._engagement_shopper = known
    return known
