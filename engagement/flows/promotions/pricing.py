"""What offers take off a cart: the codes that were typed, and what counts by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from engagement.flows.promotions import codes, discounts, refusals
from engagement.flows.promotions.candidates import Candidate, candidates
from engagement.flows.promotions.carts import Cart
from engagement.flows.promotions.combining import Counted, LeftOut, combine
from engagement.flows.promotions.money import NOTHING
from engagement.flows.promotions.offers import RunningOffer
from engagement.flows.promotions.refusals import OfferRefused
from engagement.flows.promotions.shoppers import Shopper

# So many codes are looked at; whoever gives more is guessing.
MOST_CODES = 10


@dataclass(frozen=True, slots=True)
class Applied:
    """
    An offer that counts. ``discount`` is taken off the goods (``lines``: by item key), ``shipping``
    off the delivery; ``gift_key`` is put into the parcel. ``code`` is the code as it is stored,
    "" for what counts by itself.
    """

    name: str
    title: str
    kind: str
    discount: Decimal
    shipping: Decimal
    cost: Decimal
    code: str = ""
    gift_key: str = ""
    lines: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    promotion_id: int = 0
    campaign_id: int = 0
    grant_id: int | None = None
    # Whether it counts only for those it was given to.
    needs_grant: bool = False

    @property
    def shown_code(self) -> str:
        return codes.spaced(self.code)


@dataclass(frozen=True, slots=True)
class Refused:
    """
    A code that does not count: ``reason`` is a key of ``refusals.MESSAGES``, ``message`` its
    sentence. ``name`` and ``title`` are the offer's, empty where it is none of the visitor's
    business.
    """

    reason: str
    message: str
    code: str = ""
    name: str = ""
    title: str = ""
    # What the sentence is made of: the amount that is missing, the items …
    parts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def shown_code(self) -> str:
        return codes.spaced(self.code)


@dataclass(frozen=True, slots=True)
class Quote:
    """A cart with its offers. Money is rounded as it can be paid; ``total`` is without delivery."""

    cart: Cart = field(default_factory=Cart)
    applied: tuple[Applied, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def subtotal(self) -> Decimal:
        return self.cart.subtotal

    @property
    def discount(self) -> Decimal:
        return sum((one.discount for one in self.applied), NOTHING)

    @property
    def shipping_discount(self) -> Decimal:
        return sum((one.shipping for one in self.applied), NOTHING)

    @property
    def cost(self) -> Decimal:
        return sum((one.cost for one in self.applied), NOTHING)

    @property
    def total(self) -> Decimal:
        return self.subtotal - self.discount

    @property
    def gift_keys(self) -> tuple[str, ...]:
        return tuple(one.gift_key for one in self.applied if one.gift_key)


def quote(cart: Cart, given: Sequence[str] = (), *, shopper: Shopper, at: datetime) -> Quote:
    """
    Return what the codes ``given``, and the offers that need none, take off a cart.

    Nothing is changed and nothing is promised: redeeming decides. What needs no code is left out
    silently where it does not count. Six queries at most, and one for names of missing items.
    """
    wanted = codes.distinct(given)
    refused = [_refusal("too_often", code) for code in wanted[MOST_CODES:]]
    found = candidates(wanted[:MOST_CODES], shopper=shopper, at=at)
    refused += [_refusal(one.reason, one.code, one.offer) for one in found if one.reason]
    fresh = [one for one in found if not one.reason]
    counted, left_out, too_dear = _affordable(fresh, cart)
    by_offer = {one.offer.id: one for one in fresh if one.offer is not None}
    refused += [_left_out(one, by_offer[one.offer.id].code, cart, shopper) for one in left_out]
    refused += [_refusal("budget", one.code, one.offer) for one in too_dear]
    applied = tuple(_applied(one, by_offer[one.offer.id], cart) for one in counted)
    return Quote(cart, applied, tuple(one for one in refused if one.code))


def _affordable(
    fresh: Sequence[Candidate], cart: Cart
) -> tuple[tuple[Counted, ...], tuple[LeftOut, ...], list[Candidate]]:
    """Combine what the budgets can bear: what is too dear makes room for what it stood before."""
    rest = {one.offer.id: one for one in fresh if one.offer is not None}
    too_dear: list[Candidate] = []
    while True:
        counted, left_out = combine([one.offer for one in rest.values() if one.offer], cart)
        money = {one.offer.campaign_id: one.money for one in rest.values() if one.offer}
        beyond = None
        for one in counted:
            left = money[one.offer.campaign_id]
            if left is None:
                continue
            if one.discount.cost > left:
                beyond = one.offer.id
                break
            money[one.offer.campaign_id] = left - one.discount.cost
        if beyond is None:
            return counted, left_out, too_dear
        too_dear.append(rest.pop(beyond))


def _applied(counted: Counted, one: Candidate, cart: Cart) -> Applied:
    offer, off = counted.offer, counted.discount
    lines: dict[str, Decimal] = {}
    for line, taken in zip(cart.lines, off.lines, strict=True):
        if taken:
            lines[line.key] = lines.get(line.key, NOTHING) + taken
    return Applied(
        name=offer.name,
        title=offer.title(),
        kind=offer.kind,
        discount=off.amount,
        shipping=off.shipping,
        cost=off.cost,
        code=one.code,
        gift_key=off.gift_key,
        lines=lines,
        promotion_id=offer.id,
        campaign_id=offer.campaign_id,
        grant_id=one.grant_id,
        needs_grant=offer.needs_grant,
    )


def _left_out(left: LeftOut, code: str, cart: Cart, shopper: Shopper) -> Refused:
    if left.other is not None:
        return _refusal("not_combinable", code, left.offer, other=left.other.title())
    lacks = left.missing or discounts.Missing("nothing")
    parts: dict[str, Any] = {}
    if lacks.code == "min_spend":
        parts["amount"] = refusals.priced(lacks.amount, cart.currency)
    elif lacks.code == "pieces":
        parts["n"] = lacks.n
    elif lacks.code == "items" and code:
        parts["items"] = refusals.titles(lacks.keys, shopper.channel)
    return _refusal(lacks.code, code, left.offer, **parts)


def _refusal(reason: str, code: str, offer: RunningOffer | None = None, **parts: Any) -> Refused:
    known = offer if reason not in ("foreign", "unknown") else None
    return Refused(
        reason=reason,
        message=refusals.message(reason, **parts) if code else "",
        code=code,
        name=known.name if known else "",
        title=known.title() if known else "",
        parts=parts,
    )


def refused_all(cart: Cart, given: Sequence[str], reason: str) -> Quote:
    """Return a cart of whose codes none is looked at."""
    return Quote(cart, refused=tuple(_refusal(reason, code) for code in codes.distinct(given)))


def refuse(one: Refused) -> OfferRefused:
    """Return the exception that says what a refusal says."""
    return OfferRefused(one.reason, offer_code=one.code, name=one.name, **one.parts)
