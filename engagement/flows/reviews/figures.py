"""
What customers feel, in numbers, and how well moderation works. Every question is bounded in time
and kept for some minutes: the page of figures costs the same beside a hundred thousand reviews.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from django.db.models import Count, Q, QuerySet, Value
from django.utils import timezone

from engagement.flows.serving import caching
from engagement.models import (
    AspectSummary,
    Item,
    ReviewAnalysis,
    Sentiment,
    Status,
)

KEEP_SECONDS = 300
# A period is a day in a month's figures, and a week in longer ones.
DAILY_UP_TO = 31
MOST_ROWS = 12
# Fewer texts than this say nothing about a product.
LEAST_TEXTS = 3
WILSON_Z = 1.96

T = TypeVar("T")


def kept(name: str, compute: Callable[[], T]) -> T:
    """Return what is known under ``name``, or compute and keep it."""
    key = f"engagement:figures:{name}"
    known = caching.get(key)
    if known is None:
        known = compute()
        caching.put(key, known, seconds=KEEP_SECONDS)
    answer: T = known
    return answer


# -- time -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Period:
    """From the first midnight, with it, to the second, without."""

    first: date
    start: datetime
    end: datetime


def periods(*, days: int, at: datetime) -> list[Period]:
    """Return the days, or for longer spans the weeks, up to and with the day of ``at``."""
    length = 1 if days <= DAILY_UP_TO else 7
    last = timezone.localdate(at)
    n = math.ceil(days / length)
    firsts = [last - timedelta(days=length * (n - i) - 1) for i in range(n)]
    return [Period(first, _midnight(first), _midnight(first, length)) for first in firsts]


def _midnight(day: date, later: int = 0) -> datetime:
    return timezone.make_aware(datetime.combine(day + timedelta(days=later), time.min))


def place_of(moment: datetime, spans: Sequence[Period]) -> int | None:
    """Return the position of the period that ``moment`` lies in."""
    for place, span in enumerate(spans):
        if span.start <= moment < span.end:
            return place
    return None


# -- what customers feel --------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class OverTime:
    """How many texts of each sentiment were written in each period, oldest first."""

    firsts: list[date]
    counts: dict[str, list[int]]

    @property
    def total(self) -> int:
        return sum(map(sum, self.counts.values()))

    def share(self, sentiment: str) -> float | None:
        """Return the share of one sentiment over the whole time; None without texts."""
        return sum(self.counts[sentiment]) / self.total if self.total else None


def counted(channel: str) -> QuerySet[ReviewAnalysis, Any]:
    """Return the analyses that say what customers feel: not those of fakes that were rejected."""
    shown = Q(review__isnull=True) | Q(review__status=Status.PUBLISHED)
    rows = ReviewAnalysis.objects.filter(shown, channel=channel)
    return rows.exclude(shop_status=Status.REJECTED)


def sentiment_over_time(*, channel: str, days: int, at: datetime) -> OverTime:
    """Count reviews and posts by sentiment and period."""
    zone = timezone.get_current_timezone_name()
    key = f"time:{channel}:{days}:{zone}:{timezone.localdate(at)}"
    return kept(key, lambda: _over_time(channel, days, at))


def _over_time(channel: str, days: int, at: datetime) -> OverTime:
    spans = periods(days=days, at=at)
    counts = {name.value: [0] * len(spans) for name in Sentiment}
    # One range of the index a period, all in one statement: no database has to truncate dates.
    parts = [
        counted(channel)
        .filter(written_at__gte=span.start, written_at__lt=span.end)
        .order_by()
        .values("sentiment")
        .annotate(place=Value(place), n=Count("pk"))
        .values_list("place", "sentiment", "n")
        for place, span in enumerate(spans)
    ]
    first, *others = parts
    for place, sentiment, n in first.union(*others, all=True) if others else first:
        counts[sentiment][place] = n
    return OverTime([span.first for span in spans], counts)


@dataclass(frozen=True, slots=True)
class Displeased:
    """How many texts about something are negative; ``low`` and ``high`` bound the share by 95 %."""

    name: str
    n: int
    negative: int
    item_id: int | None = None

    @property
    def share(self) -> float:
        return self.negative / self.n if self.n else 0.0

    @property
    def low(self) -> float:
        return wilson(self.negative, self.n)[0]

    @property
    def high(self) -> float:
        return wilson(self.negative, self.n)[1]


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927): right for few texts as well."""
    if not n:
        return 0.0, 1.0
    p, z2 = hits / n, WILSON_Z**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = WILSON_Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def by_item(*, channel: str, days: int, at: datetime) -> list[Displeased]:
    """Return the items that most surely displease: by their interval's lower end."""
    key = f"items:{channel}:{days}:{timezone.localdate(at)}"
    return kept(key, lambda: _by_item(channel, at - timedelta(days=days)))


def _by_item(channel: str, since: datetime) -> list[Displeased]:
    rows = _grouped(channel, since, "item").filter(n__gte=LEAST_TEXTS, negative__gte=1)
    found = [Displeased("", n, negative, pk) for pk, n, negative in rows]
    worst = sorted(found, key=lambda one: (-one.low, -one.n, one.item_id or 0))[:MOST_ROWS]
    titles = dict(
        Item.objects.filter(pk__in=[one.item_id for one in worst]).values_list("pk", "title")
    )
    return [
        Displeased(titles.get(one.item_id, "–"), one.n, one.negative, one.item_id)
        for one in worst
        if one.item_id is not None
    ]


def by_category(*, channel: str, days: int, at: datetime) -> list[Displeased]:
    """Return the widest categories, the one with the largest share of displeased texts first."""
    key = f"categories:{channel}:{days}:{timezone.localdate(at)}"
    return kept(key, lambda: _by_category(channel, at - timedelta(days=days)))


def _by_category(channel: str, since: datetime) -> list[Displeased]:
    totals: dict[str, tuple[int, int]] = {}
    for path, n, negative in _grouped(channel, since, "item__category"):
        name = (path or "").split(" > ")[0]
        before = totals.get(name, (0, 0))
        totals[name] = (before[0] + n, before[1] + negative)
    found = [Displeased(name, *both) for name, both in totals.items() if name]
    return sorted(found, key=lambda one: (-one.share, -one.n, one.name))[:MOST_ROWS]


def _grouped(channel: str, since: datetime, by: str) -> QuerySet[Any, Any]:
    rows: QuerySet[Any, Any] = (
        counted(channel)
        .filter(written_at__gte=since, item__isnull=False)
        .order_by()
        .values(by)
        .annotate(n=Count("pk"), negative=Count("pk", filter=Q(sentiment=Sentiment.NEGATIVE)))
        .values_list(by, "n", "negative")
    )
    return rows


# -- about what -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Moving:
    """An aspect and by how much the polarity of what is said of it has changed, -2 … 2."""

    aspect: str
    n: int
    polarity: float
    trend: float


def moving_aspects(*, channel: str, most: int = MOST_ROWS) -> list[Moving]:
    """
    Return the aspects that changed most, those that got better first.

    They are counted at night by category; one that several categories have is joined, each
    counting as often as it is spoken of.
    """
    rows = AspectSummary.objects.filter(channel=channel, item=None, trend__isnull=False)
    joined: dict[str, list[tuple[int, float, float]]] = {}
    for aspect, n, polarity, trend in rows.values_list("aspect", "n_texts", "polarity", "trend"):
        joined.setdefault(aspect, []).append((n, polarity, trend or 0.0))
    found = [_joined(aspect, those) for aspect, those in joined.items()]
    largest = sorted(found, key=lambda one: (-abs(one.trend), one.aspect))[:most]
    return sorted(largest, key=lambda one: (-one.trend, one.aspect))


def _joined(aspect: str, those: Iterable[tuple[int, float, float]]) -> Moving:
    known = [(max(n, 1), polarity, trend) for n, polarity, trend in those]
    total = sum(n for n, _polarity, _trend in known)
    return Moving(
        aspect,
        total,
        sum(n * polarity for n, polarity, _trend in known) / total,
        sum(n * trend for n, _polarity, trend in known) / total,
    )
