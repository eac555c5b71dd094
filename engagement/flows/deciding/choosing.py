"""
Which offer a visitor gets at a place, if any: drawn by a policy among what may be shown.

Whatever breaks on the way costs at most this offer: what everybody gets is shown, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.http import HttpRequest

from engagement.flows import faults
from engagement.flows.collecting import decision_tokens
from engagement.flows.deciding import contexts, drawing, facts, keeping, learning
from engagement.flows.deciding.keeping import Kept
from engagement.flows.deciding.policies import NOTHING
from engagement.flows.deciding.running import RunningPoint
from engagement.flows.promotions import eligibility, granting, running
from engagement.flows.promotions.granting import Granted
from engagement.flows.promotions.offers import RunningOffer
from engagement.flows.promotions.refusals import OfferRefused
from engagement.flows.promotions.shoppers import Shopper
from engagement.flows.serving import live
from engagement.models import DecisionPoint

HOLDOUT = "holdout"


@dataclass(frozen=True)
class Choice:
    """
    What is shown at a place. False where that is nothing.

    ``token`` goes back with what was seen and clicked; without one nothing was decided for this
    visitor. ``propensity`` is the chance that this arm had. ``variant`` says what decided.
    """

    placement: str
    arm: str = NOTHING
    propensity: float | None = None
    decision_key: str = ""
    token: str = ""
    variant: str = ""
    offer: Granted | None = None
    words: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.offer is not None

    # What a template asks for.
    @property
    def name(self) -> str:
        return self.offer.name if self.offer else ""

    @property
    def title(self) -> str:
        return self.words.get("title", "")

    @property
    def text(self) -> str:
        return self.words.get("text", "")

    @property
    def button(self) -> str:
        return self.words.get("button", "")

    @property
    def terms(self) -> str:
        return self.words.get("terms", "")

    @property
    def url(self) -> str:
        return self.offer.url if self.offer else ""

    @property
    def picture(self) -> str:
        return self.offer.picture if self.offer else ""

    @property
    def code(self) -> str:
        return self.offer.shown_code if self.offer else ""

    @property
    def expires_at(self) -> datetime | None:
        return self.offer.expires_at if self.offer else None


def choose(
    placement: str,
    *,
    shopper: Shopper,
    at: datetime,
    rng: np.random.Generator | None = None,
    request: HttpRequest | None = None,
) -> Choice | None:
    """
    Return what ``shopper`` gets at ``placement``; None where there is no such decision point.

    The same again while it holds and may be shown. Without ``rng`` the chance of the draw follows
    from the decision's key, so that pages which are loaded at once cannot get two offers. Those
    who are held out, or of whom nothing may be stored, get what everybody gets. Never raises.
    """
    point = live.state().point(shopper.channel, placement, DecisionPoint.Kind.OFFERS)
    if point is None:
        return None
    try:
        with faults.contained():
            choice = _decided(point, shopper, at, rng, request)
        if choice is not None:
            return choice
    except Exception:
        faults.report(f"choose:{placement}"[:80], "Nothing can be decided at %r", placement)
    return _for_everybody(placement, shopper, at)


def _allowed(offers: Iterable[RunningOffer], shopper: Shopper, at: datetime) -> list[RunningOffer]:
    """Return those of ``offers`` that may be shown to the shopper now."""
    some = list(offers)
    reasons = eligibility.eligible(some, who=shopper, at=at) if some else {}
    return [offer for offer in some if not reasons[offer.name]]


def _decided(
    point: RunningPoint,
    shopper: Shopper,
    at: datetime,
    rng: np.random.Generator | None,
    request: HttpRequest | None,
) -> Choice | None:
    """Return what was or is decided; None where this shopper takes no part."""
    if point.live is None or shopper.is_held_out:
        return None
    visitor = keeping.visitor_of(shopper.person)
    if visitor is None:
        return None
    kept = keeping.last(point, visitor, at=at)
    if kept is not None and kept.holds(point, at):
        found = _held(point, kept, shopper, at)
        if found is not None:
            return found
    return _drawn(point, visitor, kept, shopper, at, rng, request)


def _held(point: RunningPoint, kept: Kept, shopper: Shopper, at: datetime) -> Choice | None:
    """Return what was decided, while it may be shown: nobody asks about the other offers."""
    if kept.arm == NOTHING:
        return _choice(point, kept, None, shopper)
    here = running.offers_of(shopper.channel, point.name)
    for offer in _allowed((one for one in here if one.name == kept.arm), shopper, at):
        granted = _given(offer, shopper, kept.key, at)
        return None if granted is None else _choice(point, kept, granted, shopper)
    return None


def _drawn(
    point: RunningPoint,
    visitor: int,
    before: Kept | None,
    shopper: Shopper,
    at: datetime,
    rng: np.random.Generator | None,
    request: HttpRequest | None,
) -> Choice | None:
    version = drawing.version_for(point, shopper.person, at=at)
    if version is None:
        return None
    key = keeping.next_key(point, visitor, before)
    chance = np.random.default_rng(key.int) if rng is None else rng
    known = contexts.context(facts.of_shopper(shopper, request), at=at)
    here = running.offers_of(shopper.channel, point.name)
    by_name = {offer.name: offer for offer in _allowed(here, shopper, at)}
    left = [NOTHING, *sorted(by_name)]
    while True:
        drawn = drawing.draw(version, left, known, rng=chance)
        granted = None
        if drawn.arm != NOTHING:
            granted = _given(by_name[drawn.arm], shopper, key.hex, at)
            if granted is None:
                # It is gone since we asked: what is drawn now is drawn among the others.
                left.remove(drawn.arm)
                continue
        break
    row = drawing.row_of(drawn, point, version, visitor, before, known, at=at)
    kept = keeping.write(row, point)
    if kept is None:
        return None
    if point.learns_at_once:
        learning.learn_at_once(point.id, at=at)
    if kept.arm != drawn.arm:
        return _held(point, kept, shopper, at)
    return _choice(point, kept, granted, shopper)


def _given(offer: RunningOffer, shopper: Shopper, key: str, at: datetime) -> Granted | None:
    """Return the offer as it was given to the shopper; None where it cannot be given any more."""
    try:
        return granting.grant(offer, shopper=shopper, decision_key=key, at=at)
    except (granting.CannotGrant, OfferRefused):
        return None


def _choice(point: RunningPoint, kept: Kept, granted: Granted | None, shopper: Shopper) -> Choice:
    token = ""
    if shopper.person is not None:
        token = decision_tokens.issue(kept.key, person=shopper.person)
    return Choice(
        placement=point.name,
        arm=kept.arm,
        propensity=kept.propensity,
        decision_key=kept.key,
        token=token,
        variant=f"policy:{kept.version}",
        offer=granted,
        words=granted.words if granted else {},
    )


def _for_everybody(placement: str, shopper: Shopper, at: datetime) -> Choice:
    """Return the first of the offers that are part of the shop; nothing is decided, or logged."""
    variant = HOLDOUT if shopper.is_held_out else ""
    try:
        here = running.offers_of(shopper.channel, placement)
        common = (one for one in here if one.is_for_everybody and not one.needs_grant)
        with faults.contained():
            allowed = _allowed(common, shopper, at)
    except Exception:
        faults.report(f"offers:{placement}"[:80], "What everybody gets at %r is unknown", placement)
        return Choice(placement, variant=variant)
    if not allowed:
        return Choice(placement, variant=variant)
    offer = max(allowed, key=lambda one: one.priority)
    shown = granting.shown(offer, language=shopper.language or None)
    return Choice(placement, offer.name, variant=variant, offer=shown, words=shown.words)
