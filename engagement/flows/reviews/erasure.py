"""A person's words when the person is to be forgotten, and when they ask what there is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from engagement.conf import app_settings
from engagement.flows.reviews import ratings
from engagement.flows.reviews.feedback import recount_votes
from engagement.flows.understanding.flags import copies
from engagement.models import (
    Answer,
    ModerationDecision,
    Question,
    Review,
    ReviewEdit,
    ReviewPicture,
    ReviewReport,
    ReviewVote,
    Status,
    SubjectKind,
)


def erase(visitor_ids: Iterable[int]) -> None:
    """
    Erase what persons wrote, within the caller's transaction and before their rows go.

    What is published stays without a name, an order, a picture or earlier versions, or goes too
    (``REVIEW_ERASURE``). What is not published goes in any case, and so do votes and reports.
    """
    ids = list(visitor_ids)
    _votes_and_reports(ids)
    mine = Review.objects.filter(visitor__in=ids)
    keep = app_settings.REVIEW_ERASURE == "anonymise"
    items = sorted(set(mine.filter(status=Status.PUBLISHED).values_list("item", flat=True)))
    for picture in ReviewPicture.objects.filter(review__in=mine):
        picture.delete()
    gone = mine.exclude(status=Status.PUBLISHED) if keep else mine
    _forget_decisions(SubjectKind.REVIEW, gone)
    gone.delete()
    if keep:
        ReviewEdit.objects.filter(review__in=mine).delete()
        Review.objects.filter(visitor__in=ids).update(
            visitor=None, purchase_key=None, order_ref="", author_name="", n_pictures=0
        )
    else:
        for item_id in items:
            ratings.recount(item_id, at=timezone.now())
    _questions(ids, keep=keep)


def _votes_and_reports(ids: list[int]) -> None:
    votes = ReviewVote.objects.filter(visitor__in=ids)
    reviews = list(Review.objects.filter(votes__in=votes).distinct())
    answers = list(Answer.objects.filter(votes__in=votes).distinct())
    votes.delete()
    for review in reviews:
        recount_votes(review)
    for answer in answers:
        recount_votes(answer)
    reports = ReviewReport.objects.filter(visitor__in=ids)
    told: list[Any] = [
        *Review.objects.filter(reports__in=reports).distinct(),
        *Question.objects.filter(reports__in=reports).distinct(),
        *Answer.objects.filter(reports__in=reports).distinct(),
    ]
    reports.delete()
    for subject in told:
        type(subject).objects.filter(pk=subject.pk).update(n_reports=subject.reports.count())


def _questions(ids: list[int], *, keep: bool) -> None:
    questions = Question.objects.filter(visitor__in=ids)
    answers = Answer.objects.filter(visitor__in=ids)
    gone_answers = answers.exclude(status=Status.PUBLISHED) if keep else answers
    gone_questions = questions.exclude(status=Status.PUBLISHED) if keep else questions
    touched = set(gone_answers.values_list("question", flat=True))
    _forget_decisions(SubjectKind.ANSWER, gone_answers)
    _forget_decisions(SubjectKind.QUESTION, gone_questions)
    gone_answers.delete()
    gone_questions.delete()
    for question in Question.objects.filter(pk__in=touched):
        shown = question.answers.filter(status=Status.PUBLISHED).count()
        Question.objects.filter(pk=question.pk).update(n_answers=shown)
    answers.update(visitor=None, author_name="")
    questions.update(visitor=None, author_name="")


def _forget_decisions(kind: SubjectKind, gone: Any) -> None:
    """
    Leave the figures of what is deleted, without what a moderator or the model said of the text.
    """
    keys = [str(key) for key in gone.values_list("key", flat=True)]
    copies.drop(kind, keys)
    for start in range(0, len(keys), 900):
        ModerationDecision.objects.filter(
            subject_kind=kind, subject_key__in=keys[start : start + 900]
        ).update(note="", opinion={})


def export(visitor_ids: Iterable[int]) -> dict[str, list[dict[str, Any]]]:
    """Return all that persons wrote and said of others' words, as plain values for JSON."""
    ids = list(visitor_ids)
    return {
        "reviews": [_review(one) for one in _reviews(ids)],
        "questions": [
            {
                "item": one.item.key,
                "name": one.author_name,
                "text": one.body,
                "status": one.status,
                "written": one.created_at.isoformat(),
            }
            for one in Question.objects.filter(visitor__in=ids).select_related("item")
        ],
        "answers": [
            {
                "item": one.question.item.key,
                "question": one.question.body,
                "name": one.author_name,
                "text": one.body,
                "status": one.status,
                "written": one.created_at.isoformat(),
            }
            for one in Answer.objects.filter(visitor__in=ids).select_related("question__item")
        ],
        "votes": [
            {
                "on": str(one.review.key if one.review else one.answer and one.answer.key),
                "helpful": one.is_helpful,
                "voted": one.voted_at.isoformat(),
            }
            for one in ReviewVote.objects.filter(visitor__in=ids).select_related("review", "answer")
        ],
        "reports": [
            {"reason": one.reason, "note": one.note, "reported": one.reported_at.isoformat()}
            for one in ReviewReport.objects.filter(visitor__in=ids)
        ],
    }


def _reviews(ids: list[int]) -> Any:
    rows = Review.objects.filter(visitor__in=ids).select_related("item", "analysis")
    return rows.prefetch_related("edits", "pictures").order_by("pk")


def _review(review: Review) -> dict[str, Any]:
    analysis = getattr(review, "analysis", None)
    return {
        "key": str(review.key),
        "item": review.item.key,
        "order": review.order_ref,
        "name": review.author_name,
        "stars": review.rating,
        "title": review.title,
        "text": review.body,
        "language": review.language,
        "verified_purchase": review.verified_purchase,
        "status": review.status,
        "reasons": review.reasons,
        "written": review.created_at.isoformat(),
        "edited": review.updated_at.isoformat(),
        "reply": review.reply_text,
        "pictures": [picture.file.name for picture in review.pictures.all()],
        "earlier": [
            {
                "stars": one.rating,
                "title": one.title,
                "text": one.body,
                "until": one.edited_at.isoformat(),
            }
            for one in review.edits.all()
        ],
        "analysis": None
        if analysis is None
        else {
            "sentiment": analysis.sentiment,
            "score": analysis.score,
            "aspects": analysis.aspects,
            "flags": analysis.flags,
        },
    }
