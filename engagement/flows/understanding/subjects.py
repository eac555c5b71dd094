"""What is there to read: our own reviews, posts from elsewhere, reviews that the shop keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from engagement.adapters import get_adapter
from engagement.flows.understanding.flags.base import Subject
from engagement.learning.sentiment.languages import language
from engagement.models import (
    Item,
    Post,
    Review,
    ReviewAnalysis,
    Status,
    SubjectKind,
)
from engagement.shop_reviews import ShopReview

# What is beyond is cut before anything looks at it.
MAX_CHARS = 20_000
UNKNOWN = "und"


# -- pending work is a query ----------------------------------------------------------------
def pending_reviews(channel: str, artifact_id: int | None, words_at: datetime | None) -> Any:
    """
    Return the reviews that the live model has not read as they stand, with today's words.

    ``artifact_id`` None: what needs no training is live. ``words_at``: when the lists of words
    last changed.
    """
    fresh = _by(artifact_id, words_at).filter(
        review=OuterRef("pk"), analysed_at__gte=OuterRef("updated_at")
    )
    rows: QuerySet[Review] = Review.objects.of_channel(channel)
    return rows.filter(~Exists(fresh)).exclude(status=Status.WITHDRAWN)


def pending_posts(channel: str, artifact_id: int | None, words_at: datetime | None) -> Any:
    """Return the posts that the live model has not read, likewise."""
    fresh = _by(artifact_id, words_at).filter(post=OuterRef("pk"))
    return Post.objects.filter(channel=channel).filter(~Exists(fresh))


def _by(artifact_id: int | None, words_at: datetime | None) -> QuerySet[ReviewAnalysis]:
    read = ReviewAnalysis.objects.filter(artifact=artifact_id)
    return read.filter(analysed_at__gte=words_at) if words_at else read


def n_pending(channel: str, artifact_id: int | None, words_at: datetime | None) -> int:
    """Return how many texts of ours wait; what the shop keeps itself is not counted."""
    asked = (channel, artifact_id, words_at)
    return int(pending_reviews(*asked).count() + pending_posts(*asked).count())


# -- rows as subjects -----------------------------------------------------------------------
def of_reviews(rows: Iterable[Review]) -> list[Subject]:
    """Return reviews as subjects; select ``item`` with them."""
    return [
        Subject(
            kind=SubjectKind.REVIEW.value,
            key=str(row.key),
            channel=row.channel,
            text=row.text[:MAX_CHARS],
            written_at=row.created_at,
            language=code_of(row.language, row.text),
            rating=row.rating,
            item_id=row.item_id,
            category=row.item.category,
            author="" if row.visitor_id is None else str(row.visitor_id),
            is_verified=row.verified_purchase,
            pk=row.pk,
            status=row.status,
        )
        for row in rows
    ]


def of_posts(rows: Iterable[Post]) -> list[Subject]:
    """Return posts as subjects; select ``item`` with them."""
    return [
        Subject(
            kind=SubjectKind.POST.value,
            key=str(row.key),
            channel=row.channel,
            text=row.text[:MAX_CHARS],
            written_at=row.posted_at,
            language=code_of(row.language, row.text),
            rating=row.rating,
            item_id=row.item_id,
            category=row.item.category if row.item else "",
            author=f"{row.source}:{row.author}" if row.author else "",
            pk=row.pk,
        )
        for row in rows
    ]


def of_shop(rows: Sequence[ShopReview], channel: str) -> list[Subject]:
    """Return the shop's own reviews as subjects."""
    keys = [row.item_key for row in rows]
    ids = Item.objects.ids_by_key(channel, keys)
    categories = dict(Item.objects.filter(pk__in=ids.values()).values_list("pk", "category"))
    return [
        Subject(
            kind=SubjectKind.SHOP.value,
            key=row.ref,
            channel=channel,
            text=row.text[:MAX_CHARS],
            written_at=row.created_at,
            language=code_of(row.language, row.text),
            rating=row.rating,
            item_id=ids.get(row.item_key),
            category=categories.get(ids.get(row.item_key, 0), ""),
            author=f"customer:{row.customer}" if row.customer else "",
            is_verified=row.verified_purchase,
            status=row.status,
        )
        for row in rows
    ]


def code_of(given: str, text: str) -> str:
    """Return the two-letter code of a text's language: what it looks like, not what is claimed."""
    found = language(text[:2000])
    if found == UNKNOWN:
        found = given.split("-")[0].lower()
    return found or UNKNOWN


# -- what the shop keeps itself -------------------------------------------------------------
def pending_of_shop(
    channel: str, artifact_id: int | None, words_at: datetime | None, batch: int
) -> Iterator[list[ShopReview]]:
    """
    Yield batches of the shop's own reviews that the live model has not read.

    All of them are asked for: an adapter cannot be asked for what *we* have not done.
    """
    reviews = get_adapter().reviews()
    if reviews is None or channel != get_adapter().get_channel():
        return
    part: list[ShopReview] = []
    for one in reviews.iter_reviews():
        part.append(one)
        if len(part) >= 10 * batch:
            yield from _unread(part, channel, artifact_id, words_at, batch)
            part = []
    yield from _unread(part, channel, artifact_id, words_at, batch)


def _unread(
    rows: list[ShopReview],
    channel: str,
    artifact_id: int | None,
    words_at: datetime | None,
    batch: int,
) -> Iterator[list[ShopReview]]:
    if not rows:
        return
    known = _by(artifact_id, words_at).filter(
        channel=channel, subject_kind=SubjectKind.SHOP, subject_key__in=[row.ref for row in rows]
    )
    read = dict(known.values_list("subject_key", "analysed_at"))
    left = [
        row
        for row in rows
        if row.ref not in read or (row.updated_at or row.created_at) > read[row.ref]
    ]
    for start in range(0, len(left), batch):
        yield left[start : start + batch]


def texts_of(kind: str, keys: Sequence[str]) -> dict[str, str]:
    """Return the texts of subjects by key; those that are gone are absent."""
    if kind == SubjectKind.SHOP:
        reviews = get_adapter().reviews()
        found = reviews.get_reviews(list(keys)) if reviews is not None else {}
        return {key: row.text for key, row in found.items()}
    model: Any = Review if kind == SubjectKind.REVIEW else Post
    texts: dict[str, str] = {}
    for start in range(0, len(keys), 500):
        rows = model.objects.filter(key__in=keys[start : start + 500])
        texts |= {str(row.key): row.text for row in rows.only("key", "title", "body")}
    return texts
