"""
What must not teach a model anything: rules over the event log, each small and with a name.

A rule takes a log and answers with the events to keep (a boolean mask). ``docs/cleaning.md`` has
the table of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import DAY, Int64

Mask = NDArray[np.bool_]

# Two page views a second, for a whole minute: nobody reads like that.
VIEWS_PER_MINUTE = 120


@dataclass(frozen=True, slots=True)
class EventLog:
    """
    Events as parallel arrays, in any order.

    ``visitors``, ``items`` and ``orders`` are below zero where there is none; ``values`` are
    hundredths of the currency, below zero where there is no value.
    """

    visitors: Int64
    items: Int64
    events: Int64
    moments: Int64
    quantities: Int64
    values: Int64
    orders: Int64
    sessions: Int64

    def __len__(self) -> int:
        return len(self.items)

    def select(self, keep: Mask) -> EventLog:
        return EventLog(*(getattr(self, field.name)[keep] for field in fields(self)))


def not_by(log: EventLog, visitors: Int64) -> Mask:
    """Leave out everything that these visitors did: staff, machines, people who said no."""
    return ~np.isin(log.visitors, visitors)


def not_by_tireless(log: EventLog, *, per_day: int) -> Mask:
    """Leave out visitors with more than ``per_day`` events on one day (UTC)."""
    known = log.visitors >= 0
    days = log.moments // DAY
    pairs, counts = np.unique(pair(log.visitors, days)[known], return_counts=True)
    busy = np.isin(pair(log.visitors, days), pairs[counts > per_day]) & known
    return not_by(log, np.unique(log.visitors[busy]))


def not_by_superhuman(
    log: EventLog, *, views: NDArray[np.integer], per_minute: int = VIEWS_PER_MINUTE
) -> Mask:
    """
    Leave out visitors who looked at ``per_minute`` pages within a minute.

    ``views`` are the kinds of event that need a page each; the twenty lines of an order do not.
    Where moments are only known to the minute or the day, nothing can be said about speed.
    """
    seen = np.flatnonzero(np.isin(log.events, views) & (log.visitors >= 0))
    if len(seen) < per_minute or np.mean(log.moments[seen] % 60 == 0) > 0.9:
        return np.ones(len(log), dtype=bool)
    seen = seen[np.lexsort((log.moments[seen], log.visitors[seen]))]
    first, last = seen[: len(seen) - per_minute + 1], seen[per_minute - 1 :]
    fast = (log.visitors[first] == log.visitors[last]) & (
        log.moments[last] - log.moments[first] < 60
    )
    return not_by(log, np.unique(log.visitors[first[fast]]))


def possible(log: EventLog, *, max_quantity: int, max_value: float) -> Mask:
    """Leave out quantities and amounts of money that no customer of this shop can mean."""
    return (
        (log.quantities >= 1)
        & (log.quantities <= max_quantity)
        & (log.values <= round(max_value * 100))
    )


def first_of_doubles(log: EventLog, *, seconds: int = 1) -> Mask:
    """
    Keep one of several equal events (visitor, item and kind) within ``seconds``: the first.

    Guests are told apart by their orders; events of nobody in no order are left alone.
    """
    actors = actor_numbers(log)
    order = np.lexsort((log.moments, log.events, log.items, actors))
    again = np.zeros(len(log), dtype=bool)
    if len(log) > 1:
        one, two = order[:-1], order[1:]
        again[two] = (
            (actors[one] == actors[two])
            & (actors[two] != NOBODY)
            & (log.items[one] == log.items[two])
            & (log.events[one] == log.events[two])
            & (log.moments[two] - log.moments[one] <= seconds)
        )
    return ~again


def not_taken_back(log: EventLog, *, purchase: int, refund: int) -> Mask:
    """
    Leave out purchases that were refunded or cancelled in full. Refunds themselves are kept.

    A refund without an item takes its whole order back. Any other belongs to the purchases of its
    own order; where it carries none that is known (many shops number refunds anew), to the
    visitor's latest earlier purchases of the item, as many pieces as were returned. A purchase
    that is partly returned still counts.
    """
    keep = np.ones(len(log), dtype=bool)
    bought = np.flatnonzero(log.events == purchase)
    returned = np.flatnonzero(log.events == refund)
    whole = returned[(log.items[returned] < 0) & (log.orders[returned] >= 0)]
    keep[bought[np.isin(log.orders[bought], log.orders[whole])]] = False
    returned = returned[log.items[returned] >= 0]
    # Only what was returned at least once can be taken back: nearly all purchases stop here.
    bought = bought[np.isin(log.items[bought], log.items[returned])]
    left = log.quantities.astype(np.int64, copy=True)

    order_of = pair(log.orders, log.items)
    in_order = (log.orders[returned] >= 0) & np.isin(
        order_of[returned], order_of[bought[log.orders[bought] >= 0]]
    )
    _consume(log, left, bought, returned[in_order], order_of, any_moment=True)

    visitor_of = pair(log.visitors, log.items)
    by_visitor = ~in_order & (log.visitors[returned] >= 0)
    known = bought[log.visitors[bought] >= 0]
    _consume(log, left, known, returned[by_visitor], visitor_of, any_moment=False)

    keep[bought[left[bought] <= 0]] = False
    return keep


def number_sessions(
    visitors: Int64, moments: Int64, *, gap: int, known: Int64 | None = None
) -> Int64:
    """
    Number the visits: a new one begins after ``gap`` seconds in which a visitor did nothing.

    Events whose session is ``known`` (not below zero) keep it, whatever the gaps. An event of
    nobody is a visit by itself. Numbers are dense and start at 0.
    """
    n = len(visitors)
    order = np.lexsort((moments, visitors))
    begins = np.ones(n, dtype=bool)
    if n > 1:
        one, two = order[:-1], order[1:]
        begins[1:] = (
            (visitors[one] != visitors[two])
            | (visitors[two] < 0)
            | (moments[two] - moments[one] > gap)
        )
    numbers = np.empty(n, dtype=np.int64)
    numbers[order] = np.cumsum(begins) - 1
    if known is not None:
        named = known >= 0
        numbers[named] = n + np.unique(known[named], return_inverse=True)[1]
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


# The actor of an event that has neither a visitor nor an order.
NOBODY = -1


def actor_numbers(log: EventLog) -> Int64:
    """Return who acted: the visitor, or for a guest the order, numbered behind all visitors."""
    behind = int(log.visitors.max(initial=0)) + 1
    guests = np.where(log.orders >= 0, behind + log.orders, NOBODY)
    return np.where(log.visitors >= 0, log.visitors, guests)


def pair(first: Int64, second: Int64) -> Int64:
    """Return one number for each two; equal where both are equal."""
    if not len(first):
        return np.empty(0, dtype=np.int64)
    low = int(second.min())
    width = int(second.max()) - low + 1
    return first * width + (second - low)


def _consume(
    log: EventLog,
    left: Int64,
    bought: Int64,
    returned: Int64,
    groups: Int64,
    *,
    any_moment: bool,
) -> None:
    """Take the returned pieces from ``left``, the latest purchases of the same group first."""
    bought = bought[np.lexsort((log.moments[bought], groups[bought]))]
    returned = returned[np.argsort(log.moments[returned], kind="stable")]
    starts = np.searchsorted(groups[bought], groups[returned], side="left")
    ends = np.searchsorted(groups[bought], groups[returned], side="right")
    for refund, start, end in zip(returned, starts, ends, strict=True):
        pieces = log.quantities[refund]
        for purchase in bought[start:end][::-1]:
            if pieces <= 0:
                break
            if any_moment or log.moments[purchase] <= log.moments[refund]:
                taken = min(pieces, left[purchase])
                left[purchase] -= taken
                pieces -= taken
