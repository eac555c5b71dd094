"""Prices and attributes of the mirror, for placements whose rules look at them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engagement.conf import app_settings
from engagement.models import Item


@dataclass(frozen=True, eq=False)
class _Facts:
    until: float
    prices: Mapping[int, float]
    attributes: Mapping[int, Mapping[str, Any]] | None
    # What was worked out for all items of one table; the table's ids are kept, so that their
    # address stays theirs.
    columns: dict[tuple[str, int], tuple[NDArray[np.int64], NDArray[Any]]] = field(
        default_factory=dict
    )

    def column(
        self, name: str, item_ids: NDArray[np.int64], compute: Callable[[], NDArray[Any]]
    ) -> NDArray[Any]:
        key = (name, id(item_ids))
        found = self.columns.get(key)
        if found is None:
            if len(self.columns) >= MOST_COLUMNS:
                self.columns.clear()
            found = self.columns[key] = (item_ids, compute())
        return found[1]


# Columns that are remembered for a channel: a few tables times a few rules.
MOST_COLUMNS = 64

_kept: dict[str, _Facts] = {}
_lock = threading.Lock()


def forget() -> None:
    """Read prices and attributes again at the next need."""
    with _lock:
        _kept.clear()


def prices(channel: str, item_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the price of each item, NaN where the mirror knows none."""
    kept = _of(channel, attributes=False)

    def compute() -> NDArray[np.float64]:
        found = (kept.prices.get(item_id, np.nan) for item_id in item_ids.tolist())
        return np.fromiter(found, dtype=np.float64, count=len(item_ids))

    return kept.column("price", item_ids, compute)


def margins(channel: str, item_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """
    Return what is earned by each item: its attribute ``margin``, else the price less its
    attribute ``cost``; NaN where neither is known.
    """
    kept = _of(channel, attributes=True)
    known = kept.attributes or {}

    def compute() -> NDArray[np.float64]:
        found = (
            _margin(kept.prices.get(item_id, np.nan), known.get(item_id, {}))
            for item_id in item_ids.tolist()
        )
        return np.fromiter(found, dtype=np.float64, count=len(item_ids))

    return kept.column("margin", item_ids, compute)


def having(
    channel: str, item_ids: NDArray[np.int64], name: str, is_wanted: Callable[[object], bool]
) -> NDArray[np.bool_]:
    """Return which items have an attribute ``name`` that ``is_wanted``."""
    kept = _of(channel, attributes=True)
    known = kept.attributes or {}
    found = (is_wanted(known.get(item_id, {}).get(name)) for item_id in item_ids.tolist())
    return np.fromiter(found, dtype=bool, count=len(item_ids))


def _margin(price: float, attributes: Mapping[str, Any]) -> float:
    try:
        if attributes.get("margin") is not None:
            return float(attributes["margin"])
        return price - float(attributes.get("cost", np.nan))
    except (TypeError, ValueError):
        return float("nan")


def _of(channel: str, *, attributes: bool) -> _Facts:
    """
    Return facts of the whole channel, at most ``SHELF_CACHE_SECONDS`` old, in one query.

    Read in bulk and kept, not asked a request: rules apply before the ranking is cut, so they
    look at every item.
    """
    with _lock:
        kept = _kept.get(channel)
        now = time.monotonic()
        if kept is None or now >= kept.until or (attributes and kept.attributes is None):
            kept = _read(channel, attributes, now + app_settings.SHELF_CACHE_SECONDS)
            _kept[channel] = kept
        return kept


def _read(channel: str, attributes: bool, until: float) -> _Facts:
    columns = ("pk", "price", "attributes") if attributes else ("pk", "price")
    prices_: dict[int, float] = {}
    attributes_: dict[int, Mapping[str, Any]] = {}
    for row in Item.objects.of_channel(channel).values_list(*columns).iterator(chunk_size=5000):
        if row[1] is not None:
            prices_[row[0]] = float(row[1])
        if attributes and row[2]:
            attributes_[row[0]] = row[2]
    return _Facts(until, prices_, attributes_ if attributes else None)
