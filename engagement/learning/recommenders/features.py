"""What a ranker may know about a candidate besides the members' scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from engagement.learning.interactions import DAY, Float32, Histories, Interactions, stable_order
from engagement.learning.recommenders.sequence import known_events, steps_from_end

NEVER = 999.0  # Days since something that never happened: later than anything, and a plain number.
SESSION = 1 / 48  # Half an hour, in days: a longer pause ends a visit.
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
    "visitor.session",
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
    one row of word weights an item, ``embeddings`` one vector an item (zero: no text), as
    :func:`~engagement.learning.recommenders.embedding.embed` gives them. ``margins``: what the shop
    earns on a piece, NaN where unknown. ``created``: the moment at which an item came to the shop.
    """

    prices: Float32 | None = None
    categories: NDArray[np.int32] | None = None
    texts: csr_array | None = None
    embeddings: Float32 | None = None
    margins: Float32 | None = None
    created: NDArray[np.int64] | None = None

    def log_prices(self, n: int) -> Float32:
        """Return the logarithm of each of ``n`` items' price, the mean where it is not known."""
        if self.prices is None or not np.isfinite(self.prices).any():
            return np.zeros(n, dtype=np.float32)
        prices = np.log(np.maximum(self.prices, 0.01))
        return np.nan_to_num(prices, nan=float(np.nanmean(prices))).astype(np.float32)

    def described(self, n: int, *, before: int | None = None) -> NDArray[np.bool_]:
        """
        Return which of ``n`` items have a text: those can be recommended before anybody met them.

        ``before``: only items that are known to have been in the shop before that moment.
        """
        has_text = np.zeros(n, dtype=bool)
        if self.texts is not None:
            has_text |= np.diff(csr_array(self.texts).indptr) > 0
        if self.embeddings is not None:
            has_text |= np.any(self.embeddings, axis=1)
        if before is not None:
            has_text &= np.zeros(n, bool) if self.created is None else self.created < before
        return has_text


def pairs_of(rows: NDArray[Any], columns: NDArray[Any], n: int) -> NDArray[np.int64]:
    return np.asarray(rows.astype(np.int64) * n + columns)


def item_features(
    interactions: Interactions, now: int, horizon_days: float, log_prices: Float32
) -> Float32:
    """Return items × ``ITEM`` from everything before ``now``."""
    n = interactions.n_columns
    columns, age = interactions.columns, (now - interactions.moments) / DAY
    pairs = pairs_of(interactions.rows, columns, n)
    order = stable_order(pairs, interactions.moments)
    pairs, age = pairs[order], age[order]
    # Where each visitor's events with one item begin; the last of them is the latest.
    begins = np.flatnonzero(np.diff(pairs, prepend=-1))
    times = np.diff(begins, append=len(pairs))
    met = columns[order[begins]]
    since = age[begins + times - 1]

    def visitors(days: float) -> NDArray[np.int64]:
        return np.bincount(met[since <= days], minlength=n)

    windows = [visitors(share * horizon_days) for share in WINDOWS]
    ever = np.bincount(met, minlength=n)
    oldest, latest = np.zeros(n), np.full(n, NEVER)
    np.maximum.at(oldest, met, age[begins])
    np.minimum.at(latest, met, since)
    events = np.maximum(np.bincount(columns, minlength=n), 1)
    values = [
        *windows,
        ever,
        np.log((windows[2] + 2) / (np.maximum(windows[4] - windows[2], 0) + 2)),
        np.log((windows[1] + 2) / (np.maximum(windows[3] - windows[1], 0) + 2)),
        oldest,
        np.minimum(latest, NEVER),
        np.bincount(met, times > 1, n) / (ever + 5),
        _usual_gap(pairs, age, n),
        np.log1p(np.bincount(columns, np.maximum(interactions.weights, 0), n) / events),
        log_prices,
    ]
    return np.stack(values, axis=1).astype(np.float32)


def _usual_gap(pairs: NDArray[np.int64], age: NDArray[Any], n: int) -> NDArray[Any]:
    """
    Return for each item the mean days between two events of one visitor, ``NEVER`` if none.

    The events are sorted by pair, oldest first.
    """
    gaps = age[:-1] - age[1:]
    again = (pairs[1:] == pairs[:-1]) & (gaps > 0)
    columns = pairs[1:][again] % n
    total = np.bincount(columns, gaps[again], n)
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
    # The distinct pairs_of(row, column), ascending; the events sorted by pair, still oldest first;
    # and where each pair begins among those.
    met: NDArray[np.int64]
    by_pair: NDArray[np.int64]
    begins: NDArray[np.int64]

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
        column = histories.columns[usable]
        pairs = pairs_of(row, column, n_columns)
        by_pair = pairs.argsort(kind="stable")
        pairs = pairs[by_pair]
        begins = np.flatnonzero(np.diff(pairs, prepend=-1))
        return cls(
            row=row,
            column=column,
            age=age,
            strength=np.maximum(histories.weights[usable], 0),
            steps_since=steps_from_end(histories, usable)[usable],
            orders_since=until[row] - np.cumsum(starts),
            orders=orders,
            met=pairs[begins],
            by_pair=by_pair,
            begins=begins,
        )


def _session_lengths(events: _Events) -> NDArray[np.int64]:
    """Return how many events the visit that goes on has had: none if the last was long ago."""
    n, row = len(events.orders), events.row
    if not len(row):
        return np.zeros(n, dtype=np.int64)
    is_last = np.append(row[1:] != row[:-1], True)
    until_next = np.where(is_last, events.age, events.age - np.append(events.age[1:], 0))
    ends = np.full(n, -1)
    paused = np.flatnonzero(until_next > SESSION)
    ends[row[paused]] = paused
    lengths = np.bincount(row, minlength=n)
    starts = np.cumsum(lengths) - lengths
    return np.asarray(starts + lengths - 1 - np.maximum(ends, starts - 1))


def _visitor_features(events: _Events, items: Float32) -> NDArray[np.float64]:
    """Return ``VISITOR`` × histories."""
    n, row = len(events.orders), events.row
    price = items[events.column, ITEM.index("item.price")]
    popularity = np.log1p(items[events.column, ITEM.index("item.visitors_2")])
    n_events = np.bincount(row, minlength=n)
    there, until = n_events > 0, np.cumsum(n_events)
    last, first = np.full(n, NEVER), np.zeros(n)
    last[there] = np.minimum(events.age[until[there] - 1], NEVER)
    first[there] = events.age[(until - n_events)[there]]
    span = np.maximum(first - last, 0)
    n_items = np.bincount(events.met // max(len(items), 1), minlength=n)
    values = [
        n_items,
        events.orders,
        last,
        np.where(events.orders > 1, span / np.maximum(events.orders - 1, 1), NEVER),
        first,
        n_events / np.maximum(events.orders, 1),
        1 - n_items / np.maximum(n_events, 1),
        _mean(np.bincount(row, popularity, n), n_events),
        np.log1p(_mean(np.bincount(row, events.strength, n), n_events)),
        _mean(np.bincount(row, price, n), n_events),
        _session_lengths(events),
    ]
    return np.array(values, dtype=np.float64)


def _pair_features(
    events: _Events, wanted: NDArray[np.int64], horizon_days: float
) -> NDArray[np.float64]:
    """
    Return values × wanted pairs: count, recent counts (two half-lives), strength, days since the
    last time, days between times, events since, orders since, share of the orders since the first.
    """
    n, begins, by_pair = len(events.met), events.begins, events.by_pair
    table = np.empty((9, n + 1))
    table[:, n] = [0, 0, 0, 0, NEVER, NEVER, NEVER, NEVER, 0]
    if n:
        ends = np.append(begins[1:], len(by_pair))
        count = ends - begins
        age, oldest, newest = events.age[by_pair], by_pair[begins], by_pair[ends - 1]
        latest = np.minimum(events.age[newest], NEVER)
        fading = np.exp2(age / (-3 * horizon_days))
        strength = np.add.reduceat(events.strength[by_pair].astype(np.float64), begins)
        table[0, :n] = count
        table[1, :n] = np.add.reduceat(fading**3, begins)
        table[2, :n] = np.add.reduceat(fading, begins)
        table[3, :n] = np.log1p(strength)
        table[4, :n] = latest
        gap = (events.age[oldest] - latest) / np.maximum(count - 1, 1)
        table[5, :n] = np.where(count > 1, gap, NEVER)
        table[6, :n] = np.minimum(events.steps_since[newest], NEVER)
        table[7, :n] = np.minimum(events.orders_since[newest], NEVER)
        table[8, :n] = count / (events.orders_since[oldest] + 1)
    at = np.searchsorted(events.met, wanted)
    hit = np.append(events.met, -1)[at] == wanted
    return table.take(np.where(hit, at, n), axis=1)


def _category_share(
    events: _Events,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    categories: NDArray[np.int32],
    half_life_days: float,
) -> NDArray[np.float64]:
    """Return the share of the visitor's recent events that fell into the candidate's category."""
    n, of_event, of_candidate = len(events.orders), categories[events.column], categories[columns]
    n_categories = 1 + int(max(of_event.max(initial=-1), of_candidate.max(initial=-1)))
    if not n_categories:
        return np.zeros(len(rows))
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
    """
    Return a row of ``ITEM + VISITOR + PAIR`` for each candidate (history, column).

    In memory all values of a feature lie side by side: a ranker reads them that way.
    """
    n_columns = len(items)
    events = _Events.of(histories, n_columns)
    table = np.empty((len(ITEM) + len(VISITOR) + len(PAIR), len(rows)), dtype=np.float32)
    item, visitor, pair = np.split(table, [len(ITEM), len(ITEM) + len(VISITOR)])
    item[:] = items.take(columns, axis=0).T
    known = _visitor_features(events, items).take(rows, axis=1)
    visitor[:] = known
    of_visitor = dict(zip(VISITOR, known, strict=True))
    pairs = _pair_features(events, pairs_of(rows, columns, n_columns), horizon_days)
    pair[:6] = pairs[:6]
    count, since, own_gap = pairs[0], pairs[4], pairs[5]
    usual = np.where(own_gap < NEVER, own_gap, of_visitor["visitor.gap"])
    pair[6] = since / np.maximum(usual, 1)
    pair[7] = count / np.maximum(of_visitor["visitor.orders"], 1)
    pair[8] = (count > 0) & (since <= of_visitor["visitor.days_since"] + 1)
    pair[9:12] = pairs[6:]
    pair[12] = since / np.maximum(item[ITEM.index("item.gap")], 1)
    pair[13] = _category_share(events, rows, columns, categories, 2 * horizon_days)
    pair[14] = item[ITEM.index("item.price")] - of_visitor["visitor.price"]
    return table.T
