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
from engagement.flows import faults
from engagement.flows.serving import caching
from engagement.flows.serving.table import Table
from engagement.learning.recommenders import lookalikes
from engagement.models import Event, EventName, Item, Visitor

# Enough to fill a few shelves after what is sold out, hidden or bought before is gone.
MOST = 300
WEEK = timedelta(days=7)
QUARTER = timedelta(days=91)
FEW = 50
# An item is new for so many days, unless it was shown so often in them that all is known.
NEW_DAYS = 60
SEEN_ENOUGH = 200


@dataclass(frozen=True, eq=False)
class Popular:
    """Items, best first; ``counts`` is what they are ranked by."""

    table: Table
    counts: tuple[float, ...]


KINDS = ("best_sellers", "newest", "newcomers")
# A process looks into the cache so often, and into the tables when that has nothing.
LOOK_SECONDS = 15.0

# Until when an answer is good, and the answer.
_Kept = tuple[float, Popular]

_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def forget() -> None:
    """Ask the tables again at the next need."""
    with _lock:
        _kept.clear()


def renew(channel: str) -> None:
    """
    Have every process ask the tables again: the catalogue has changed.

    This one does at once, the others once they look into the cache again.
    """
    with _lock:
        for kind in KINDS:
            _kept.pop(f"{kind}:{channel}", None)
    for kind in KINDS:
        caching.drop(_key(f"{kind}:{channel}"))


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


def newcomers(channel: str, *, at: datetime) -> Popular:
    """
    Return what came into the shop in the last ``NEW_DAYS`` and few people have been shown.

    ``counts`` is how often each was seen in a list in that time.
    """
    return _remembered(f"newcomers:{channel}", lambda: _newcomers(channel, at))


def _newcomers(channel: str, at: datetime) -> Popular:
    since = at - timedelta(days=NEW_DAYS)
    fresh = Item.objects.of_channel(channel).sellable().filter(created_at__gt=since)
    rows = list(fresh.order_by("-created_at", "-pk").values_list("pk", *_COLUMNS)[:MOST])
    seen = Event.objects.filter(
        item__in=[row[0] for row in rows], event=EventName.VIEW_ITEM_LIST, event_time__gt=since
    )
    counts = dict(seen.values_list("item_id").annotate(n=Count("pk")))
    shown = [(*row, counts.get(row[0], 0)) for row in rows]
    return _popular(_described([row for row in shown if row[-1] < SEEN_ENOUGH]))


def _best_sellers(channel: str, at: datetime) -> Popular:
    sold = Event.objects.filter(channel=channel, event=EventName.PURCHASE, event_time__lte=at)
    sold = sold.exclude(visitor__exclusion__in=(Visitor.Exclusion.BOT, Visitor.Exclusion.STAFF))
    last = sold.aggregate(last=Max("event_time"))["last"]
    if last is None:
        return _popular([])
    rows = _counted(sold, since=last - WEEK)
    if len(rows) < FEW:
        rows = _counted(sold, since=last - QUARTER)
    return _popular(rows)


def _counted(sold: Any, since: datetime) -> list[tuple[Any, ...]]:
    rows = sold.filter(event_time__gt=since, item__is_active=True).values("item_id")
    best = rows.annotate(n=Count("pk")).order_by("-n", "item_id")[:MOST]
    counts = {row["item_id"]: row["n"] for row in best}
    known = Item.objects.filter(pk__in=counts).values_list("pk", *_COLUMNS)
    by_id = {row[0]: row for row in known}
    return _described([(*by_id[pk], n) for pk, n in counts.items() if pk in by_id])


def _newest(channel: str) -> Popular:
    rows = Item.objects.of_channel(channel).sellable().order_by("-created_at", "-pk")
    found = rows.values_list("pk", *_COLUMNS)[:MOST]
    return _popular(_described([(*row, MOST - place) for place, row in enumerate(found)]))


_COLUMNS = ("key", "category", "group_key", "title", "attributes")


def _described(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Put what items have in common with others of another size in place of their titles."""
    alike = lookalikes.signatures(
        [row[4] for row in rows], [lookalikes.kind(row[2], row[5]) for row in rows]
    ).tolist()
    return [(*row[:4], one, row[-1]) for row, one in zip(rows, alike, strict=True)]


def _popular(rows: list[tuple[Any, ...]]) -> Popular:
    ids, keys, categories, groups, alike, counts = zip(*rows, strict=True) if rows else ((),) * 6
    table = Table.of(ids, keys, categories, groups, alike)
    return Popular(table, tuple(float(n) for n in counts))


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
    if not caching.is_resting():
        seconds = min(seconds, LOOK_SECONDS)
    return time.monotonic() + seconds, answer


def _cached(name: str, compute: Callable[[], Popular], seconds: float) -> Popular:
    key = _key(name)
    rows = caching.get(key)
    if rows is None:
        answer = compute()
        caching.put(key, _rows(answer), seconds=seconds)
        return answer
    return _popular(rows)


def _key(name: str) -> str:
    return f"engagement:popular:2:{name}"


def _rows(answer: Popular) -> list[tuple[Any, ...]]:
    table = answer.table
    return [
        (
            int(table.item_ids[place]),
            table.key(place),
            table.category(place),
            table.group(place),
            table.lookalike(place),
            answer.counts[place],
        )
        for place in range(len(table))
    ]
