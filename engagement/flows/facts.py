"""Prices and attributes of the mirror, for placements whose rules look at them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
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


_kept: dict[str, _Facts] = {}
_lock = threading.Lock()


def forget() -> None:
    """Read prices and attributes again at the next need."""
    with _lock:
        _kept.clear()


def prices(channel: str, item_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the price of each item, NaN where the mirror knows none."""
    known = _of(channel, attributes=False).prices
    found = (known.get(item_id, np.nan) for item_id in item_ids.tolist())
    return np.fromiter(found, dtype=np.float64, count=len(item_ids))


def attributes(channel: str, item_ids: NDArray[np.int64]) -> list[Mapping[str, Any]]:
    """Return the attributes of each item."""
    known = _of(channel, attributes=True).attributes or {}
    return [known.get(item_id, {}) for item_id in item_ids.tolist()]


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
