"""Reviews of books whose feelings are obvious, and what was made of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

from engagement.models import Item, Post, Review, ReviewAnalysis, Visitor
from tests.othershop import catalogue

_numbers = count(1)

GOOD = {
    "en": ("wonderful", "lovely", "brilliant", "gripping", "splendid", "moving"),
    "zh": ("精彩", "好看", "感人", "喜欢", "推荐", "满意"),
}
BAD = {
    "en": ("dreadful", "boring", "tedious", "clumsy", "awful", "dull"),
    "zh": ("无聊", "难看", "失望", "糟糕", "后悔", "差劲"),
}
THINGS = {
    "en": ("plot", "story", "ending", "hero", "writing", "paper", "cover", "chapter"),
    "zh": ("情节", "故事", "结尾", "主角", "文笔", "纸张", "封面", "章节"),
}


def item(title: str = "Dune", **fields: object) -> Item:
    return Item.objects.filter(title=title).first() or catalogue.make_item(title, **fields)


def visitor(key: str = "") -> Visitor:
    row, _ = Visitor.objects.get_or_create(channel="", key=key or f"{next(_numbers):032d}")
    return row


def review(
    body: str,
    *,
    at: datetime,
    rating: int = 5,
    about: Item | None = None,
    author: Visitor | None = None,
    status: str = Review(rating=5).status,
    **fields: object,
) -> Review:
    values = {"title": "", "channel": "", "language": "", **fields}
    published = at if status == "published" else None
    return Review.objects.create(
        item=about or item(),
        visitor=author or visitor(),
        rating=rating,
        body=body,
        status=status,
        created_at=at,
        updated_at=at,
        published_at=published,
        **values,
    )


def rated(n: int, *, at: datetime, language: str = "en", about: Item | None = None) -> list[Review]:
    """Return ``n`` published reviews of which two in three are glad; no two say the same."""
    rows = []
    for number in range(n):
        is_glad = number % 3 != 0
        feelings = (GOOD if is_glad else BAD)[language]
        things = THINGS[language]
        first, second = feelings[number % 6], feelings[(number // 6 + 1) % 6]
        thing, other = things[number % 8], things[(number // 8 + 3) % 8]
        body = {
            "en": f"The {thing} is {first} and the {other} is {second}, number {number}.",
            "zh": f"{thing}很{first}，{other}也{second}，第{number}本。",
        }[language]
        moment = at - timedelta(hours=number)
        rows.append(
            review(body, at=moment, rating=5 if is_glad else 1, about=about, status="published")
        )
    return rows


def post(body: str, *, at: datetime, **fields: object) -> Post:
    number = next(_numbers)
    return Post.objects.create(
        channel="", source="forum", external_id=str(number), body=body, posted_at=at, **fields
    )


def analysis(of: Review | Post) -> ReviewAnalysis:
    return ReviewAnalysis.objects.get(subject_key=str(of.key))


def codes(of: Review | Post) -> dict[str, str]:
    """Return the flags of a review: reasons by code."""
    return {flag["code"]: flag["reason"] for flag in analysis(of).flags}
