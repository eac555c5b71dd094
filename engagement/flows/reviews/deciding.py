"""
Decisions about what customers write: by a moderator, by policy, by the author. Each is one atomic
step from a status that was seen to another, and leaves a row that says who, when and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagement.adapters import get_adapter
from engagement.flows.reviews import ratings
from engagement.flows.reviews.announcing import announce
from engagement.models import (
    Answer,
    ModerationDecision,
    Question,
    ReasonCode,
    Review,
    ReviewAnalysis,
    ReviewPicture,
    Status,
    SubjectKind,
)
from engagement.signals import review_moderated

Actor = ModerationDecision.Actor
WAITING = (Status.PENDING, Status.HELD)
MODELS: dict[str, Any] = {
    SubjectKind.REVIEW: Review,
    SubjectKind.PICTURE: ReviewPicture,
    SubjectKind.QUESTION: Question,
    SubjectKind.ANSWER: Answer,
}


class AlreadyModerated(Exception):
    """Somebody else was quicker. ``decision`` is theirs, None where it left no row."""

    def __init__(self, decision: ModerationDecision | None) -> None:
        self.decision = decision
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """Return «Already moderated by Ada at 14:05: published» in the reader's language."""
        if self.decision is None:
            return _("This has changed since you looked at it.")
        moment = timezone.localtime(self.decision.decided_at)
        who = {
            Actor.POLICY: _("policy"),
            Actor.AUTHOR: _("its author"),
        }.get(Actor(self.decision.actor), str(self.decision.moderator or _("a moderator")))
        return _("Already moderated by %(who)s at %(time)s: %(status)s.") % {
            "who": who,
            "time": date_format(moment, "TIME_FORMAT"),
            "status": Status(self.decision.to_status).label,
        }


class CannotUndo(Exception):
    """This decision is not a moderator's to take back."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """What became of many: the decisions that were made, and by key who had been quicker."""

    decisions: list[ModerationDecision] = field(default_factory=list)
    conflicts: dict[str, AlreadyModerated] = field(default_factory=dict)


def decide(
    kind: str,
    key: object,
    to: str,
    *,
    at: datetime,
    actor: str = Actor.MODERATOR,
    moderator: Any = None,
    reasons: Sequence[str] = (),
    note: str = "",
    seen: Sequence[str] = WAITING,
    version: datetime | None = None,
    undoes: ModerationDecision | None = None,
    count: bool = True,
) -> ModerationDecision:
    """
    Give a subject another status if it still has one of those ``seen``; raises AlreadyModerated.

    ``version`` is the ``updated_at`` of the text that was read: an edit since counts as a change.
    ``reasons`` are ReasonCodes, weightiest first; a rejection needs one. ``count=False`` leaves
    the counting to the caller. Raises the model's DoesNotExist for an unknown key.
    """
    if to == Status.REJECTED and not reasons:
        raise ValueError("Say why: a rejection needs a reason code.")
    reasons = [ReasonCode(code).value for code in reasons]
    if kind == SubjectKind.SHOP:
        return _decide_shop(str(key), to, at, actor, moderator, reasons, note, seen, undoes)
    with transaction.atomic():
        before = _change(kind, key, to, at, reasons, [one for one in seen if one != to], version)
        subject = MODELS[kind].objects.get(key=key)
        decision = _note_down(
            kind, subject, before, to, at, actor, moderator, reasons, note, undoes
        )
        if count:
            _count(kind, subject, at)
        announce(review_moderated, MODELS[kind], decision=decision, subject=subject)
    return decision


def _change(
    kind: str,
    key: object,
    to: str,
    at: datetime,
    reasons: list[str],
    seen: Sequence[str],
    version: datetime | None,
) -> str:
    """Change the status and return the one before: the statement decides, not a look before it."""
    model = MODELS[kind]
    rows = model.objects.filter(key=key)
    if version is not None:
        rows = rows.filter(updated_at=version)
    changes: dict[str, Any] = {"status": to, "moderated_at": at}
    if kind != SubjectKind.PICTURE:
        changes["reasons"] = [] if to == Status.PUBLISHED else reasons
        if to == Status.PUBLISHED:
            # Published again after an undo: it has been there since the first time.
            changes["published_at"] = Coalesce(
                "published_at", Value(at, output_field=models.DateTimeField())
            )
    if kind == SubjectKind.REVIEW and to == Status.WITHDRAWN:
        changes["purchase_key"] = None
    for status in seen:
        if rows.filter(status=status).update(**changes):
            return str(status)
    if not model.objects.filter(key=key).exists():
        raise model.DoesNotExist(f"There is no {kind} {key}.")
    raise AlreadyModerated(latest(kind, key))


def _note_down(
    kind: str,
    subject: Any,
    before: str,
    to: str,
    at: datetime,
    actor: str,
    moderator: Any,
    reasons: list[str],
    note: str,
    undoes: ModerationDecision | None,
) -> ModerationDecision:
    review = {SubjectKind.REVIEW: subject, SubjectKind.PICTURE: getattr(subject, "review", None)}
    channel = getattr(subject, "channel", "")
    if kind == SubjectKind.PICTURE:
        channel = subject.review.channel
    elif kind == SubjectKind.ANSWER:
        channel = subject.question.channel
    return ModerationDecision.objects.create(
        channel=channel,
        subject_kind=kind,
        subject_key=str(subject.key),
        review=review.get(SubjectKind(kind)),
        from_status=before,
        to_status=to,
        reason=reasons[0] if reasons else "",
        note=note[:500],
        actor=actor,
        moderator=moderator,
        opinion=opinion(kind, subject.key),
        undoes=undoes,
        decided_at=at,
    )


def opinion(kind: str, key: object) -> dict[str, Any]:
    """Return what the model says of a subject at this moment, to be kept with the decision."""
    found = ReviewAnalysis.objects.of(kind, key).first()
    if found is None:
        return {}
    return {
        "sentiment": found.sentiment,
        "probabilities": [
            round(p, 4) for p in (found.p_negative, found.p_neutral, found.p_positive)
        ],
        "score": round(found.score, 4),
        "flags": [
            {"code": one["code"], "confidence": one.get("confidence")} for one in found.flags
        ],
        "artifact": found.artifact_id,
    }


def _count(kind: str, subject: Any, at: datetime) -> None:
    """Bring what is counted elsewhere into step with a changed status."""
    if kind == SubjectKind.REVIEW:
        ratings.recount(subject.item_id, at=at)
    elif kind == SubjectKind.PICTURE:
        shown = ReviewPicture.objects.filter(review=subject.review_id, status=Status.PUBLISHED)
        Review.objects.filter(pk=subject.review_id).update(n_pictures=shown.count())
    elif kind == SubjectKind.ANSWER:
        there = Answer.objects.filter(question=subject.question_id, status=Status.PUBLISHED)
        Question.objects.filter(pk=subject.question_id).update(n_answers=there.count())


def latest(kind: str, key: object) -> ModerationDecision | None:
    """Return the last decision about a subject."""
    rows = ModerationDecision.objects.of(kind, key).select_related("moderator")
    return rows.first()


def decide_many(kind: str, keys: Iterable[object], to: str, *, at: datetime, **how: Any) -> Bulk:
    """
    Decide about many subjects alike; those that somebody else has decided about are told apart.

    ``how`` is what :func:`decide` takes. Each decision stands by itself; counts follow once.
    """
    done = Bulk()
    # In one order everywhere: two moderators with overlapping selections must not block each other.
    wanted = sorted({str(key) for key in keys})
    with transaction.atomic():
        for key in wanted:
            try:
                done.decisions.append(decide(kind, key, to, at=at, count=False, **how))
            except AlreadyModerated as other:
                done.conflicts[key] = other
            except (Review.DoesNotExist, ReviewPicture.DoesNotExist):
                done.conflicts[key] = AlreadyModerated(None)
            except (Question.DoesNotExist, Answer.DoesNotExist):
                done.conflicts[key] = AlreadyModerated(None)
        _count_many(kind, [one.subject_key for one in done.decisions], at)
    return done


def _count_many(kind: str, keys: list[str], at: datetime) -> None:
    if kind == SubjectKind.REVIEW:
        items = Review.objects.filter(key__in=keys).values_list("item", flat=True).distinct()
        for item_id in sorted(items):
            ratings.recount(item_id, at=at)
    elif kind in (SubjectKind.PICTURE, SubjectKind.ANSWER):
        owner = "review_id" if kind == SubjectKind.PICTURE else "question_id"
        subjects = {getattr(one, owner): one for one in MODELS[kind].objects.filter(key__in=keys)}
        for owner_id in sorted(subjects):
            _count(kind, subjects[owner_id], at)


def undo(decision: ModerationDecision, *, moderator: Any, at: datetime) -> ModerationDecision:
    """
    Take a decision back by another one; raises AlreadyModerated where it is not the latest any
    more, CannotUndo where it was the author's own.
    """
    if decision.actor == Actor.AUTHOR or not decision.from_status:
        raise CannotUndo(_("What an author has decided stays as it is."))
    kind, key = decision.subject_kind, decision.subject_key
    last = latest(kind, key)
    if last is not None and last.pk != decision.pk:
        raise AlreadyModerated(last)
    before = (
        ModerationDecision.objects.of(kind, key)
        .filter(pk__lt=decision.pk, to_status=decision.from_status)
        .exclude(reason="")
        .first()
    )
    reasons = [before.reason] if before is not None else []
    if decision.from_status == Status.REJECTED and not reasons:
        reasons = [ReasonCode.OTHER]
    try:
        return decide(
            kind,
            key,
            decision.from_status,
            at=at,
            moderator=moderator,
            reasons=reasons,
            seen=[decision.to_status],
            undoes=decision,
        )
    except IntegrityError:
        # The same decision was taken back twice at once.
        raise AlreadyModerated(latest(kind, key)) from None


# -- reviews that the shop keeps itself ---------------------------------------------------------


def _decide_shop(
    ref: str,
    to: str,
    at: datetime,
    actor: str,
    moderator: Any,
    reasons: list[str],
    note: str,
    seen: Sequence[str],
    undoes: ModerationDecision | None,
) -> ModerationDecision:
    shop = get_adapter().reviews()
    found = shop.get_reviews([ref]).get(ref) if shop is not None else None
    if shop is None or found is None:
        raise Review.DoesNotExist(f"The shop has no review {ref}.")
    if not shop.set_status(ref, to, seen=[one for one in seen if one != to], actor=moderator):
        raise AlreadyModerated(latest(SubjectKind.SHOP, ref))
    with transaction.atomic():
        read = ReviewAnalysis.objects.of(SubjectKind.SHOP, ref)
        read.update(shop_status=to)
        decision = ModerationDecision.objects.create(
            channel=get_adapter().get_channel(),
            subject_kind=SubjectKind.SHOP,
            subject_key=ref,
            from_status=found.status,
            to_status=to,
            reason=reasons[0] if reasons else "",
            note=note[:500],
            actor=actor,
            moderator=moderator,
            opinion=opinion(SubjectKind.SHOP, ref),
            undoes=undoes,
            decided_at=at,
        )
        announce(review_moderated, Review, decision=decision, subject=None)
    shop.recompute_rating(found.item_key)
    return decision
