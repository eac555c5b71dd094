"""What to show when no model can say anything: best sellers and newcomers, from the tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max

from engagement.conf import app_settings
from engagement.flows import caching, faults
from engagement.flows.table import Table
from engagement.models import Event, EventName, Item

# Enough to fill a few shelves after what is sold out, hidden or bought before is gone.
MOST = 300
WEEK = timedelta(days=7)
QUARTER = timedelta(days=91)
FEW = 50


@dataclass(frozen=True, eq=False)
class Popular:
    """Items, best first; ``counts`` is what they are ranked by."""

    table: Table
    counts: tuple[float, ...]


# Until when an answer is good, and the answer.
_Kept = tuple[float, Popular]

_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def forget() -> None:
    """Ask the tables again at the next need."""
    with _lock:
        _kept.clear()


def best_sellers(channel: str, *, at: datetime) -> Popular:
    """
    Return what was bought by the most orders in the last week of the log.

    A shop with few sales looks back a quarter. The week ends with the last purchase, not with
    ``at``: a shop whose import is old has best sellers too.
    """
    return _remembered(f"best_sellers:{channel}", lambda: _best_sellers(channel, at))


def newest(channel: str) -> Popular:
    """Return what came into the shop last."""
    return _remembered(f"newest:{channel}", lambda: _newest(channel))


def _best_sellers(channel: str, at: datetime) -> Popular:
    sold = Event.objects.filter(channel=channel, event=EventName.PURCHASE, event_time__lte=at)
    last = sold.aggregate(last=Max("event_time"))["last"]
    if last is None:
        return _popular([])
    rows = _counted(sold, since=last - WEEK)
    if len(rows) < FEW:
        rows = _counted(sold, since=last - QUARTER)
    return _popular(rows)


def _counted(sold: Any, since: datetime) -> list[tuple[Any, ...]]:
    columns = ("item_id", "item__key", "item__category", "item__group_key")
    rows = sold.filter(event_time__gt=since, item__is_active=True).values_list(*columns)
    return list(rows.annotate(n=Count("pk")).order_by("-n", "item_id")[:MOST])


def _newest(channel: str) -> Popular:
    rows = Item.objects.of_channel(channel).sellable().order_by("-created_at", "-pk")
    found = rows.values_list("pk", "key", "category", "group_key")[:MOST]
    return _popular([(*row, MOST - place) for place, row in enumerate(found)])


def _popular(rows: list[tuple[Any, ...]]) -> Popular:
    ids, keys, categories, groups, counts = zip(*rows, strict=True) if rows else ((),) * 5
    return Popular(Table.of(ids, keys, categories, groups), tuple(float(n) for n in counts))


def _remembered(name: str, compute: Callable[[], Popular]) -> Popular:
    """
    Keep an answer in this process and in the cache.

    In the process too, because a dead cache must not turn every page into a scan of the log.
    """
    now = time.monotonic()
    kept = _kept.get(name)
    if kept is not None and now < kept[0]:
        return kept[1]
    # One thread asks, the others go on with the last answer where there is one.
    if not _lock.acquire(blocking=kept is None):
        assert kept is not None  # noqa: S101
        return kept[1]
    try:
        kept = _kept.get(name)
        if kept is None or now >= kept[0]:
            _kept[name] = kept = _renewed(kept, name, compute)
        return kept[1]
    finally:
        _lock.release()


def _renewed(kept: _Kept | None, name: str, compute: Callable[[], Popular]) -> _Kept:
    seconds = app_settings.SHELF_CACHE_SECONDS
    try:
        answer = _cached(name, compute, seconds)
    except Exception:
        if kept is None:
            raise
        # Yesterday's best sellers are better than none.
        faults.report(f"popular:{name}", "%s cannot be renewed; the last ones are shown", name)
        return time.monotonic() + seconds, kept[1]
    return time.monotonic() + seconds, answer


def _cached(name: str, compute: Callable[[], Popular], seconds: float) -> Popular:
    key = f"engagement:popular:1:{name}"
    rows = caching.get(key)
    if rows is None:
        answer = compute()
        caching.put(key, _rows(answer), seconds=seconds)
        return answer
    return _popular(rows)


def _rows(answer: Popular) -> list[tuple[Any, ...]]:
    table = answer.table
    return [
        (
            int(table.item_ids[place]),
            table.key(place),
            table.category(place),
            table.group(place),
            answer.counts[place],
        )
        for place in range(len(table))
    ]
