"""
What a moderator does with a row of the queue. One act may be several decisions (a review and the
pictures beside it), and is taken back as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils.translation import gettext as _

from engagement.flows.reviews import deciding
from engagement.flows.reviews.deciding import Actor, AlreadyModerated, CannotUndo
from engagement.models import (
    ModerationDecision,
    Post,
    Review,
    ReviewAnalysis,
    ReviewLabel,
    Sentiment,
    Status,
    SubjectKind,
)

ACTS = {"approve": Status.PUBLISHED, "reject": Status.REJECTED, "hold": Status.HELD}


class Gone(Exception):
    """There is no such row any more: it was withdrawn, erased, or is another shop's."""

    def __init__(self) -> None:
        super().__init__(_("It is not there any more."))


@dataclass(frozen=True, slots=True)
class Looked:
    """
    A row as somebody saw it. Only this is decided about: a row that changed meanwhile, by another
    moderator or by its author, stays as it is.
    """

    kind: SubjectKind
    key: str
    status: str = Status.HELD
    version: datetime | None = None
    # Keys of the waiting pictures that were shown with it.
    pictures: Sequence[str] = ()

    @property
    def ref(self) -> str:
        return f"{self.kind.value}:{self.key}"


def act(
    looked: Looked,
    what: str,
    *,
    at: datetime,
    moderator: Any,
    reason: str = "",
    note: str = "",
) -> ModerationDecision | None:
    """
    Approve, reject or hold one row; return the decision, None for a post, which has none.

    Approving a review publishes the pictures that were seen with it. Raises AlreadyModerated where
    somebody was quicker, Gone where there is nothing, ValueError for a rejection without reason.
    """
    if looked.kind == SubjectKind.POST:
        deal_with(looked.key, at=at, moderator=moderator)
        return None
    waiting = looked.status in deciding.WAITING
    how: dict[str, Any] = {
        "at": at,
        "actor": Actor.MODERATOR,
        "moderator": moderator,
        "reasons": [reason] if reason and what != "approve" else [],
        "note": note,
    }
    try:
        with transaction.atomic():
            decision = deciding.decide(
                looked.kind,
                looked.key,
                ACTS[what],
                seen=deciding.WAITING if waiting else [looked.status],
                version=looked.version if looked.kind == SubjectKind.REVIEW else None,
                **how,
            )
            if what == "approve" and looked.pictures:
                own = Review.objects.filter(pictures__key__in=looked.pictures, key=looked.key)
                keys = own.values_list("pictures__key", flat=True)
                shown = [str(key) for key in keys if str(key) in set(looked.pictures)]
                deciding.decide_many(SubjectKind.PICTURE, shown, Status.PUBLISHED, **how)
    except ObjectDoesNotExist:
        raise Gone from None
    return decision


def take_back(pk: int, *, at: datetime, moderator: Any) -> ModerationDecision:
    """
    Undo a moderator's act whole: the decision ``pk``, and those about pictures that were part of
    it. Raises AlreadyModerated, CannotUndo, or Gone.
    """
    decision = ModerationDecision.objects.filter(pk=pk).first()
    if decision is None:
        raise Gone
    if decision.actor != Actor.MODERATOR:
        raise CannotUndo(_("Only what a moderator has decided can be taken back."))
    try:
        with transaction.atomic():
            undone = deciding.undo(decision, moderator=moderator, at=at)
            for part in _parts(decision):
                deciding.undo(part, moderator=moderator, at=at)
    except ObjectDoesNotExist:
        raise Gone from None
    return undone


def _parts(decision: ModerationDecision) -> list[ModerationDecision]:
    """Return the decisions about pictures that were made in one act with this one."""
    if decision.subject_kind != SubjectKind.REVIEW or decision.review_id is None:
        return []
    rows = ModerationDecision.objects.filter(
        review=decision.review_id,
        subject_kind=SubjectKind.PICTURE,
        moderator=decision.moderator_id,
        decided_at=decision.decided_at,
        undone_by=None,
    )
    latest = {
        key: deciding.latest(SubjectKind.PICTURE, key) for key in {r.subject_key for r in rows}
    }
    return [row for row in rows if latest[row.subject_key] == row]


def last_decisions(moderator: Any, *, channel: str, n: int = 8) -> list[ModerationDecision]:
    """Return what a moderator decided last and nobody has taken back, latest first."""
    rows = ModerationDecision.objects.filter(
        channel=channel, moderator=moderator, undone_by=None, undoes=None
    ).exclude(subject_kind=SubjectKind.PICTURE)
    return list(rows.select_related("review__item").order_by("-pk")[:n])


# -- posts from elsewhere -------------------------------------------------------------------
def deal_with(key: str, *, at: datetime, moderator: Any) -> None:
    """Take a post off the queue. Raises AlreadyModerated where somebody has, Gone, if it is."""
    rows = Post.objects.filter(key=key)
    if not rows.filter(handled_at=None).update(handled_at=at, handled_by=moderator):
        if not rows.exists():
            raise Gone
        raise AlreadyModerated(None)


def take_up_again(key: str) -> None:
    """Put a post back into the queue."""
    if not Post.objects.filter(key=key).update(handled_at=None, handled_by=None):
        raise Gone


# -- what the model should have said --------------------------------------------------------
def correct(
    kind: SubjectKind, key: str, sentiment: str, *, at: datetime, moderator: Any
) -> ReviewLabel:
    """
    Keep a person's word on what a text feels like: training data, and shown from now on.

    The last word counts. Raises Gone where nothing was analysed, ValueError for an unknown label.
    """
    analysis = ReviewAnalysis.objects.of(kind, key).first()
    if analysis is None:
        raise Gone
    return _label(analysis, "sentiment", Sentiment(sentiment), at, moderator)


def correct_aspect(
    kind: SubjectKind, key: str, aspect: str, sentiment: str, *, at: datetime, moderator: Any
) -> ReviewLabel:
    """
    Keep a person's word on how a text feels about an aspect, likewise.

    Raises Gone where nothing was analysed or the text says nothing of it, ValueError for an
    unknown label.
    """
    value = Sentiment(sentiment)
    analysis = ReviewAnalysis.objects.of(kind, key).first()
    if analysis is None or aspect not in {one["aspect"] for one in analysis.aspects}:
        raise Gone
    return _label(analysis, f"aspect:{aspect}", value, at, moderator)


def _label(
    analysis: ReviewAnalysis, field: str, value: Sentiment, at: datetime, moderator: Any
) -> ReviewLabel:
    label, _created = ReviewLabel.objects.update_or_create(
        subject_kind=analysis.subject_kind,
        subject_key=analysis.subject_key,
        field=field,
        defaults={
            "channel": analysis.channel,
            "review_id": analysis.review_id,
            "post_id": analysis.post_id,
            "value": value.value,
            "labelled_by": moderator,
            "labelled_at": at,
        },
    )
    return label
