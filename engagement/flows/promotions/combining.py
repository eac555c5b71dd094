"""
Which of several offers count together, and what each takes off.

The highest priority comes first, then what takes off most, then the name. An offer joins those
before it if all of them say that they go together and none is of its exclusive group; it is
worked out on what they have left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engagement.flows.promotions import discounts
from engagement.flows.promotions.carts import Cart
from engagement.flows.promotions.discounts import Discount, Missing
from engagement.flows.promotions.offers import RunningOffer


@dataclass(frozen=True, slots=True)
class Counted:
    """An offer that counts and what it takes off ``Cart.lines``."""

    offer: RunningOffer
    discount: Discount


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An offer that does not: the cart lacks something, or ``other`` stands in its way."""

    offer: RunningOffer
    missing: Missing | None = None
    other: RunningOffer | None = None


def combine(
    offers: Iterable[RunningOffer], cart: Cart
) -> tuple[tuple[Counted, ...], tuple[LeftOut, ...]]:
    """Return what counts, first one first, and what does not."""
    counted: list[Counted] = []
    left_out: list[LeftOut] = []
    fitting: list[tuple[tuple[int, Decimal, str], RunningOffer]] = []
    for offer in offers:
        lacks = discounts.missing(offer.terms, cart)
        if lacks is not None:
            left_out.append(LeftOut(offer, missing=lacks))
            continue
        alone = discounts.discount(offer.terms, cart)
        worth = alone.amount + alone.shipping
        fitting.append(((-offer.priority, -worth, offer.name), offer))
    left = [cart.value(line) for line in cart.lines]
    shipping = cart.shipping
    for _order, offer in sorted(fitting, key=lambda pair: pair[0]):
        other = _in_the_way(offer, [one.offer for one in counted])
        if other is not None:
            left_out.append(LeftOut(offer, other=other))
            continue
        rest = Cart(cart.lines, cart.currency, shipping)
        off = discounts.discount(offer.terms, rest, left)
        left = [before - taken for before, taken in zip(left, off.lines, strict=True)]
        shipping = None if shipping is None else shipping - off.shipping
        counted.append(Counted(offer, off))
    return tuple(counted), tuple(left_out)


def _in_the_way(offer: RunningOffer, before: Sequence[RunningOffer]) -> RunningOffer | None:
    for other in before:
        same = offer.exclusive_group and offer.exclusive_group == other.exclusive_group
        if same or not (offer.stacks and other.stacks):
            return other
    return None
