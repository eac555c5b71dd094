"""
What is said of each aspect, of every item and every category: how often, how gladly, whether it
changes, and in which words. Counted at night from the analyses of published reviews.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from engagement.flows.locks import lock
from engagement.flows.understanding import published
from engagement.models import AspectSummary

LOCK_SECONDS = 2 * 3600
# An aspect is praised, or complained of, where its mean polarity in a review is beyond this.
CLEAR = 0.25
# The latest weeks against all before, where both have said something often enough.
TREND_SPAN = timedelta(days=56)
TREND_LEAST = 5
# What fewer reviews of an item say is not yet what customers say.
LEAST_OF_ITEM = 2
LEAST_OF_CATEGORY = 3
QUOTES = 3
QUOTE_LENGTHS = range(6, 161)

Scope = tuple[int | None, str]


@dataclass(slots=True)
class Told:
    """What one scope (an item, or a category) says of one aspect, being counted."""

    n: int = 0
    positive: int = 0
    negative: int = 0
    total: float = 0.0
    n_recent: int = 0
    recent: float = 0.0
    praise: list[tuple[float, float, str, dict[str, Any]]] = field(default_factory=list)
    complaints: list[tuple[float, float, str, dict[str, Any]]] = field(default_factory=list)

    def add(
        self, polarity: float, quote: dict[str, Any], written: datetime, since: datetime
    ) -> None:
        self.n += 1
        self.total += polarity
        self.positive += polarity >= CLEAR
        self.negative += polarity <= -CLEAR
        if written >= since:
            self.n_recent += 1
            self.recent += polarity
        if abs(polarity) >= CLEAR and len(quote["quote"]) in QUOTE_LENGTHS:
            best = self.praise if polarity > 0 else self.complaints
            # Equally clear ones: the newer one; the key, so that no two are ever equal.
            entry = (abs(polarity), written.timestamp(), quote["key"], quote)
            (heapq.heappush if len(best) < QUOTES else heapq.heappushpop)(best, entry)

    @property
    def trend(self) -> float | None:
        before = self.n - self.n_recent
        if self.n_recent < TREND_LEAST or before < TREND_LEAST:
            return None
        return self.recent / self.n_recent - (self.total - self.recent) / before

    @property
    def quotes(self) -> list[dict[str, Any]]:
        """The clearest quotes, the commoner side first."""
        sides = [sorted(self.praise, reverse=True), sorted(self.complaints, reverse=True)]
        if self.negative > self.positive:
            sides.reverse()
        return [entry[3] for side in sides for entry in side]


def count(*, channel: str, at: datetime) -> int:
    """
    Count anew what is said of every aspect; return how many rows there are now.

    Raises AlreadyRunning where another process is at it. What was counted before stays until all
    is counted.
    """
    since = at - TREND_SPAN
    n_reviews: dict[Scope, int] = defaultdict(int)
    told: dict[Scope, dict[str, Told]] = defaultdict(lambda: defaultdict(Told))
    with lock(f"aspects:{channel}", seconds=LOCK_SECONDS):
        rows = published.analyses(channel).order_by("pk")
        fields = (
            "subject_kind",
            "subject_key",
            "item",
            "item__category",
            "written_at",
            "language",
            "aspects",
        )
        for kind, key, item, category, written, language, said in rows.values_list(
            *fields
        ).iterator(2000):
            for scope in _scopes(item, category):
                n_reviews[scope] += 1
            for aspect, polarity, quote in _of_review(kind, key, language, said):
                for scope in _scopes(item, category):
                    told[scope][aspect].add(polarity, quote, written, since)
        summaries = list(_summaries(channel, told, n_reviews, at))
        with transaction.atomic():
            AspectSummary.objects.filter(channel=channel).delete()
            AspectSummary.objects.bulk_create(summaries, batch_size=500)
    return len(summaries)


def _scopes(item: int, category: str) -> Iterator[Scope]:
    """Yield an item, and every category that it is in, from the widest to its own."""
    yield item, ""
    path = category.split(" > ") if category else []
    for depth in range(1, len(path) + 1):
        yield None, " > ".join(path[:depth])


def _of_review(
    kind: str, key: str, language: str, said: Sequence[dict[str, Any]]
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Yield each aspect of one review once: its mean polarity, and its clearest quote."""
    by_aspect: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in said:
        by_aspect[one["aspect"]].append(one)
    for aspect, entries in by_aspect.items():
        polarity = sum(one["polarity"] for one in entries) / len(entries)
        clearest = max(entries, key=lambda one: abs(one["polarity"]))
        quote = {
            "kind": kind,
            "key": key,
            "language": language,
            "quote": clearest["quote"],
            "start": clearest["start"],
            "end": clearest["end"],
            "polarity": clearest["polarity"],
        }
        yield aspect, polarity, quote


def _summaries(
    channel: str,
    told: dict[Scope, dict[str, Told]],
    n_reviews: dict[Scope, int],
    at: datetime,
) -> Iterator[AspectSummary]:
    for (item, category), aspects in told.items():
        least = LEAST_OF_CATEGORY if item is None else LEAST_OF_ITEM
        for aspect, one in aspects.items():
            if one.n < least:
                continue
            yield AspectSummary(
                channel=channel,
                item_id=item,
                category=category,
                aspect=aspect[:40],
                n_texts=one.n,
                n_positive=one.positive,
                n_negative=one.negative,
                n_neutral=one.n - one.positive - one.negative,
                share=min(one.n / n_reviews[item, category], 1.0),
                polarity=one.total / one.n,
                trend=one.trend,
                quotes=one.quotes,
                counted_at=at,
            )


def of_item(item_id: int) -> list[AspectSummary]:
    """Return what is said of an item, the most often named aspect first."""
    rows = AspectSummary.objects.filter(item=item_id)
    return list(rows.order_by("-share", "aspect"))


def of_category(category: str, *, channel: str) -> list[AspectSummary]:
    """Return what is said of a category's items, the most often named aspect first."""
    rows = AspectSummary.objects.filter(channel=channel, item__isnull=True, category=category)
    return list(rows.order_by("-share", "aspect"))
