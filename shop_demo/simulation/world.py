"""
Who comes: visitors with a hidden taste, a hidden sense of prices, and days on which they come.

Nothing of this is told to the shop: it sees what they look at, and what they buy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from engagement.flows.collecting.identity import Person
from shop_demo.simulation.goods import Float64, Goods

# Keys of simulated visitors begin like this, so that all of them can be forgotten. A random key
# does with a chance of 2 ** -64.
MARK = "a" + "51" * 8
# Monday to Sunday: how many come, beside a mean day.
WEEKDAYS = (0.85, 0.85, 0.9, 0.95, 1.2, 1.35, 0.9)


@dataclass(frozen=True, slots=True)
class Habits:
    """
    What visitors are like on average.

    ``visits_a_week``: of one visitor. ``loyalty``: the share of what one looks at that lies in the
    favourite department. ``unmoved``: log-odds of buying what is in the cart at its price.
    ``sensitivity``: what a price that is lower by all of it adds to these; ``spread``: how far
    visitors differ in that (standard deviation of its logarithm). ``season``: how far the demand of
    a department swings in a year. ``with_cart``: the share of visits on which something is wanted.
    """

    visits_a_week: float = 1.5
    loyalty: float = 0.7
    unmoved: float = -1.6
    sensitivity: float = 20.0
    spread: float = 0.4
    season: float = 0.3
    with_cart: float = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Somebody:
    """One visitor. ``shares``: of each department in what is looked at, before the season."""

    key: str
    favourite: str
    shares: Float64
    sensitivity: float
    visits_a_day: float

    def person(self, channel: str = "") -> Person:
        return Person(channel, self.key, "", None, may_store=True, is_staff=False, consent=True)


def make(
    n: int,
    goods: Goods,
    *,
    favourites: Sequence[str],
    habits: Habits,
    seed: int,
    rng: np.random.Generator,
) -> list[Somebody]:
    """Return ``n`` visitors; the same seed and number are the same visitor."""
    found = []
    for number in range(n):
        favourite = favourites[number % len(favourites)]
        shares = (1 - habits.loyalty) * rng.dirichlet(goods.sizes * len(goods.sizes) + 0.1)
        shares[goods.place(favourite)] += habits.loyalty
        found.append(
            Somebody(
                key=f"{MARK}{seed % 2**32:08x}{number:08x}"[:33],
                favourite=favourite,
                shares=shares / shares.sum(),
                sensitivity=habits.sensitivity * math.exp(rng.normal(0, habits.spread)),
                visits_a_day=habits.visits_a_week / 7 * math.exp(rng.normal(0, 0.5) - 0.125),
            )
        )
    return found


def in_season(shares: Float64, day: date, swing: float) -> Float64:
    """Return the shares as they are on a day: each department has its own time of the year."""
    turn = day.timetuple().tm_yday / 365
    phases = np.arange(len(shares)) / len(shares)
    found = shares * (1 + swing * np.cos(2 * np.pi * (turn - phases)))
    return np.asarray(found / found.sum())


def come(day: date, people: Sequence[Somebody], rng: np.random.Generator) -> list[Somebody]:
    """Return who comes on a day."""
    rates = np.array([one.visits_a_day for one in people]) * WEEKDAYS[day.weekday()]
    draws = rng.random(len(people))
    return [one for one, rate, draw in zip(people, rates, draws, strict=True) if draw < rate]
