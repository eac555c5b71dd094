"""
What a visitor wants on one visit, and what a price does to it: the truth that policies look for.

A visit is drawn before any offer is made: whoever would have bought without one does so with any.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from engagement.conf import app_settings
from engagement.flows.promotions import discounts
from engagement.flows.promotions.carts import Cart, Line
from engagement.flows.promotions.offers import RunningOffer
from engagement.models import DecisionPoint
from shop_demo.simulation.goods import Good, Goods
from shop_demo.simulation.world import Habits, Somebody, in_season

NOTHING = Decimal(0)
Reward = DecisionPoint.Reward
# Pages are looked at for so many seconds on average.
READING = 40.0


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """
    What happens whatever is offered: what is looked at, what is put in the cart, and the luck
    (0 to 1) that decides between buying and not, clicking and not.
    """

    number: int
    who: Somebody
    at: datetime
    viewed: Sequence[Good]
    wanted: Sequence[tuple[Good, int]]
    pauses: Sequence[timedelta]
    buying_luck: float
    clicking_luck: float


def plan(
    number: int,
    who: Somebody,
    at: datetime,
    *,
    goods: Goods,
    habits: Habits,
    rng: np.random.Generator,
    looks_only: bool = False,
) -> Visit:
    """Return what will happen on a visit; ``looks_only``: nothing is put in the cart."""
    shares = in_season(who.shares, at.date(), habits.season)
    viewed = goods.draw(rng, shares, 2 + int(rng.poisson(2)))
    wanted: list[tuple[Good, int]] = []
    if not looks_only and rng.random() < habits.with_cart:
        for good in goods.draw(rng, shares, 1 + int(rng.poisson(3))):
            wanted.append((good, 1 + int(rng.poisson(0.8))))
    seconds = rng.exponential(READING, size=len(viewed) + len(wanted) + 3) + 2
    return Visit(
        number=number,
        who=who,
        at=at,
        viewed=viewed,
        wanted=wanted,
        pauses=[timedelta(seconds=float(one)) for one in seconds],
        buying_luck=float(rng.random()),
        clicking_luck=float(rng.random()),
    )


def cart_of(visit: Visit) -> Cart:
    return Cart.of(
        (Line(good.key, good.price, n, good.path) for good, n in visit.wanted),
        currency=app_settings.CURRENCY,
    )


def saving(offer: RunningOffer | None, cart: Cart) -> Decimal:
    """Return what an offer takes off a cart; nothing where it does not fit."""
    if offer is None or not cart.lines or discounts.missing(offer.terms, cart) is not None:
        return NOTHING
    return discounts.discount(offer.terms, cart).amount


def buying_chance(visit: Visit, cart: Cart, saved: Decimal, habits: Habits) -> float:
    """Return how likely the cart is bought when so much is taken off it."""
    if not cart.lines:
        return 0.0
    share = float(saved / cart.subtotal) if cart.subtotal else 0.0
    return _chance(habits.unmoved + visit.who.sensitivity * share)


def clicking_chance(visit: Visit, offer: RunningOffer | None, goods: Goods, cart: Cart) -> float:
    """Return how likely an offer is clicked: it is what one likes, or it makes the cart cheaper."""
    if offer is None:
        return 0.0
    if offer.terms.scope == "category":
        liked = sum(
            share
            for name, share in zip(goods.departments, visit.who.shares, strict=True)
            if name in offer.terms.scope_keys
        )
    else:
        liked = 0.1
    return _chance(-3.0 + 4.0 * liked + (1.0 if saving(offer, cart) else 0.0))


def expected(
    reward: str,
    visit: Visit,
    offer: RunningOffer | None,
    *,
    cart: Cart,
    goods: Goods,
    habits: Habits,
    is_used: bool = True,
) -> float:
    """
    Return what showing ``offer`` (None: none) is worth on this visit, in the point's own reward.

    ``is_used``: whether it counts for this cart at all; a banner on another page does not.
    """
    if reward == Reward.CLICK:
        return clicking_chance(visit, offer, goods, cart)
    saved = saving(offer, cart) if is_used else NOTHING
    chance = buying_chance(visit, cart, saved, habits)
    if reward == Reward.CONVERSION:
        return chance
    if reward == Reward.REVENUE:
        return chance * float(cart.subtotal - saved)
    cost = saved + (offer.terms.cost if offer is not None and saved else NOTHING)
    return chance * (float(cart.subtotal) * float(app_settings.MARGIN_RATE) - float(cost))


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
