"""
What goes on, in numbers: for the admin's overview, and for any dashboard that comes after it.

Every question reads an index over a bounded span and is kept for some minutes: the page is as
quick beside a log of a million events as beside an empty one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from django.db.models import Count, Max, Min, QuerySet, Value
from django.utils import timezone

from engagement.conf import app_settings
from engagement.flows.serving import caching
from engagement.models import Activation, Event, EventName, Item, ModelArtifact, Visitor

KEEP_SECONDS = 300
# A list of shops is for a person to choose from.
MAX_CHANNELS = 100

T = TypeVar("T")


def kept(key: str, compute: Callable[[], T], *, seconds: float = KEEP_SECONDS) -> T:
    """Return the answer to a question, from the cache if it was asked minutes ago."""
    key = f"engagement:overview:{key}"
    known = caching.get(key)
    if known is None:
        known = compute()
        caching.put(key, known, seconds=seconds)
    answer: T = known
    return answer


# -- channels -------------------------------------------------------------------------------
def channels() -> list[str]:
    """Return the shops that the log knows, the configured one first; never empty."""
    configured = str(app_settings.CHANNEL)
    known = kept("channels", _channels)
    return [configured, *(name for name in known if name != configured)]


def _channels() -> list[str]:
    """Hop along the index from one channel to the next: DISTINCT would read all of it."""
    found: list[str] = []
    rows = Event.objects.order_by("channel").values_list("channel", flat=True)
    name = rows.first()
    while name is not None and len(found) < MAX_CHANNELS:
        found.append(name)
        name = rows.filter(channel__gt=name).first()
    return found


def top_categories(*, channel: str) -> list[str]:
    """Return the widest categories of the catalogue, in alphabetical order."""
    return kept(f"categories:{channel}", lambda: _top_categories(channel))


def _top_categories(channel: str) -> list[str]:
    paths = Item.objects.filter(channel=channel).exclude(category="").order_by()
    names = {path.split(" > ")[0] for path in paths.values_list("category", flat=True).distinct()}
    return sorted(names)


# -- events ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Daily:
    """How many events of each kind there were on each day, oldest day first."""

    days: list[date]
    counts: dict[EventName, list[int]]
    counted_at: datetime

    @property
    def total(self) -> int:
        return sum(sum(row) for row in self.counts.values())


def events_per_day(*, channel: str, days: int, at: datetime) -> Daily:
    """Return the last ``days`` days up to and with the one of ``at``, in the current time zone."""
    zone = timezone.get_current_timezone_name()
    key = f"daily:{channel}:{days}:{zone}:{timezone.localdate(at)}"
    return kept(key, lambda: _count(Event.objects.filter(channel=channel), days, at))


def item_per_day(item: Item, *, days: int, at: datetime) -> Daily:
    """Return the same for one item, of all channels and never kept: it is one look at an index."""
    return _count(Event.objects.filter(item=item), days, at)


def _count(events: QuerySet[Event], days: int, at: datetime) -> Daily:
    last = timezone.localdate(at)
    dates = [last - timedelta(days=days - 1 - i) for i in range(days)]
    counts: dict[EventName, list[int]] = {}
    # One range of the index a day, all in one statement. Truncating dates inside the database would
    # need its time zone tables (MySQL has none at first) and a function call a row (SQLite).
    parts = [
        events.filter(event_time__gte=_midnight(day), event_time__lt=_midnight(day, 1))
        .order_by()
        .values("event")
        .annotate(day=Value(position), n=Count("pk"))
        .values_list("day", "event", "n")
        for position, day in enumerate(dates)
    ]
    counted: list[Any] = []
    for chunk in _chunks(parts):
        counted = _union(counted, chunk)
    for position, event, n in counted:
        row = counts.setdefault(EventName(event), [0] * days)
        row[position] = n
    return Daily(dates, dict(sorted(counts.items())), at)


def _chunks(parts: list[QuerySet[Any, Any]]) -> list[list[QuerySet[Any, Any]]]:
    # SQLite joins at most 500 SELECTs and 999 parameters in old versions: five a day.
    return [parts[start : start + 100] for start in range(0, len(parts), 100)]


def _union(rows: list[Any], parts: list[QuerySet[Any, Any]]) -> list[Any]:
    first, *others = parts
    return rows + list(first.union(*others, all=True) if others else first)


def _midnight(day: date, later: int = 0) -> datetime:
    return timezone.make_aware(datetime.combine(day + timedelta(days=later), time.min))


# -- health ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Health:
    """How the data of one channel are."""

    first_event: datetime | None
    last_event: datetime | None
    n_visitors: int
    n_items: int
    n_sellable: int
    last_sync: datetime | None


def health(*, channel: str, at: datetime) -> Health:
    return kept(f"health:{channel}", lambda: _health(channel))


def _health(channel: str) -> Health:
    # Two statements: the two ends of an index are one look-up each, both in one are a full scan.
    events = Event.objects.filter(channel=channel)
    items = Item.objects.filter(channel=channel)
    return Health(
        first_event=events.aggregate(at=Min("event_time"))["at"],
        last_event=events.aggregate(at=Max("event_time"))["at"],
        n_visitors=Visitor.objects.filter(channel=channel).count(),
        n_items=items.count(),
        n_sellable=items.sellable().count(),
        last_sync=items.aggregate(at=Max("synced_at"))["at"],
    )


# -- models ---------------------------------------------------------------------------------
def live_models(*, channel: str) -> dict[str, Activation]:
    """Return what is live by alias, in the order of the settings; never kept."""
    rows = Activation.objects.live().filter(channel=channel).select_related("artifact")
    found = {row.alias: row for row in rows}
    order = [*app_settings.RECOMMENDERS, *sorted(found)]
    return {alias: found[alias] for alias in dict.fromkeys(order) if alias in found}


def trainings(*, channel: str, alias: str, n: int = 30) -> list[ModelArtifact]:
    """Return the latest ``n`` models of an alias, oldest first."""
    rows = ModelArtifact.objects.filter(channel=channel, alias=alias).order_by("-trained_at", "-pk")
    return list(rows[:n])[::-1]
