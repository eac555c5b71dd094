"""
Which rows of each kind stand in a moderator's queue. Six tables answer the same questions; where
one has no such column, it has no such rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from engagement.models import (
    Answer,
    Post,
    Question,
    Review,
    ReviewAnalysis,
    ReviewPicture,
    Sentiment,
    Status,
    SubjectKind,
)

WAITING = "waiting"
OPEN = (Status.PENDING, Status.HELD)
STATUSES = (WAITING, Status.PUBLISHED, Status.REJECTED, Status.WITHDRAWN, "all")
ORDERS = ("oldest", "newest", "worst", "reported")
# Spans of days; "older" is what has waited for longer than a week.
AGES = {"1": 1, "7": 7, "30": 30, "older": 7}
ANY_FLAG, NO_FLAG, REPORTED = "any", "none", "reported"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of the queue; empty means all of them. Unknown values match nothing."""

    channel: str = ""
    status: str = WAITING
    kind: str = ""
    # A code, or ANY_FLAG, NO_FLAG, REPORTED.
    flag: str = ""
    sentiment: str = ""
    language: str = ""
    # An item's key, or words of its title.
    item: str = ""
    age: str = ""
    search: str = ""
    rating: int | None = None
    author: int | None = None
    verified: bool | None = None
    order: str = "oldest"

    @property
    def narrows_by_analysis(self) -> bool:
        return bool(self.sentiment or (self.flag and self.flag != REPORTED))


@dataclass(frozen=True, slots=True)
class Place:
    """One row of the queue: its kind and the primary key of its own table."""

    kind: SubjectKind
    pk: int


MODELS: dict[SubjectKind, Any] = {
    SubjectKind.REVIEW: Review,
    SubjectKind.SHOP: ReviewAnalysis,
    SubjectKind.POST: Post,
    SubjectKind.PICTURE: ReviewPicture,
    SubjectKind.QUESTION: Question,
    SubjectKind.ANSWER: Answer,
}
# Kinds of which only those are counted that wait: a picture is decided about with its review.
ATTENDED = (SubjectKind.POST, SubjectKind.PICTURE)
CHANNEL = {SubjectKind.PICTURE: "review__channel", SubjectKind.ANSWER: "question__channel"}
MOMENT = {
    SubjectKind.REVIEW: "created_at",
    SubjectKind.SHOP: "written_at",
    SubjectKind.POST: "posted_at",
    SubjectKind.PICTURE: "created_at",
    SubjectKind.QUESTION: "created_at",
    SubjectKind.ANSWER: "created_at",
}
MOOD = {
    SubjectKind.REVIEW: "analysis__score",
    SubjectKind.SHOP: "score",
    SubjectKind.POST: "analysis__score",
}
REPORTABLE = (SubjectKind.REVIEW, SubjectKind.QUESTION, SubjectKind.ANSWER)
ITEM = {SubjectKind.PICTURE: "review__item", SubjectKind.ANSWER: "question__item"}
LANGUAGE = {SubjectKind.PICTURE: "review__language"}
RATING = {SubjectKind.PICTURE: "review__rating"}
AUTHOR = {SubjectKind.PICTURE: "review__visitor"}
ANALYSIS = {SubjectKind.REVIEW: "analysis__", SubjectKind.SHOP: "", SubjectKind.POST: "analysis__"}
TEXTS: dict[SubjectKind, tuple[str, ...]] = {
    SubjectKind.REVIEW: ("title", "body", "author_name"),
    SubjectKind.POST: ("title", "body", "author"),
    SubjectKind.PICTURE: ("caption",),
    SubjectKind.QUESTION: ("body", "author_name"),
    SubjectKind.ANSWER: ("body", "author_name"),
}


def rows_of(kind: SubjectKind, wanted: Wanted, at: datetime) -> QuerySet[Any, Any] | None:
    """Return the rows of one kind, or None where it has none that could match."""
    if wanted.kind and wanted.kind != kind:
        return None
    rows: QuerySet[Any, Any] = MODELS[kind]._default_manager.filter(
        **{CHANNEL.get(kind, "channel"): wanted.channel}
    )
    if kind == SubjectKind.SHOP:
        rows = rows.filter(subject_kind=SubjectKind.SHOP)
    narrowed: QuerySet[Any, Any] | None = _of_status(kind, rows, wanted.status)
    for narrow in (_of_analysis, _of_item, _of_age, _of_text, _of_author):
        if narrowed is None:
            return None
        narrowed = narrow(kind, narrowed, wanted, at)
    return narrowed


def _of_status(
    kind: SubjectKind, rows: QuerySet[Any, Any], status: str
) -> QuerySet[Any, Any] | None:
    if kind == SubjectKind.POST:
        if status == "all":
            return rows
        return rows.filter(needs_attention(), handled_at=None) if status == WAITING else None
    if kind == SubjectKind.PICTURE:
        if status == WAITING:
            # Those of a review that waits itself are decided about beside its words.
            return rows.filter(status__in=OPEN, review__status=Status.PUBLISHED)
        return rows if status == "all" else rows.filter(status=status)
    column = "shop_status" if kind == SubjectKind.SHOP else "status"
    if status == WAITING:
        return rows.filter(**{f"{column}__in": OPEN})
    return rows if status == "all" else rows.filter(**{column: status})


def needs_attention() -> Q:
    """Return which posts a person should see: displeased ones, and those with a flag."""
    return (
        Q(analysis__sentiment=Sentiment.NEGATIVE)
        | Q(rating__lte=2)
        | (Q(analysis__isnull=False) & ~Q(analysis__flags=[]))
    )


def _of_analysis(
    kind: SubjectKind, rows: QuerySet[Any, Any], wanted: Wanted, at: datetime
) -> QuerySet[Any, Any] | None:
    if wanted.flag == REPORTED:
        if kind not in REPORTABLE:
            return None
        rows = rows.filter(n_reports__gt=0)
    if not wanted.narrows_by_analysis:
        return rows
    if kind not in ANALYSIS:
        return None
    to = ANALYSIS[kind]
    if wanted.sentiment:
        rows = rows.filter(**{f"{to}sentiment": wanted.sentiment})
    if wanted.flag == ANY_FLAG:
        # Not exclude(): with a join in it that would also let pass what has no analysis.
        rows = rows.filter(Q(**{f"{to}pk__isnull": False}) & ~Q(**{f"{to}flags": []}))
    elif wanted.flag == NO_FLAG:
        rows = rows.filter(**{f"{to}flags": []})
    elif wanted.flag and wanted.flag != REPORTED:
        # SQLite cannot look into arrays of JSON; all databases write it with this one space.
        rows = rows.annotate(flags_text=Cast(f"{to}flags", TextField())).filter(
            flags_text__contains=f'"code": "{wanted.flag}"'
        )
    return rows


def _of_item(
    kind: SubjectKind, rows: QuerySet[Any, Any], wanted: Wanted, at: datetime
) -> QuerySet[Any, Any] | None:
    if wanted.item:
        to = ITEM.get(kind, "item")
        rows = rows.filter(
            Q(**{f"{to}__key": wanted.item}) | Q(**{f"{to}__title__icontains": wanted.item})
        )
    if wanted.language:
        rows = rows.filter(**{LANGUAGE.get(kind, "language"): wanted.language})
    return rows


def _of_age(
    kind: SubjectKind, rows: QuerySet[Any, Any], wanted: Wanted, at: datetime
) -> QuerySet[Any, Any] | None:
    if not wanted.age:
        return rows
    if wanted.age not in AGES:
        return None
    moment = at - timedelta(days=AGES[wanted.age])
    side = "lt" if wanted.age == "older" else "gte"
    return rows.filter(**{f"{MOMENT[kind]}__{side}": moment})


def _of_text(
    kind: SubjectKind, rows: QuerySet[Any, Any], wanted: Wanted, at: datetime
) -> QuerySet[Any, Any] | None:
    if not wanted.search:
        return rows
    if kind == SubjectKind.SHOP:
        # Their words lie in the shop; here they are known by reference.
        return rows.filter(subject_key=wanted.search)
    found = Q()
    for column in TEXTS[kind]:
        found |= Q(**{f"{column}__icontains": wanted.search})
    return rows.filter(found)


def _of_author(
    kind: SubjectKind, rows: QuerySet[Any, Any], wanted: Wanted, at: datetime
) -> QuerySet[Any, Any] | None:
    if wanted.author is not None:
        if kind in (SubjectKind.SHOP, SubjectKind.POST):
            return None
        rows = rows.filter(**{AUTHOR.get(kind, "visitor"): wanted.author})
    if wanted.rating is not None:
        if kind in (SubjectKind.QUESTION, SubjectKind.ANSWER):
            return None
        rows = rows.filter(**{RATING.get(kind, "rating"): wanted.rating})
    if wanted.verified is not None:
        if kind != SubjectKind.REVIEW:
            return None
        rows = rows.filter(verified_purchase=wanted.verified)
    return rows
