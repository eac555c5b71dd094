"""
What a policy may know of a visitor: numbers between about -1 and 1, each under a name.

A decision keeps its context by name, and a policy keeps the names that it was set up with: what is
added here, or to the shop's categories, is met by new policies only. A name never changes its
meaning; what means something else gets another name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from engagement.flows.deciding import tastes

# Digits that are kept: the log holds exactly what the policy saw.
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What is known of a visitor when something is decided. Money in the shop's currency.

    ``days_since_*`` are None for what never happened. ``categories``: shares of what the visitor
    had to do with, by the widest category.
    """

    n_orders: int = 0
    spent: float = 0.0
    days_since_order: float | None = None
    days_since_visit: float | None = None
    n_sessions: int = 0
    n_views: int = 0
    refund_share: float = 0.0
    n_session_views: int = 0
    n_in_cart: int = 0
    cart_value: float = 0.0
    is_phone: bool = False
    categories: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Feature:
    """One number: how it is made of the facts, and how it is told to a person."""

    label: str | Promise
    make: Callable[[Facts, datetime], float]
    tell: Callable[[float], str]


def _log(most: float) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Return a scale on which 0 is 0 and ``most`` is 1, each doubling as far as the next; back."""
    top = math.log1p(most)
    return lambda value: math.log1p(max(value, 0.0)) / top, lambda told: math.expm1(told * top)


def _counted(label: str | Promise, read: Callable[[Facts], float], most: float) -> Feature:
    there, back = _log(most)
    return Feature(label, lambda facts, at: there(read(facts)), lambda told: f"{back(told):.3g}")


def _yes(label: str | Promise, read: Callable[[Facts], bool]) -> Feature:
    def make(facts: Facts, at: datetime) -> float:
        return 1.0 if read(facts) else 0.0

    return Feature(label, make, lambda told: _("yes") if told > 0.5 else _("no"))


def _since(label: str | Promise, read: Callable[[Facts], float | None], most: float) -> Feature:
    """Recency: 1 is just now, 0 is ``most`` days ago or never."""
    there, back = _log(most)

    def make(facts: Facts, at: datetime) -> float:
        days = read(facts)
        return 0.0 if days is None else max(1.0 - there(days), 0.0)

    def tell(told: float) -> str:
        return _("never or long ago") if told <= 0.0 else f"{back(1.0 - told):.3g}"

    return Feature(label, make, tell)


def _round(label: str | Promise, turn: Callable[[datetime], float], *, sine: bool) -> Feature:
    wave = math.sin if sine else math.cos

    def make(facts: Facts, at: datetime) -> float:
        return wave(2 * math.pi * turn(timezone.localtime(at)))

    return Feature(label, make, lambda told: f"{told:.2f}")


def _of_day(at: datetime) -> float:
    return (at.hour + at.minute / 60) / 24


def _of_week(at: datetime) -> float:
    return (at.weekday() + at.hour / 24) / 7


FEATURES: dict[str, Feature] = {
    "has_ordered": _yes(gettext_lazy("has ordered before"), lambda one: one.n_orders > 0),
    "orders": _counted(gettext_lazy("orders so far"), lambda one: one.n_orders, 20),
    "spent": _counted(gettext_lazy("spent so far"), lambda one: one.spent, 5000),
    "order_value": _counted(
        gettext_lazy("mean order"), lambda one: one.spent / max(one.n_orders, 1), 500
    ),
    "order_recency": _since(
        gettext_lazy("days since the last order"), lambda one: one.days_since_order, 365
    ),
    "visit_recency": _since(
        gettext_lazy("days since the last visit"), lambda one: one.days_since_visit, 90
    ),
    "sessions": _counted(gettext_lazy("visits in 30 days"), lambda one: one.n_sessions, 30),
    "views": _counted(gettext_lazy("items viewed in 30 days"), lambda one: one.n_views, 200),
    "refunds": Feature(
        gettext_lazy("share given back"),
        lambda facts, at: min(max(facts.refund_share, 0.0), 1.0),
        lambda told: f"{100 * told:.0f} %",
    ),
    "session_views": _counted(
        gettext_lazy("items viewed in this visit"), lambda one: one.n_session_views, 30
    ),
    "cart_items": _counted(gettext_lazy("items in the cart"), lambda one: one.n_in_cart, 20),
    "cart_value": _counted(gettext_lazy("value of the cart"), lambda one: one.cart_value, 500),
    "phone": _yes(gettext_lazy("on a phone"), lambda one: one.is_phone),
    "hour_sin": _round(gettext_lazy("sine of the hour"), _of_day, sine=True),
    "hour_cos": _round(gettext_lazy("cosine of the hour"), _of_day, sine=False),
    "week_sin": _round(gettext_lazy("sine of the weekday"), _of_week, sine=True),
    "week_cos": _round(gettext_lazy("cosine of the weekday"), _of_week, sine=False),
}
# What every shop's policies may know; tastes are named after the shop's own categories.
NAMES: tuple[str, ...] = tuple(FEATURES)


def names_of(channel: str) -> list[str]:
    """Return all that a policy of a channel may know by now, tastes for its widest categories."""
    return [*NAMES, *tastes.names(channel)]


def context(facts: Facts, *, at: datetime) -> dict[str, float]:
    """Return every feature by name; those that are 0 are left out."""
    made = {name: one.make(facts, at) for name, one in FEATURES.items()}
    made |= tastes.known(facts.categories)
    found = {name: round(value, DIGITS) for name, value in made.items()}
    return {name: value for name, value in found.items() if value}


def value(known: Mapping[str, float], name: str) -> float:
    """Return one feature of a context; what is not known is 0."""
    return float(known.get(name, 0.0)) + tastes.hashed(known, name)


def vector(known: Mapping[str, float], names: Sequence[str]) -> NDArray[np.float64]:
    """Return a context as a policy of ``names`` sees it."""
    return np.array([value(known, name) for name in names], dtype=np.float64)


def matrix(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> NDArray[np.float64]:
    """Return contexts × names."""
    found = [[value(known, name) for name in names] for known in rows]
    return np.array(found, dtype=np.float64).reshape(len(rows), len(names))


def in_words(known: Mapping[str, float], names: Sequence[str]) -> list[tuple[str, str, float]]:
    """Return label, value in words and number of each feature, for a person to read."""
    told = []
    for name in names:
        number = value(known, name)
        feature = FEATURES.get(name)
        if feature is not None:
            told.append((str(feature.label), feature.tell(number), number))
        elif _is_taste(name):
            told.append((_taste(name), f"{100 * number:.0f} %", number))
        else:
            told.append((name, f"{number:.3g}", number))
    return told


def _is_taste(name: str) -> bool:
    return name.startswith(tastes.PREFIX) or name in tastes.HASHED


def _taste(name: str) -> str:
    if name.startswith(tastes.PREFIX):
        return _("share of %(category)s") % {"category": name.removeprefix(tastes.PREFIX)}
    return _("share of categories %(n)s") % {"n": name.rpartition("_")[2]}


# -- facts ----------------------------------------------------------------------------------
_PHONE = ("Mobi", "Android", "iPhone")


def is_phone(user_agent: str) -> bool:
    return any(word in user_agent for word in _PHONE)
