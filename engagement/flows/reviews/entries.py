"""
The rows of one page with everything that a moderator needs to know about them, read in bulk: the
statements are the same whatever their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engagement.adapters import get_adapter
from engagement.flows import faults
from engagement.flows.reviews import entry_context
from engagement.flows.reviews.entry import Author, Entry, is_key
from engagement.flows.reviews.queue_kinds import CHANNEL, MODELS, OPEN, Place
from engagement.models import (
    Answer,
    Item,
    Post,
    Question,
    Review,
    ReviewAnalysis,
    ReviewPicture,
    Status,
    SubjectKind,
)


def load(places: Sequence[Place]) -> list[Entry]:
    """Return the rows of ``places`` in their order; what has gone meanwhile is left out."""
    wanted: dict[SubjectKind, list[int]] = {}
    for place in places:
        wanted.setdefault(place.kind, []).append(place.pk)
    found: dict[Place, Entry] = {}
    for kind, pks in wanted.items():
        for pk, entry in _READERS[kind](pks).items():
            found[Place(kind, pk)] = entry
    entries = [found[place] for place in places if place in found]
    entry_context.complete(entries)
    return entries


def by_refs(
    refs: Iterable[str], *, channel: str | None = None, decided: bool = False
) -> list[Entry]:
    """
    Return the rows that forms name, in their order; unknown and foreign ones are left out, and
    with ``decided`` those that still wait.
    """
    keys: dict[SubjectKind, list[str]] = {}
    asked = list(dict.fromkeys(refs))
    for ref in asked:
        kind, _colon, key = ref.partition(":")
        if kind in SubjectKind.values and key:
            keys.setdefault(SubjectKind(kind), []).append(key)
    places: dict[str, Place] = {}
    for kind, those in keys.items():
        rows: Any = MODELS[kind]._default_manager.all()
        if channel is not None:
            rows = rows.filter(**{CHANNEL.get(kind, "channel"): channel})
        if decided:
            rows = rows.exclude(**_waiting(kind))
        if kind == SubjectKind.SHOP:
            rows = rows.filter(subject_kind=kind, subject_key__in=those)
            pairs = rows.values_list("subject_key", "pk")
        else:
            pairs = rows.filter(key__in=[one for one in those if is_key(one)]).values_list(
                "key", "pk"
            )
        places |= {f"{kind.value}:{key}": Place(kind, pk) for key, pk in pairs}
    return load([places[ref] for ref in asked if ref in places])


def _waiting(kind: SubjectKind) -> dict[str, Any]:
    if kind == SubjectKind.POST:
        return {"handled_at": None}
    return {"shop_status__in" if kind == SubjectKind.SHOP else "status__in": OPEN}


# -- each kind by itself --------------------------------------------------------------------
def _reviews(pks: Sequence[int]) -> dict[int, Entry]:
    rows = Review.objects.filter(pk__in=pks).select_related("item", "analysis", "visitor")
    return {
        row.pk: Entry(
            kind=SubjectKind.REVIEW,
            key=str(row.key),
            at=row.created_at,
            status=row.status,
            title=row.title,
            body=row.body,
            rating=row.rating,
            language=row.language,
            author_name=row.author_name,
            item=row.item,
            row=row,
            verified=row.verified_purchase,
            reply=row.reply_text,
            reasons=row.reasons,
            n_reports=row.n_reports,
            author=Author(row.visitor_id) if row.visitor_id else None,
            analysis=getattr(row, "analysis", None),
        )
        for row in rows.defer("analysis__embedding", "item__text")
    }


def _posts(pks: Sequence[int]) -> dict[int, Entry]:
    rows = Post.objects.filter(pk__in=pks).select_related("item", "analysis", "handled_by")
    return {
        row.pk: Entry(
            kind=SubjectKind.POST,
            key=str(row.key),
            at=row.posted_at,
            status=Status.PUBLISHED if row.handled_at else Status.PENDING,
            title=row.title,
            body=row.body,
            rating=row.rating,
            language=row.language,
            author_name=row.author,
            item=row.item,
            row=row,
            url=row.url,
            source=row.source,
            analysis=getattr(row, "analysis", None),
        )
        for row in rows.defer("analysis__embedding", "item__text")
    }


def _of_shop(pks: Sequence[int]) -> dict[int, Entry]:
    """Ask the shop for the words of its own reviews; what it no longer has is left out."""
    rows = ReviewAnalysis.objects.filter(pk__in=pks).select_related("item")
    analyses = list(rows.defer("embedding", "item__text"))
    reviews = get_adapter().reviews()
    texts: Mapping[str, Any] = {}
    if reviews is not None:
        try:
            texts = reviews.get_reviews([one.subject_key for one in analyses])
        except Exception:  # A mistake in the shop's adapter must not take the queue away.
            faults.report("shop_reviews", "The shop's own reviews could not be read")
    return {
        one.pk: Entry(
            kind=SubjectKind.SHOP,
            key=one.subject_key,
            at=one.written_at,
            status=shown.status,
            title=shown.title,
            body=shown.body,
            rating=shown.rating,
            language=shown.language or one.language,
            author_name=shown.author_name,
            item=one.item,
            row=one,
            verified=shown.verified_purchase,
            url=shown.url,
            reply=shown.reply,
            analysis=one,
        )
        for one in analyses
        if (shown := texts.get(one.subject_key)) is not None
    }


def _pictures(pks: Sequence[int]) -> dict[int, Entry]:
    rows = ReviewPicture.objects.filter(pk__in=pks).select_related("review__item")
    return {
        row.pk: Entry(
            kind=SubjectKind.PICTURE,
            key=str(row.key),
            at=row.created_at,
            status=row.status,
            body=row.caption,
            rating=row.review.rating,
            language=row.review.language,
            author_name=row.review.author_name,
            item=row.review.item,
            row=row,
            verified=row.review.verified_purchase,
            about=row.review.text,
            author=Author(row.review.visitor_id) if row.review.visitor_id else None,
            pictures=[row],
        )
        for row in rows.defer("review__item__text")
    }


def _questions(pks: Sequence[int]) -> dict[int, Entry]:
    rows = Question.objects.filter(pk__in=pks).select_related("item").defer("item__text")
    return {row.pk: _asked(SubjectKind.QUESTION, row, row.item) for row in rows}


def _answers(pks: Sequence[int]) -> dict[int, Entry]:
    rows = Answer.objects.filter(pk__in=pks).select_related("question__item")
    return {
        row.pk: _asked(SubjectKind.ANSWER, row, row.question.item, about=row.question.body)
        for row in rows.defer("question__item__text")
    }


def _asked(kind: SubjectKind, row: Any, item: Item, about: str = "") -> Entry:
    return Entry(
        kind=kind,
        key=str(row.key),
        at=row.created_at,
        status=row.status,
        body=row.body,
        language=row.language,
        author_name=row.author_name,
        item=item,
        row=row,
        verified=getattr(row, "verified_purchase", False),
        about=about,
        reasons=row.reasons,
        n_reports=row.n_reports,
        author=Author(row.visitor_id) if row.visitor_id else None,
    )


_READERS = {
    SubjectKind.REVIEW: _reviews,
    SubjectKind.POST: _posts,
    SubjectKind.SHOP: _of_shop,
    SubjectKind.PICTURE: _pictures,
    SubjectKind.QUESTION: _questions,
    SubjectKind.ANSWER: _answers,
}
