"""What a ranker may know about a candidate besides the members' scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from engagement.learning.interactions import DAY, Float32, Histories, Interactions
from engagement.learning.recommenders.sequence import known_events, steps_from_end

NEVER = 999.0  # Days since something that never happened: later than anything, and a plain number.
WINDOWS = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4)  # Popularity windows, in horizons.

ITEM = (
    *(f"item.visitors_{window:g}" for window in WINDOWS),
    "item.visitors",
    "item.trend",
    "item.trend_short",
    "item.age",
    "item.days_since",
    "item.repeat_rate",
    "item.gap",
    "item.strength",
    "item.price",
)
VISITOR = (
    "visitor.items",
    "visitor.orders",
    "visitor.days_since",
    "visitor.gap",
    "visitor.age",
    "visitor.basket",
    "visitor.repeat_rate",
    "visitor.popularity",
    "visitor.strength",
    "visitor.price",
)
PAIR = (
    "pair.count",
    "pair.count_short",
    "pair.count_long",
    "pair.strength",
    "pair.days_since",
    "pair.gap",
    "pair.due",
    "pair.share",
    "pair.in_last_order",
    "pair.steps_since",
    "pair.orders_since",
    "pair.rate",
    "pair.due_as_usual",
    "pair.category",
    "pair.price",
)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """
    What the shop says about its items, by column; any part may be missing.

    ``prices`` holds NaN where unknown, ``categories`` small integers (below zero: none), ``texts``
    one row of word weights an item.
    """

    prices: Float32 | None = None
    categories: NDArray[np.int32] | None = None
    texts: csr_array | None = None


def pairs_of(rows: NDArray[Any], columns: NDArray[Any], n: int) -> NDArray[np.int64]:
    return np.asarray(rows.astype(np.int64) * n + columns)


def item_features(
    interactions: Interactions, now: int, horizon_days: float, log_prices: Float32
) -> Float32:
    """Return items × ``ITEM`` from everything before ``now``."""
    n = interactions.n_columns
    columns, age = interactions.columns, (now - interactions.moments) / DAY
    pairs = pairs_of(interactions.rows, columns, n)

    def visitors(days: float) -> NDArray[np.int64]:
        return np.bincount(np.unique(pairs[age <= days]) % n, minlength=n)

    windows = [visitors(share * horizon_days) for share in WINDOWS]
    met, times = np.unique(pairs, return_counts=True)
    ever = np.bincount(met % n, minlength=n)
    oldest, latest = np.zeros(n), np.full(n, NEVER)
    np.maximum.at(oldest, columns, age)
    np.minimum.at(latest, columns, age)
    events = np.maximum(np.bincount(columns, minlength=n), 1)
    values = [
        *windows,
        ever,
        np.log((windows[2] + 2) / (np.maximum(windows[4] - windows[2], 0) + 2)),
        np.log((windows[1] + 2) / (np.maximum(windows[3] - windows[1], 0) + 2)),
        oldest,
        np.minimum(latest, NEVER),
        np.bincount(met % n, times > 1, n) / (ever + 5),
        _usual_gap(pairs, age, n),
        np.log1p(np.bincount(columns, np.maximum(interactions.weights, 0), n) / events),
        log_prices,
    ]
    return np.stack(values, axis=1).astype(np.float32)


def _usual_gap(pairs: NDArray[np.int64], age: NDArray[Any], n: int) -> NDArray[Any]:
    """Return for each item the mean days between two events of one visitor, ``NEVER`` if none."""
    order = np.lexsort((age, pairs))
    pairs, age = pairs[order], age[order]
    again = (np.diff(pairs) == 0) & (np.diff(age) > 0)
    columns = pairs[1:][again] % n
    total = np.bincount(columns, np.diff(age)[again], n)
    times = np.bincount(columns, minlength=n)
    return np.where(times > 0, total / np.maximum(times, 1), NEVER)


def _mean(total: NDArray[Any], n: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(total / np.maximum(n, 1))


@dataclass(frozen=True, slots=True)
class _Events:
    """The events of some histories that concern known items: parallel arrays, oldest first."""

    row: NDArray[np.int64]
    column: NDArray[np.int32]
    age: NDArray[Any]
    strength: NDArray[Any]
    steps_since: NDArray[np.int64]
    orders_since: NDArray[np.int64]
    orders: NDArray[np.int64]

    @classmethod
    def of(cls, histories: Histories, n_columns: int) -> _Events:
        """Read ``histories``; what happened at one moment is one order."""
        usable = known_events(histories, n_columns)
        row = histories.rows()[usable]
        age = np.maximum(histories.now[row] - histories.moments[usable], 0) / DAY
        starts = np.ones(len(row), dtype=bool)
        starts[1:] = (np.diff(row) != 0) | (np.diff(age) != 0)
        orders = np.bincount(row[starts], minlength=len(histories))
        until = np.cumsum(orders)
        return cls(
            row=row,
            column=histories.columns[usable],
            age=age,
            strength=np.maximum(histories.weights[usable], 0),
            steps_since=steps_from_end(histories, usable)[usable],
            orders_since=until[row] - np.cumsum(starts),
            orders=orders,
        )


def _least(values: NDArray[Any], groups: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    least = np.full(n, NEVER)
    np.minimum.at(least, groups, values)
    return least


def _most(values: NDArray[Any], groups: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    most = np.zeros(n)
    np.maximum.at(most, groups, values)
    return most


def _visitor_features(events: _Events, items: Float32) -> NDArray[np.float64]:
    """Return histories × ``VISITOR``."""
    n, row = len(events.orders), events.row
    price = items[:, ITEM.index("item.price")]
    popularity = np.log1p(items[:, ITEM.index("item.visitors_2")])
    n_events = np.bincount(row, minlength=n)
    last, first = _least(events.age, row, n), _most(events.age, row, n)
    span = np.maximum(first - last, 0)
    met = np.unique(pairs_of(row, events.column, len(items))) // max(len(items), 1)
    n_items = np.bincount(met, minlength=n)
    values = [
        n_items,
        events.orders,
        last,
        np.where(events.orders > 1, span / np.maximum(events.orders - 1, 1), NEVER),
        first,
        n_events / np.maximum(events.orders, 1),
        1 - n_items / np.maximum(n_events, 1),
        _mean(np.bincount(row, popularity[events.column], n), n_events),
        np.log1p(_mean(np.bincount(row, events.strength, n), n_events)),
        _mean(np.bincount(row, price[events.column], n), n_events),
    ]
    return np.stack(values, axis=1)


def _pair_features(
    events: _Events, wanted: NDArray[np.int64], n_columns: int, horizon_days: float
) -> NDArray[np.float64]:
    """
    Return for each wanted pair: count, recent counts (two half-lives), strength, days since the
    last time, days between times, events since, orders since, share of the orders since the first.
    """
    met, pair = np.unique(pairs_of(events.row, events.column, n_columns), return_inverse=True)
    n, age = len(met), events.age
    count = np.bincount(pair, minlength=n)
    latest, earliest = _least(age, pair, n), _most(age, pair, n)
    values = [
        count,
        np.bincount(pair, np.exp2(-age / horizon_days), n),
        np.bincount(pair, np.exp2(-age / (3 * horizon_days)), n),
        np.log1p(np.bincount(pair, events.strength, n)),
        latest,
        np.where(count > 1, (earliest - latest) / np.maximum(count - 1, 1), NEVER),
        _least(events.steps_since, pair, n),
        _least(events.orders_since, pair, n),
        count / (_most(events.orders_since, pair, n) + 1),
    ]
    missing = np.array([[0, 0, 0, 0, NEVER, NEVER, NEVER, NEVER, 0]])
    table = np.concatenate([np.stack(values, axis=1), missing])
    at = np.searchsorted(met, wanted)
    hit = np.append(met, -1)[at] == wanted
    return table[np.where(hit, at, n)]


def _category_share(
    events: _Events,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    categories: NDArray[np.int32],
    half_life_days: float,
) -> NDArray[np.float64]:
    """Return the share of the visitor's recent events that fell into the candidate's category."""
    if not len(categories) or categories.max() < 0:
        return np.zeros(len(rows))
    n, n_categories = len(events.orders), int(categories.max()) + 1
    of_event, of_candidate = categories[events.column], categories[columns]
    inside = of_event >= 0
    share = np.bincount(
        events.row[inside] * n_categories + of_event[inside],
        np.exp2(-events.age[inside] / half_life_days),
        n * n_categories,
    ).reshape(n, n_categories)
    share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
    return np.where(of_candidate >= 0, share[rows, of_candidate], 0)


def candidate_features(
    histories: Histories,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    items: Float32,
    categories: NDArray[np.int32],
    horizon_days: float,
) -> Float32:
    """Return a row of ``ITEM + VISITOR + PAIR`` for each candidate (history, column)."""
    n_columns = len(items)
    events = _Events.of(histories, n_columns)
    visitor = _visitor_features(events, items)[rows]
    pair = _pair_features(events, pairs_of(rows, columns, n_columns), n_columns, horizon_days)
    item = items[columns]
    count, since, own_gap = pair[:, 0], pair[:, 4], pair[:, 5]
    of_visitor = dict(zip(VISITOR, visitor.T, strict=True))
    usual = np.where(own_gap < NEVER, own_gap, of_visitor["visitor.gap"])
    derived = [
        since / np.maximum(usual, 1),
        count / np.maximum(of_visitor["visitor.orders"], 1),
        (count > 0) & (since <= of_visitor["visitor.days_since"] + 1),
        pair[:, 6],
        pair[:, 7],
        pair[:, 8],
        since / np.maximum(item[:, ITEM.index("item.gap")], 1),
        _category_share(events, rows, columns, categories, 2 * horizon_days),
        item[:, ITEM.index("item.price")] - of_visitor["visitor.price"],
    ]
    known: list[NDArray[Any]] = [item, visitor, pair[:, :6], np.stack(derived, axis=1)]
    return np.concatenate(known, axis=1, dtype=np.float32)
