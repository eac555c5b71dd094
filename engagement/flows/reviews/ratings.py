"""How an item's published stars add up: counted when something changes, read everywhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Q, Sum

from engagement.conf import app_settings
from engagement.models import Item, ItemRating, Review

STARS = (1, 2, 3, 4, 5)
# Of rankings: where a shop has no review at all, an item is as good as this.
NEUTRAL = 3.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of the histogram. ``percent`` of all reviews, rounded; ``n`` reviews."""

    stars: int
    n: int
    percent: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The stars of one item. ``average`` is 0 without reviews."""

    average: float = 0.0
    bayesian: float = 0.0
    n_total: int = 0
    n_verified: int = 0
    counts: tuple[int, ...] = (0, 0, 0, 0, 0)

    @property
    def histogram(self) -> list[Bar]:
        """Rows for five stars down to one."""
        return [
            Bar(stars, n, round(100 * n / self.n_total) if self.n_total else 0)
            for stars, n in zip(reversed(STARS), reversed(self.counts), strict=True)
        ]

    @property
    def percent(self) -> float:
        """The average as a share of five stars, for drawing."""
        return round(20 * self.average, 1)

    def __bool__(self) -> bool:
        return self.n_total > 0


NOTHING = Summary()


def summaries(item_ids: Iterable[int]) -> dict[int, Summary]:
    """Return the stars of many items by item id, in one query; items without reviews are absent."""
    rows = ItemRating.objects.filter(item__in=list(item_ids), n_total__gt=0)
    return {
        row.item_id: Summary(row.average, row.bayesian, row.n_total, row.n_verified, row.counts)
        for row in rows
    }


def summary(item_id: int) -> Summary:
    """Return the stars of one item."""
    return summaries([item_id]).get(item_id, NOTHING)


def bayesian(n: int, total: float, *, mean: float, weight: float) -> float:
    """Return the average of ``n`` ratings drawn to ``mean``, as if ``weight`` more had given it."""
    return (total + weight * mean) / (n + weight) if n + weight else mean


def shop_mean(channel: str) -> float:
    """Return the average of all published stars of a shop."""
    stars = {f"s{k}": Sum(f"n_{k}") for k in STARS}
    found = ItemRating.objects.filter(channel=channel).aggregate(**stars)
    counts = [found[f"s{k}"] or 0 for k in STARS]
    n = sum(counts)
    return sum(k * c for k, c in zip(STARS, counts, strict=True)) / n if n else NEUTRAL


def recount(item_id: int, *, at: datetime, mean: float | None = None) -> None:
    """
    Count an item's published reviews anew, within the transaction that changed one of them.

    Two changes of one item wait for each other at the row that is counted into: the second one
    counts what the first has written. ``mean`` is the shop's, asked for where it is not given.
    """
    channel = Item.objects.values_list("channel", flat=True).get(pk=item_id)
    with transaction.atomic():
        ItemRating.objects.get_or_create(item_id=item_id, defaults={"channel": channel})
        row = ItemRating.objects.select_for_update().get(item_id=item_id)
        _count(row)
        row.bayesian = _drawn(row, shop_mean(channel) if mean is None else mean)
        row.updated_at = at
        row.save()


def _count(row: ItemRating) -> None:
    counts = {f"n_{k}": Count("pk", filter=Q(rating=k)) for k in STARS}
    found = (
        Review.objects.published()
        .filter(item=row.item_id)
        .aggregate(verified=Count("pk", filter=Q(verified_purchase=True)), **counts)
    )
    for name in counts:
        setattr(row, name, found[name])
    row.n_verified = found["verified"]
    row.n_total = sum(row.counts)
    total = sum(k * c for k, c in zip(STARS, row.counts, strict=True))
    row.average = total / row.n_total if row.n_total else 0.0


def _drawn(row: ItemRating, mean: float) -> float:
    return bayesian(
        row.n_total, row.average * row.n_total, mean=mean, weight=app_settings.RATING_PRIOR
    )


def refresh(*, channel: str, at: datetime) -> int:
    """
    Count all items of a shop anew, with today's mean; return how many had been wrong.

    Nothing should be: this is for rows that were changed past the app (SQL, ``loaddata``).
    """
    with_reviews = Review.objects.of_channel(channel).published().values_list("item", flat=True)
    known = set(ItemRating.objects.filter(channel=channel).values_list("item", flat=True))
    wrong = 0
    for item_id in sorted(known | set(with_reviews.distinct())):
        before = ItemRating.objects.filter(item=item_id).first()
        recount(item_id, at=at, mean=NEUTRAL)
        after = ItemRating.objects.get(item=item_id)
        wrong += before is None or before.counts != after.counts
    mean, weight = shop_mean(channel), float(app_settings.RATING_PRIOR)
    if weight:
        ItemRating.objects.filter(channel=channel).update(
            bayesian=(F("average") * F("n_total") + weight * mean) / (F("n_total") + weight)
        )
    return wrong
