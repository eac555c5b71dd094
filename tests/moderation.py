"""Fills a moderator's queue: single rows of every kind, and ten thousand of them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils.text import slugify

from engagement.models import (
    Answer,
    Item,
    Post,
    Question,
    Review,
    ReviewAnalysis,
    ReviewPicture,
    Sentiment,
    Status,
    SubjectKind,
    Visitor,
)
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_item, make_visitor

SCORES = {Sentiment.NEGATIVE: -0.8, Sentiment.NEUTRAL: 0.0, Sentiment.POSITIVE: 0.8}


def item_of(title: str) -> Item:
    return Item.objects.filter(external_id=slugify(title)).first() or make_item(title)


def write(
    body: str,
    *,
    of: str = "Dune",
    by: str | Visitor | None = "reader",
    at: datetime = MONDAY,
    status: str = Status.HELD,
    sentiment: str = "",
    flags: list[dict[str, Any]] | None = None,
    aspects: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> Review:
    """Store a review as it stands after it was analysed (where ``sentiment`` is given)."""
    fields.setdefault("rating", 3)
    fields.setdefault("language", "en")
    decided = status in (Status.PUBLISHED, Status.REJECTED)
    review = Review.objects.create(
        item=item_of(of),
        visitor=make_visitor(by) if isinstance(by, str) else by,
        body=body,
        status=status,
        created_at=at,
        updated_at=at,
        moderated_at=at if decided else None,
        published_at=at if status == Status.PUBLISHED else None,
        **fields,
    )
    if sentiment:
        understand(review, sentiment, flags=flags, aspects=aspects)
    return review


def understand(
    subject: Review | Post,
    sentiment: str,
    *,
    flags: list[dict[str, Any]] | None = None,
    aspects: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> ReviewAnalysis:
    """Store what a model made of a review or a post."""
    is_review = isinstance(subject, Review)
    likely = {name: 0.8 if name == sentiment else 0.1 for name in Sentiment}
    written = subject.created_at if isinstance(subject, Review) else subject.posted_at
    return ReviewAnalysis.objects.create(
        **{
            "subject_kind": SubjectKind.REVIEW if is_review else SubjectKind.POST,
            "subject_key": str(subject.key),
            "review": subject if is_review else None,
            "post": None if is_review else subject,
            "channel": subject.channel,
            "item": subject.item,
            "rating": subject.rating,
            "written_at": written,
            "sentiment": sentiment,
            "score": SCORES[Sentiment(sentiment)],
            "language": subject.language,
            "flags": flags or [],
            "aspects": aspects or [],
            "analysed_at": written,
            **{f"p_{name.value}": p for name, p in likely.items()},
            **fields,
        }
    )


def understand_shop(ref: str, sentiment: str, **fields: Any) -> ReviewAnalysis:
    """Store what a model made of a review that the shop keeps itself."""
    fields = {
        "item": item_of("Dune"),
        "written_at": MONDAY,
        "language": "en",
        "shop_status": Status.HELD,
        **fields,
    }
    return ReviewAnalysis.objects.create(
        subject_kind=SubjectKind.SHOP,
        subject_key=ref,
        sentiment=sentiment,
        score=SCORES[Sentiment(sentiment)],
        p_negative=0.1,
        p_neutral=0.1,
        p_positive=0.8,
        analysed_at=fields["written_at"],
        **fields,
    )


def flag(code: str, *spans: tuple[str, int, int], confidence: float = 0.9, **more: Any) -> dict:
    """Return a flag as analyses store it."""
    return {
        "code": code,
        "confidence": confidence,
        "spans": [{"field": field, "start": start, "end": end} for field, start, end in spans],
        **more,
    }


def post(body: str, *, at: datetime = MONDAY, sentiment: str = "", **fields: Any) -> Post:
    flags = fields.pop("flags", None)
    one = Post.objects.create(
        **{
            "source": "forum.example",
            "external_id": uuid.uuid4().hex,
            "body": body,
            "language": "en",
            "posted_at": at,
            "item": item_of("Dune"),
            **fields,
        }
    )
    if sentiment:
        understand(one, sentiment, flags=flags)
    return one


def ask(
    body: str, *, at: datetime = MONDAY, status: str = Status.PENDING, **fields: Any
) -> Question:
    return Question.objects.create(
        item=item_of("Dune"),
        visitor=make_visitor("asker"),
        body=body,
        language="en",
        status=status,
        created_at=at,
        published_at=at if status == Status.PUBLISHED else None,
        **fields,
    )


def answer(question: Question, body: str, *, at: datetime = MONDAY, **fields: Any) -> Answer:
    return Answer.objects.create(
        question=question,
        visitor=make_visitor("helper"),
        body=body,
        language="en",
        created_at=at,
        **fields,
    )


def picture(review: Review, *, status: str = Status.HELD) -> ReviewPicture:
    """Attach a picture; its file does not exist, which no list of pages needs."""
    name = uuid.uuid4().hex
    return ReviewPicture.objects.create(
        review=review,
        file=f"engagement/reviews/{name}.jpg",
        sha256=name,
        width=800,
        height=600,
        n_bytes=1,
        status=status,
        created_at=review.created_at,
    )


def fill(n: int, *, until: datetime, n_items: int = 50, n_authors: int = 800) -> None:
    """Fill the queue with ``n`` reviews that wait, every second of them flagged."""
    items = [item_of(f"Book {i}") for i in range(n_items)]
    Visitor.objects.bulk_create(Visitor(key=f"author-{i}") for i in range(n_authors))
    authors = list(Visitor.objects.filter(key__startswith="author-"))
    moods = list(Sentiment)
    reviews = Review.objects.bulk_create(
        (
            Review(
                item=items[i % n_items],
                visitor=authors[i % n_authors],
                author_name=f"Author {i % n_authors}",
                rating=1 + i % 5,
                title=f"Title {i}",
                body=f"This is the text of review {i}. " * 8,
                language="zh" if i % 3 == 0 else "en",
                status=Status.HELD,
                created_at=until - timedelta(minutes=i),
                updated_at=until - timedelta(minutes=i),
                verified_purchase=i % 2 == 0,
            )
            for i in range(n)
        ),
        batch_size=500,
    )
    ReviewAnalysis.objects.bulk_create(
        (
            ReviewAnalysis(
                subject_kind=SubjectKind.REVIEW,
                subject_key=str(review.key),
                review=review,
                item=review.item,
                rating=review.rating,
                written_at=review.created_at,
                sentiment=moods[i % 3],
                p_negative=0.2,
                p_neutral=0.2,
                p_positive=0.6,
                score=SCORES[moods[i % 3]],
                language=review.language,
                flags=[flag("PII", ("body", 5, 12))] if i % 2 else [],
                analysed_at=until,
            )
            for i, review in enumerate(reviews)
        ),
        batch_size=500,
    )
