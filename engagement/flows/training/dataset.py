"""From the event log to what recommenders learn from: cleaned, weighed, numbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np
from django.db.models import Q

from engagement.conf import app_settings
from engagement.flows.training import event_log
from engagement.learning import cleaning
from engagement.learning.cleaning import EventLog, Mask
from engagement.learning.interactions import Int64, Interactions
from engagement.models import EventName, Visitor

VIEWS = np.array([EventName.SELECT_ITEM, EventName.VIEW_ITEM, EventName.SEARCH], dtype=np.int64)

RULE_OF_EXCLUSION = {
    str(Visitor.Exclusion.STAFF): "staff",
    str(Visitor.Exclusion.BOT): "bots",
    str(Visitor.Exclusion.NONE): "no_consent",
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """
    Interactions and how many events each rule of cleaning left out.

    ``n_events`` = interactions + everything in ``cleaning``.
    """

    interactions: Interactions
    cleaning: dict[str, int]
    n_events: int


def load(
    *,
    channel: str,
    group_by: Literal["visitor", "order"] = "visitor",
    events: Sequence[str] | None = None,
    weights: Mapping[str, float] | None = None,
    since: datetime | None = None,
    until: datetime,
    max_items: int | None = None,
) -> Dataset:
    """
    Return what happened from ``since`` to ``until``, both included, oldest first.

    Columns are items; ``column_keys`` are their ids, ascending. Rows are visitors (``row_keys``
    are their ids; what was done before signing in is the customer's, guests are left out) or
    orders, guests' orders too (``row_keys`` only tell rows apart; what happened outside of an
    order is grouped by visit). ``events`` defaults to all that have a weight, ``weights`` to
    ``EVENT_WEIGHTS``, ``max_items`` to ``MAX_ITEMS``: the items with the most interactions stay.

    An interaction weighs what its kind of event weighs; the quantity decides what a refund takes
    back and does not weigh, since ten cups of one kind are one taste.
    """
    if group_by not in ("visitor", "order"):
        raise ValueError(f"group_by is 'visitor' or 'order', not {group_by!r}")
    weight_of = _weights_by_number(
        events, app_settings.EVENT_WEIGHTS if weights is None else weights
    )
    wanted = list(weight_of)
    with_refunds = [*wanted, EventName.REFUND] if EventName.PURCHASE in weight_of else wanted
    log = event_log.read(
        channel=channel,
        events=sorted({int(event) for event in with_refunds}),
        since=since,
        until=until,
        with_sessions=group_by == "order",
    )
    sweeper = Sweeper(log)
    clean(sweeper, channel=channel)
    counts = (sweeper.log.events != EventName.REFUND) | (EventName.REFUND in weight_of)
    sweeper.keep("refunds", counts & (sweeper.log.items >= 0))
    rows = _rows(sweeper, group_by)
    sweeper.keep("guests", rows >= 0)
    rows = rows[rows >= 0]
    limit = app_settings.MAX_ITEMS if max_items is None else max_items
    is_used = _most_used(sweeper.log.items, limit)
    sweeper.keep("rare_items", is_used)
    interactions = _interactions(sweeper.log, rows[is_used], weight_of)
    return Dataset(interactions, sweeper.counts, n_events=len(log))


class Sweeper:
    """A log that gets cleaner rule by rule, and how many events each rule has left out."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.counts: dict[str, int] = {}

    def keep(self, rule: str, mask: Mask) -> None:
        left_out = len(mask) - int(np.count_nonzero(mask))
        self.counts[rule] = self.counts.get(rule, 0) + left_out
        if left_out:
            self.log = self.log.select(mask)


def clean(sweeper: Sweeper, *, channel: str) -> None:
    """Apply every rule of ``docs/cleaning.md`` that looks at more than one event."""
    excluded = _excluded_visitors(channel)
    for rule in ("staff", "bots", "no_consent"):
        sweeper.keep(rule, cleaning.not_by(sweeper.log, excluded[rule]))
    # Machines are judged before anonymous visitors become customers: one of them signing in
    # somewhere must not take a customer's history with it.
    tireless = cleaning.not_by_tireless(sweeper.log, per_day=app_settings.BOT_EVENTS_PER_DAY)
    sweeper.keep("bots", tireless)
    sweeper.keep("bots", cleaning.not_by_superhuman(sweeper.log, views=VIEWS))
    sweeper.log = replace(sweeper.log, visitors=_fold(sweeper.log.visitors, channel))
    for rule in ("staff", "no_consent"):
        sweeper.keep(rule, cleaning.not_by(sweeper.log, excluded[rule]))
    sweeper.keep(
        "impossible",
        cleaning.possible(
            sweeper.log,
            max_quantity=app_settings.MAX_QUANTITY,
            max_value=app_settings.MAX_VALUE,
        ),
    )
    sweeper.keep(
        "taken_back",
        cleaning.not_taken_back(sweeper.log, purchase=EventName.PURCHASE, refund=EventName.REFUND),
    )
    sweeper.keep("duplicates", cleaning.first_of_doubles(sweeper.log))


def _weights_by_number(
    events: Sequence[str] | None, weights: Mapping[str, float]
) -> dict[int, float]:
    """Return weights by stored number; a name that does not exist is an error, not a zero."""
    names = [name for name, weight in weights.items() if weight] if events is None else events
    numbers = {}
    for name in names:
        try:
            numbers[int(EventName.from_code(name))] = float(weights.get(name, 1.0))
        except KeyError:
            raise ValueError(f"There is no event {name!r}") from None
    return numbers


def _excluded_visitors(channel: str) -> dict[str, Int64]:
    rows = Visitor.objects.filter(~Q(exclusion="") | Q(consent=False), channel=channel)
    found: dict[str, list[int]] = {"staff": [], "bots": [], "no_consent": []}
    for pk, exclusion in rows.values_list("pk", "exclusion").iterator(chunk_size=10_000):
        found[RULE_OF_EXCLUSION[exclusion]].append(pk)
    return {rule: np.array(keys, dtype=np.int64) for rule, keys in found.items()}


def _fold(visitors: Int64, channel: str) -> Int64:
    """Replace anonymous visitors by the customers they signed in as."""
    rows = Visitor.objects.filter(channel=channel, merged_into__isnull=False).order_by("pk")
    pairs = rows.values_list("pk", "merged_into_id").iterator(chunk_size=10_000)
    merged = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    if not len(merged):
        return visitors
    # A customer may have been merged in turn; a circle ends after a few rounds.
    for _ in range(5):
        places = np.minimum(np.searchsorted(merged[:, 0], visitors), len(merged) - 1)
        is_merged = merged[places, 0] == visitors
        if not is_merged.any():
            break
        visitors = np.where(is_merged, merged[places, 1], visitors)
    return visitors


def _rows(sweeper: Sweeper, group_by: str) -> Int64:
    """Return what each event's row stands for, below zero for none."""
    log = sweeper.log
    if group_by == "visitor":
        return log.visitors
    visits = cleaning.number_sessions(
        log.visitors, log.moments, gap=app_settings.SESSION_MINUTES * 60, known=log.sessions
    )
    behind = int(log.orders.max(initial=-1)) + 1
    nobody = (log.visitors < 0) & (log.sessions < 0)
    outside = np.where(nobody, -1, behind + visits)
    return np.where(log.orders >= 0, log.orders, outside)


def _most_used(items: Int64, limit: int) -> Mask:
    names, counts = np.unique(items, return_counts=True)
    if len(names) <= limit:
        return np.ones(len(items), dtype=bool)
    return np.isin(items, names[np.argsort(-counts, kind="stable")[:limit]])


def _interactions(log: EventLog, rows: Int64, weight_of: Mapping[int, float]) -> Interactions:
    # The same events give the same arrays, whatever order the database read them in.
    order = np.lexsort((log.events, log.items, rows, log.moments))
    weights = np.zeros(max(weight_of, default=0) + 1, dtype=np.float32)
    for event, weight in weight_of.items():
        weights[event] = weight
    return Interactions.from_keys(
        rows[order],
        log.items[order],
        moments=log.moments[order],
        weights=weights[log.events[order]],
    )
