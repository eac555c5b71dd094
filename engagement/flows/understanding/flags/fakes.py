"""Reviews that come from no customer: floods from one hand, floods on one item, never bought."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scipy.special import gammainc

from engagement.flows.understanding.flags.base import Flag, Subject
from engagement.models import Event, EventName, ReasonCode, Review

# Somebody who reviews a large order writes this many in good faith.
AUTHOR_SPAN = timedelta(hours=1)
AUTHOR_MOST = 12
ITEM_SPAN = timedelta(days=1)
ITEM_BEFORE = timedelta(days=90)
ITEM_LEAST = 10
ITEM_CHANCE = 1e-6
# A newsletter makes a flood of buyers; a campaign makes one of strangers who all say the same.
STRANGERS = 0.5
OF_ONE_MIND = 0.8


@dataclass(frozen=True, slots=True)
class Floods:
    """Which authors and items of a batch were in a flood, and what anybody ever ``bought``."""

    authors: dict[tuple[str, datetime], int]
    items: dict[tuple[int, datetime], tuple[int, float]]
    bought: frozenset[int]


def look(subjects: Sequence[Subject]) -> Floods:
    """Ask the database about the authors and items of a batch; a fixed number of queries."""
    reviews = [subject for subject in subjects if subject.is_review]
    items = sorted({subject.item_id for subject in reviews if subject.item_id})
    authors = sorted({int(s.author) for s in reviews if s.author.isdigit()})
    if not reviews:
        return Floods({}, {}, frozenset())
    first = min(subject.written_at for subject in reviews)
    last = max(subject.written_at for subject in reviews)
    by_author: dict[str, list[datetime]] = defaultdict(list)
    rows = Review.objects.filter(
        visitor__in=authors, created_at__gt=first - AUTHOR_SPAN, created_at__lte=last
    )
    for visitor, moment in rows.order_by("created_at").values_list("visitor", "created_at"):
        by_author[str(visitor)].append(moment)
    by_item: dict[int, list[tuple[datetime, int, bool]]] = defaultdict(list)
    near = Review.objects.filter(
        item__in=items, created_at__gt=first - ITEM_SPAN - ITEM_BEFORE, created_at__lte=last
    )
    for item, moment, rating, verified in near.order_by("created_at").values_list(
        "item", "created_at", "rating", "verified_purchase"
    ):
        by_item[item].append((moment, rating, verified))
    purchases = Event.objects.filter(item__in=items, event=EventName.PURCHASE)
    bought = frozenset(purchases.values_list("item", flat=True).distinct())
    return Floods(
        {
            (s.author, s.written_at): _within(by_author[s.author], s.written_at, AUTHOR_SPAN)
            for s in reviews
            if s.author in by_author
        },
        {
            (s.item_id, s.written_at): _flood(by_item[s.item_id], s.written_at)
            for s in reviews
            if s.item_id in by_item
        },
        bought,
    )


def _within(moments: Iterable[datetime], until: datetime, span: timedelta) -> int:
    return sum(until - span < moment <= until for moment in moments)


def _flood(rows: Sequence[tuple[datetime, int, bool]], until: datetime) -> tuple[int, float]:
    """Return how many reviews came within a day, and how likely so many strangers are."""
    today = [row for row in rows if until - ITEM_SPAN < row[0] <= until]
    if len(today) < ITEM_LEAST:
        return len(today), 1.0
    strangers = sum(not verified for _, _, verified in today) / len(today)
    mind = max(
        sum(rating <= 2 for _, rating, _ in today), sum(rating >= 5 for _, rating, _ in today)
    )
    if strangers < STRANGERS or mind / len(today) < OF_ONE_MIND:
        return len(today), 1.0
    start = until - ITEM_SPAN
    before = sum(start - ITEM_BEFORE < row[0] <= start for row in rows)
    # One review more than there were: an item without a past may have a first day.
    expected = (before + 1) * (ITEM_SPAN / ITEM_BEFORE)
    # How likely a Poisson number is at least this large.
    return len(today), float(gammainc(len(today), expected))


def find(subject: Subject, floods: Floods, others: Sequence[Flag]) -> list[Flag]:
    """Return what speaks against the author; ``others`` are flags that the text has already."""
    if not subject.is_review:
        return []
    flags = []
    n = floods.authors.get((subject.author, subject.written_at), 0)
    if n > AUTHOR_MOST:
        flags.append(
            Flag(ReasonCode.FRAUD, "burst_author", min(0.5 + n / 100, 0.9), about={"n": n})
        )
    if subject.item_id and not subject.is_verified:
        n, chance = floods.items.get((subject.item_id, subject.written_at), (0, 1.0))
        if chance < ITEM_CHANCE:
            flags.append(Flag(ReasonCode.FRAUD, "burst_item", 0.6, about={"n": n}))
    doubtful = [flag for flag in (*flags, *others) if flag.code in _DOUBTFUL]
    if doubtful and not subject.is_verified and subject.item_id in floods.bought:
        flags.append(Flag(ReasonCode.FRAUD, "never_bought", 0.4))
    return flags


_DOUBTFUL = frozenset({ReasonCode.FRAUD, ReasonCode.SPAM, ReasonCode.DUPLICATE})
