"""The words that a rule may use: what each is, where it is stored, how a profile answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from engagement.flows.profiles.profile import Profile

# "days": whole days counted back from today, stored as the day itself; nothing where there is none.
Type = Literal["number", "money", "days", "share", "yes_no", "text"]
Answer = int | Decimal | bool | str | None


@dataclass(frozen=True)
class Word:
    """``column`` is the field of ``VisitorProfile`` that a query looks at."""

    name: str
    type: Type
    column: str
    ask: Callable[[Profile], Answer]
    meaning: str | Promise


def _table(*words: Word) -> Mapping[str, Word]:
    return {word.name: word for word in words}


WORDS: Mapping[str, Word] = _table(
    Word("orders", "number", "n_orders", lambda one: one.n_orders, _("orders so far")),
    Word("spent", "money", "spent", lambda one: one.spent, _("money spent so far, less refunds")),
    Word(
        "order_value",
        "money",
        "mean_order_value",
        lambda one: one.mean_order_value,
        _("mean value of an order"),
    ),
    Word(
        "days_since_order",
        "days",
        "last_order_day",
        lambda one: one.days_since_order,
        _("days since the last order; no comparison holds before the first"),
    ),
    Word(
        "days_since_visit",
        "days",
        "last_day",
        lambda one: one.days_since_visit,
        _("days since the last visit"),
    ),
    Word(
        "days_known",
        "days",
        "first_day",
        lambda one: one.days_since_first,
        _("days since the first visit"),
    ),
    Word(
        "sessions",
        "number",
        "n_sessions_30d",
        lambda one: one.n_sessions_30d,
        _("sessions in the last 30 days"),
    ),
    Word(
        "views",
        "number",
        "n_views_30d",
        lambda one: one.n_views_30d,
        _("items viewed in the last 30 days"),
    ),
    Word(
        "carts",
        "number",
        "n_carts_30d",
        lambda one: one.n_carts_30d,
        _("times something was put in the cart in the last 30 days"),
    ),
    Word(
        "refunds",
        "number",
        "n_refunds",
        lambda one: one.n_refunds,
        _("orders given back"),
    ),
    Word("is_new", "yes_no", "n_orders", lambda one: one.is_new, _("has not ordered yet")),
    Word(
        "is_customer",
        "yes_no",
        "is_customer",
        lambda one: one.is_customer,
        _("has signed in to an account"),
    ),
    Word(
        "language",
        "text",
        "language",
        lambda one: one.language,
        _("language of the pages, as “en” or “zh-hans”"),
    ),
)

# The one function: category("Fruit") is the share of what a visitor did in a year.
CATEGORY = "category"
CATEGORY_MEANING = _("share of a category, 0 to 1, in what was viewed and bought in a year")
