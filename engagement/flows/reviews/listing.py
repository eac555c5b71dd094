"""The reviews on an item's page: which, in which order, and what the reader may do with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Prefetch, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from engagement.conf import app_settings
from engagement.flows.reviews import feedback
from engagement.flows.reviews.authors import Author
from engagement.flows.reviews.purchases import free_order
from engagement.flows.reviews.ratings import Summary
from engagement.models import Item, Review, ReviewPicture, Status

# What sorts how; ties by the newest.
ORDERS: dict[str, tuple[str, ...]] = {
    "newest": ("-published_at", "-pk"),
    "helpful": ("-n_helpful", "n_unhelpful", "-published_at", "-pk"),
    "highest": ("-rating", "-published_at", "-pk"),
    "lowest": ("rating", "-published_at", "-pk"),
}
LABELS: dict[str, Promise] = {
    "newest": _("newest first"),
    "helpful": _("most helpful first"),
    "highest": _("best rating first"),
    "lowest": _("worst rating first"),
}
MOST_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """What of an item's reviews is wanted; the defaults want everything."""

    sort: str = "newest"
    stars: tuple[int, ...] = ()
    verified: bool = False
    pictures: bool = False
    language: str = ""
    words: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any], *, prefix: str = "") -> Filters:
        """Return filters from a query string; what makes no sense is passed over."""

        def value(name: str) -> str:
            return str(data.get(f"{prefix}{name}") or "")

        several = getattr(data, "getlist", None)
        stars = several(f"{prefix}stars") if several else [data.get(f"{prefix}stars") or ""]
        sort = value("sort")
        return cls(
            sort=sort if sort in ORDERS else "newest",
            stars=tuple(sorted({int(one) for one in map(str, stars) if one in "12345" and one})),
            verified=value("verified") in ("1", "true", "on"),
            pictures=value("pictures") in ("1", "true", "on"),
            language=value("language")[:16].replace("\0", ""),
            words=" ".join(value("words")[:60].replace("\0", "").split()),
        )

    @property
    def is_narrow(self) -> bool:
        return bool(self.stars or self.verified or self.pictures or self.language or self.words)


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of reviews, and what its reader has said about them."""

    page: Page[Review]
    filters: Filters
    # True or False by review id, as the reader has voted.
    votes: Mapping[int, bool] = field(default_factory=dict)
    # How many reviews there are in each language, most first.
    languages: Sequence[tuple[str, int]] = ()


def published(item_id: int, filters: Filters) -> Any:
    """Return the published reviews of an item as a query."""
    rows = Review.objects.published().filter(item=item_id)
    if filters.stars:
        rows = rows.filter(rating__in=filters.stars)
    if filters.verified:
        rows = rows.filter(verified_purchase=True)
    if filters.pictures:
        rows = rows.filter(n_pictures__gt=0)
    if filters.language:
        rows = rows.filter(language=filters.language)
    for word in filters.words.split():
        rows = rows.filter(Q(title__icontains=word) | Q(body__icontains=word))
    return rows.order_by(*ORDERS[filters.sort])


def list_reviews(
    item_id: int,
    filters: Filters,
    *,
    number: int | str = 1,
    size: int | None = None,
    visitor_ids: Sequence[int] = (),
    summary: Summary | None = None,
) -> Listed:
    """
    Return a page of an item's published reviews; a page that does not exist is the last one.

    ``summary`` spares counting where nothing is filtered. At most five queries, however many rows.
    """
    shown = Prefetch(
        "pictures",
        queryset=ReviewPicture.objects.filter(status=Status.PUBLISHED),
        to_attr="shown_pictures",
    )
    rows = published(item_id, filters).prefetch_related(shown)
    size = min(max(size or app_settings.REVIEWS_PER_PAGE, 1), MOST_A_PAGE)
    known = summary.n_total if summary is not None and not filters.is_narrow else None
    paginator = _Counted(rows, size, known)
    page = paginator.get_page(number)
    page.object_list = list(page.object_list)
    languages = (
        Review.objects.published()
        .filter(item=item_id)
        .values("language")
        .annotate(n=Count("pk"))
        .order_by("-n", "language")
        .values_list("language", "n")
    )
    return Listed(
        page=page,
        filters=filters,
        votes=feedback.votes_of(tuple(visitor_ids), review=[one.pk for one in page.object_list]),
        languages=[(code, n) for code, n in languages if code and code != "und"],
    )


class _Counted(Paginator):
    """A paginator that may have been told how many rows there are."""

    def __init__(self, rows: Any, size: int, n: int | None) -> None:
        super().__init__(rows, size)
        if n is not None:
            self.count = n


@dataclass(frozen=True, slots=True)
class Own:
    """What a reader has written about an item, and whether there is something left to review."""

    reviews: Sequence[Review] = ()
    may_write: bool = True


def own_reviews(item: Item, visitor_ids: Sequence[int]) -> Own:
    """Return a reader's own reviews of an item, in whatever status, newest first."""
    if not visitor_ids:
        return Own(may_write=app_settings.REVIEW_AUTHORS == "visitors")
    mine = list(
        Review.objects.filter(item=item, visitor__in=list(visitor_ids))
        .exclude(status=Status.WITHDRAWN)
        .order_by("-pk")
    )
    place = free_order(list(visitor_ids), item)
    may = place is not None and (app_settings.REVIEW_AUTHORS != "buyers" or place[1])
    return Own(mine, may)


def of_author(author: Author) -> Any:
    """Return all of an author's reviews as a query, newest first: for «my reviews»."""
    rows = Review.objects.filter(visitor__in=author.visitor_ids).exclude(status=Status.WITHDRAWN)
    return rows.select_related("item").order_by("-pk")
