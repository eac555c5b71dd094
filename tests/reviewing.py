"""Reviews in the bookshop: written as a reader would, or put there as a test needs them."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from engagement.flows.reviews import ratings, submit
from engagement.flows.reviews.authors import Author, author_of_customer
from engagement.models import (
    EventName,
    Item,
    Review,
    ReviewAnalysis,
    Sentiment,
    Status,
    SubjectKind,
)
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_book, make_event, make_item


def book_item(title: str, **fields: Any) -> Item:
    """Create a book and its mirror."""
    return make_item(title, external_id=make_book(title, **fields).pk)


def reader(name: str) -> Author:
    """Return a customer of the shop as an author."""
    return author_of_customer(name, "")


def bought(who: Author, item: Item, *, at: datetime = MONDAY, order: str = "S1") -> None:
    event = make_event(None, item, at=at, event=EventName.PURCHASE, order_ref=order, value=10)
    event.visitor_id = who.visitor_id
    event.save()


def write(
    who: Author, item: Item, *, rating: int = 5, body: str = "A fine book.", **more: Any
) -> Review:
    """Write a review through the front door."""
    at = more.pop("at", MONDAY)
    files = more.pop("files", ())
    order = more.pop("order", "")
    return submit.submit(
        {"rating": rating, "body": body, **more},
        author=who,
        item=item,
        at=at,
        order_ref=order,
        files=files,
    )


def published(
    item: Item, *, rating: int = 5, at: datetime = MONDAY, count: bool = True, **fields: Any
) -> Review:
    """Put a published review there, as if it had been let through."""
    fields.setdefault("body", "A fine book.")
    review = Review.objects.create(
        channel=item.channel,
        item=item,
        rating=rating,
        status=Status.PUBLISHED,
        published_at=at,
        created_at=at,
        updated_at=at,
        **fields,
    )
    if count:
        ratings.recount(item.pk, at=at)
    return review


def analysed(
    review: Review,
    *flags: tuple[str, float],
    sentiment: str = Sentiment.POSITIVE,
    p_negative: float = 0.1,
    at: datetime | None = None,
) -> ReviewAnalysis:
    """Put an analysis there, with flags as (code, confidence)."""
    ReviewAnalysis.objects.filter(review=review).delete()
    return ReviewAnalysis.objects.create(
        subject_kind=SubjectKind.REVIEW,
        subject_key=str(review.key),
        channel=review.channel,
        review=review,
        item=review.item,
        rating=review.rating,
        written_at=review.created_at,
        sentiment=sentiment,
        p_negative=p_negative,
        p_neutral=0.1,
        p_positive=round(0.9 - p_negative, 6),
        score=0.5,
        flags=[
            {"code": code, "reason": "", "confidence": sure, "spans": []} for code, sure in flags
        ],
        analysed_at=at or review.updated_at,
    )


def photo(
    name: str = "cat.jpg", *, kind: str = "JPEG", size: tuple[int, int] = (40, 30), **options: Any
) -> SimpleUploadedFile:
    """Return a picture as a browser sends it."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", size, "orange").save(out, kind, **options)
    return SimpleUploadedFile(name, out.getvalue(), content_type="image/jpeg")
