"""What a ranker may know about a candidate besides the members' scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from engagement.learning.interactions import DAY, Float32, Histories, Interactions
from engagement.learning.recommenders.sequence import steps_from_end

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


def candidate_features(
    histories: Histories,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    items: Float32,
    categories: NDArray[np.int32],
    horizon_days: float,
) -> Float32:
    """Return a row of ``ITEM + VISITOR + PAIR`` for each candidate (history, column)."""
    n, n_columns = len(histories), len(items)
    usable = (histories.columns >= 0) & (histories.columns < n_columns)
    row, column = histories.rows()[usable], histories.columns[usable]
    age = np.maximum(histories.now[row] - histories.moments[usable], 0) / DAY
    strength = np.maximum(histories.weights[usable], 0)
    steps = steps_from_end(histories)[usable]
    price = items[:, ITEM.index("item.price")]
    popularity = np.log1p(items[:, ITEM.index("item.visitors_2")])

    # The visitor: events, orders (moments) and what they are like.
    events = np.bincount(row, minlength=n)
    order_starts = np.ones(len(row), dtype=bool)
    order_starts[1:] = (np.diff(row) != 0) | (np.diff(age) != 0)
    orders = np.bincount(row[order_starts], minlength=n)
    before = np.concatenate([[0], np.cumsum(orders)])
    orders_since = before[row + 1] - np.cumsum(order_starts)
    last, first = np.full(n, NEVER), np.zeros(n)
    np.minimum.at(last, row, age)
    np.maximum.at(first, row, age)
    span = np.maximum(first - last, 0)

    # The pairs of visitor and item, sorted by key, to look candidates up in.
    met, inverse = np.unique(pairs_of(row, column, n_columns), return_inverse=True)
    count = np.bincount(inverse, minlength=len(met))
    latest, earliest = np.full(len(met), NEVER), np.zeros(len(met))
    np.minimum.at(latest, inverse, age)
    np.maximum.at(earliest, inverse, age)
    nearest = np.full(len(met), NEVER)
    np.minimum.at(nearest, inverse, steps)
    latest_order, first_order = np.full(len(met), NEVER), np.zeros(len(met))
    np.minimum.at(latest_order, inverse, orders_since)
    np.maximum.at(first_order, inverse, orders_since)
    gap = np.where(count > 1, (earliest - latest) / np.maximum(count - 1, 1), NEVER)
    known = np.stack(
        [
            count,
            np.bincount(inverse, np.exp2(-age / horizon_days), len(met)),
            np.bincount(inverse, np.exp2(-age / (3 * horizon_days)), len(met)),
            np.log1p(np.bincount(inverse, strength, len(met))),
            latest,
            gap,
            nearest,
            latest_order,
            count / (first_order + 1),
        ],
        axis=1,
    )
    items_met = np.bincount(met // n_columns, minlength=n)
    visitor = np.stack(
        [
            items_met,
            orders,
            np.minimum(last, NEVER),
            np.where(orders > 1, span / np.maximum(orders - 1, 1), NEVER),
            first,
            events / np.maximum(orders, 1),
            1 - items_met / np.maximum(events, 1),
            _mean(np.bincount(row, popularity[column], n), events),
            np.log1p(_mean(np.bincount(row, strength, n), events)),
            _mean(np.bincount(row, price[column], n), events),
        ],
        axis=1,
    )

    missing = np.array([[0, 0, 0, 0, NEVER, NEVER, NEVER, NEVER, 0]])
    table = np.concatenate([known, missing])
    wanted = pairs_of(rows, columns, n_columns)
    at = np.minimum(np.searchsorted(met, wanted), len(met))
    hit = np.append(met, -1)[at] == wanted
    pair = table[np.where(hit, at, len(met))]
    own_gap = pair[:, 5]
    usual = np.where(own_gap < NEVER, own_gap, visitor[rows, 3])

    # The share of the visitor's recent events that fell into the candidate's category.
    affinity = np.zeros(len(rows))
    if len(categories) and categories.max() >= 0:
        n_categories = int(categories.max()) + 1
        inside = categories[column] >= 0
        recent = np.exp2(-age / (2 * horizon_days))
        share = np.bincount(
            row[inside] * n_categories + categories[column[inside]],
            recent[inside],
            n * n_categories,
        ).reshape(n, n_categories)
        share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
        affinity = np.where(categories[columns] >= 0, share[rows, categories[columns]], 0)

    derived = np.stack(
        [
            pair[:, 4] / np.maximum(usual, 1),
            pair[:, 0] / np.maximum(visitor[rows, 1], 1),
            hit & (pair[:, 4] <= last[rows] + 1),
            pair[:, 6],
            pair[:, 7],
            pair[:, 8],
            pair[:, 4] / np.maximum(items[columns, ITEM.index("item.gap")], 1),
            affinity,
            price[columns] - visitor[rows, 9],
        ],
        axis=1,
    )
    return np.concatenate(
        [items[columns], visitor[rows], pair[:, :6], derived], axis=1, dtype=np.float32
    )
