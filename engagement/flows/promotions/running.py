"""Which offers run, as this process knows from its last poll."""

from __future__ import annotations

from engagement.flows.promotions.offers import RunningOffer
from engagement.flows.serving import live
from engagement.models import Promotion


def offers_of(channel: str, placement: str) -> tuple[RunningOffer, ...]:
    """Return the offers that a placement may show, in the order they were made."""
    return tuple(one for one in all_of(channel) if placement in one.placements)


def all_of(channel: str) -> tuple[RunningOffer, ...]:
    """Return the offers of a channel whose campaigns run, whatever the hour."""
    return live.state().offers.get(channel, ())


def named(channel: str, name: str) -> RunningOffer | None:
    return next((one for one in all_of(channel) if one.name == name), None)


def count_by_themselves(channel: str) -> list[RunningOffer]:
    """Return the offers that are taken off without a code."""
    return [
        offer
        for offer in all_of(channel)
        if offer.code_kind == Promotion.CodeKind.AUTOMATIC and offer.kind != Promotion.Kind.MESSAGE
    ]
