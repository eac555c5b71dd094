"""
Rules that judge one row of an import by itself. Each answers with a mask: true is refused.

Rules that need the neighbours of an event (doubles, refunds, machines) run when a data set is
loaded: :mod:`engagement.learning.cleaning`. ``docs/cleaning.md`` has the table of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows.collecting.envelope import NEEDS_ITEM, SERVER_ONLY
from engagement.flows.collecting.values import Refused
from engagement.flows.importing.import_rows import Rows
from engagement.flows.importing.mapping import Plan
from engagement.learning.cleaning import Mask
from engagement.models import EventName


class Context(NamedTuple):
    """What a rule may look at besides the rows."""

    plan: Plan
    at: datetime


def without_event(rows: Rows, context: Context) -> Mask:
    return np.equal(rows.events, 0)


def without_moment(rows: Rows, context: Context) -> Mask:
    return ~_has(rows.moments)


def without_item(rows: Rows, context: Context) -> Mask:
    return _is_any(rows, NEEDS_ITEM | {EventName.REFUND}) & ~_has(rows.items)


def without_query(rows: Rows, context: Context) -> Mask:
    return _is_any(rows, {EventName.SEARCH}) & ~_has(rows.queries)


def without_visitor(rows: Rows, context: Context) -> Mask:
    """A guest's order is worth having for what was bought together; a guest's view is not."""
    somebody = _has(rows.customers) | _has(rows.strangers) | _has(rows.sessions)
    is_order = _is_any(rows, SERVER_ONLY) & _has(rows.orders)
    return ~somebody & ~is_order


def not_a_product(rows: Rows, context: Context) -> Mask:
    """Postage, fees and vouchers stand in the same column as products."""
    pattern = context.plan.item_pattern
    if pattern is None:
        return np.zeros(len(rows), dtype=bool)
    known = {item: not pattern.search(item) for item in set(rows.items) if item}
    return np.fromiter((known.get(item, False) for item in rows.items), bool, len(rows))


def in_the_future(rows: Rows, context: Context) -> Mask:
    latest = context.at + timedelta(seconds=app_settings.CLOCK_SKEW_SECONDS)
    return np.fromiter(
        (moment is not None and moment > latest for moment in rows.moments), bool, len(rows)
    )


def impossible_quantity(rows: Rows, context: Context) -> Mask:
    most = int(app_settings.MAX_QUANTITY)
    return (rows.quantities < 1) | (rows.quantities > most)


def impossible_value(rows: Rows, context: Context) -> Mask:
    has_value = np.fromiter((value is not None for value in rows.values), bool, len(rows))
    most = round(float(app_settings.MAX_VALUE) * 100)
    return has_value & ((rows.cents < 0) | (rows.cents > most))


def free_of_charge(rows: Rows, context: Context) -> Mask:
    """What changed hands for nothing is a correction of the stock, a loss or a sample."""
    if context.plan.keep_free:
        return np.zeros(len(rows), dtype=bool)
    return _is_any(rows, SERVER_ONLY) & np.equal(rows.cents, 0)


Rule = Callable[[Rows, Context], Mask]

# The first rule that speaks against a row is its reason. (rule, what it looks at)
RULES: tuple[tuple[Rule, str], ...] = (
    (without_event, "event"),
    (without_moment, "at"),
    (in_the_future, "at"),
    (without_item, "item"),
    (not_a_product, "item"),
    (without_query, "query"),
    (impossible_quantity, "quantity"),
    (impossible_value, "value"),
    (free_of_charge, "value"),
    (without_visitor, "visitor"),
)


def judge(rows: Rows, context: Context) -> dict[int, Refused]:
    """Return what speaks against which rows, cells that could not be read included."""
    refused = dict(rows.refused)
    messages = _messages()
    for rule, what in RULES:
        code = rule.__name__
        for index in np.flatnonzero(rule(rows, context)).tolist():
            if index not in refused:
                field = rows.columns.get(what) or rows.columns.get("price", what)
                refused[index] = Refused(code, field, messages[code])
    return refused


def _messages() -> dict[str, str]:
    return {
        "without_event": _("There is no event."),
        "without_moment": _("There is no moment."),
        "in_the_future": _("This moment has not come yet."),
        "without_item": _("There is no item."),
        "not_a_product": _("This is no product, by --item-pattern."),
        "without_query": _("A search needs its words."),
        "impossible_quantity": _("Nobody orders this many."),
        "impossible_value": _("Nobody pays this much, or less than nothing."),
        "free_of_charge": _("Nothing was paid."),
        "without_visitor": _("Nobody is known to have done this, and it is no order."),
    }


def _has(values: Sequence[object]) -> Mask:
    return np.fromiter(map(bool, values), dtype=bool, count=len(values))


def _is_any(rows: Rows, events: set[EventName] | frozenset[EventName]) -> Mask:
    wanted = np.array([int(event) for event in events], dtype=np.int64)
    return np.isin(rows.events, wanted)
