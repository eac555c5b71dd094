"""What reviews tell the rest of the app: numbers of items, and what visitors care about."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Avg, Count, Q
from numpy.typing import NDArray

from engagement.flows.understanding import published
from engagement.models import Item, ItemRating, ReviewAnalysis, ReviewVote, Sentiment

FEATURES = ("rating", "n_ratings", "sentiment", "p_negative")
# So many average reviews are added to an item's own: of one review, hardly anything follows.
PRIOR = 5.0
# A visitor's own words say more of what matters to them than a vote on somebody else's.
OWN_WEIGHT = 3.0


@dataclass(frozen=True, slots=True)
class ItemFeatures:
    """
    Numbers of items that ranking may learn from. Row i of ``values`` (items × FEATURES, float32)
    is item ``item_ids[i]``; ids ascend.

    ``rating``: Bayesian average of the stars, 1 to 5; ``n_ratings``: log(1 + how many);
    ``sentiment``: mean score of the texts, -1 to 1, drawn to the shop's mean; ``p_negative``: share
    of displeased reviews, drawn likewise. Items without reviews have the shop's means.
    """

    item_ids: NDArray[np.int64]
    values: NDArray[np.float32]
    names: tuple[str, ...] = FEATURES

    def of(self, item_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the rows of ``item_ids``, in their order; the shop's means where one is new."""
        means = self.values.mean(axis=0) if len(self.values) else np.zeros(len(self.names))
        rows = np.tile(means.astype(np.float32), (len(item_ids), 1))
        if len(self.item_ids):
            places = np.searchsorted(self.item_ids, item_ids).clip(max=len(self.item_ids) - 1)
            known = self.item_ids[places] == item_ids
            rows[known] = self.values[places[known]]
        return rows


def item_features(channel: str, *, until: datetime | None = None) -> ItemFeatures:
    """
    Return the features of all items of a shop.

    ``until`` leaves out what was written later, so that a model can be judged on days that its
    features know nothing of; the stars are then counted from the analyses.
    """
    ids = np.fromiter(
        Item.objects.of_channel(channel).order_by("pk").values_list("pk", flat=True), np.int64
    )
    values = np.zeros((len(ids), len(FEATURES)), dtype=np.float32)
    moods = _moods(channel, until)
    ratings = _ratings(channel, until)
    n_moods = sum(n for n, _score, _bad in moods.values())
    score = sum(n * mean for n, mean, _bad in moods.values()) / max(n_moods, 1)
    bad = sum(bad for _n, _mean, bad in moods.values()) / max(n_moods, 1)
    n_stars = sum(n for n, _mean in ratings.values())
    stars = sum(n * mean for n, mean in ratings.values()) / n_stars if n_stars else 3.0
    for row, item in enumerate(ids.tolist()):
        n_rated, mean_rated = ratings.get(item, (0, 0.0))
        n, mean, n_bad = moods.get(item, (0, 0.0, 0))
        values[row] = (
            (n_rated * mean_rated + PRIOR * stars) / (n_rated + PRIOR),
            np.log1p(n_rated),
            (n * mean + PRIOR * score) / (n + PRIOR),
            (n_bad + PRIOR * bad) / (n + PRIOR),
        )
    return ItemFeatures(ids, values)


def _moods(channel: str, until: datetime | None) -> dict[int, tuple[int, float, int]]:
    rows = published.analyses(channel)
    if until is not None:
        rows = rows.filter(written_at__lt=until)
    counted = rows.values("item").annotate(
        n=Count("pk"), mean=Avg("score"), bad=Count("pk", filter=_NEGATIVE)
    )
    return {row["item"]: (row["n"], row["mean"], row["bad"]) for row in counted.order_by()}


_NEGATIVE = Q(sentiment=Sentiment.NEGATIVE)


def _ratings(channel: str, until: datetime | None) -> dict[int, tuple[int, float]]:
    if until is None:
        stored = ItemRating.objects.filter(channel=channel, n_total__gt=0)
        found = {pk: (n, mean) for pk, n, mean in stored.values_list("pk", "n_total", "average")}
        if found:
            return found
    rows = published.analyses(channel).filter(rating__isnull=False)
    if until is not None:
        rows = rows.filter(written_at__lt=until)
    counted = rows.values("item").annotate(n=Count("pk"), mean=Avg("rating")).order_by()
    return {row["item"]: (row["n"], row["mean"]) for row in counted}


# -- single items ---------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ItemSentiment:
    """How the published reviews of an item feel: ``score`` -1 to 1, ``negative`` 0 to 1."""

    n: int
    score: float
    negative: float


def sentiment_of(item_ids: Iterable[int]) -> dict[int, ItemSentiment]:
    """
    Return how items are felt about, in one query; items without reviews are absent.

    What may be promoted beside an item follows from it: nothing more of what disappoints.
    """
    rows = ReviewAnalysis.objects.filter(item__in=list(item_ids))
    counted = (
        rows.filter(published.OURS | published.THE_SHOPS)
        .values("item")
        .annotate(n=Count("pk"), mean=Avg("score"), bad=Count("pk", filter=_NEGATIVE))
        .order_by()
    )
    return {
        row["item"]: ItemSentiment(row["n"], row["mean"], row["bad"] / row["n"]) for row in counted
    }


# -- what visitors care about ---------------------------------------------------------------
def interests(
    visitor_ids: Iterable[int], *, channel: str, most: int = 5
) -> dict[int, list[tuple[str, float]]]:
    """
    Return the aspects that visitors care about more than others do, strongest first.

    Read from what they write themselves and from the reviews that they find helpful. The number is
    how many times as often as everybody else they come to speak of it, drawn to one.
    """
    ids = list(visitor_ids)
    said: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    own = ReviewAnalysis.objects.filter(channel=channel, review__visitor__in=ids)
    for visitor, aspects in own.values_list("review__visitor", "aspects"):
        for aspect in {one["aspect"] for one in aspects}:
            said[visitor][aspect] += OWN_WEIGHT
    voted = ReviewVote.objects.filter(visitor__in=ids, is_helpful=True, review__isnull=False)
    for visitor, aspects in voted.values_list("visitor", "review__analysis__aspects"):
        for aspect in {one["aspect"] for one in aspects or ()}:
            said[visitor][aspect] += 1.0
    if not said:
        return {}
    shares = _shares(channel)
    found = {}
    for visitor, counts in said.items():
        total = sum(counts.values())
        lifts = [
            (aspect, (n + PRIOR * shares.get(aspect, 0.0)) / (total + PRIOR) / share)
            for aspect, n in counts.items()
            if (share := max(shares.get(aspect, 0.0), 0.01))
        ]
        above = [(aspect, round(lift, 2)) for aspect, lift in lifts if lift > 1.0]
        found[visitor] = sorted(above, key=lambda one: (-one[1], one[0]))[:most]
    return found


SAMPLE = 5000


def _shares(channel: str) -> dict[str, float]:
    """Return how large a part of all that is said each aspect is, from the latest reviews."""
    counts: Counter[str] = Counter()
    rows = published.analyses(channel).order_by("-pk").values_list("aspects", flat=True)[:SAMPLE]
    for aspects in rows:
        counts.update({one["aspect"] for one in aspects})
    total = sum(counts.values())
    return {aspect: n / total for aspect, n in counts.items()}
