"""Questions about an item and their answers, by customers and by the shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Prefetch, When

from engagement.conf import app_settings
from engagement.flows.reviews import feedback, policy, purchases, text_flags
from engagement.flows.reviews.announcing import announce
from engagement.flows.reviews.authors import Author
from engagement.flows.reviews.deciding import Actor, AlreadyModerated, decide
from engagement.flows.reviews.drafts import Fault, Invalid, read_body, read_text
from engagement.learning.sentiment.text import language
from engagement.models import Answer, Item, Question, Status, SubjectKind
from engagement.signals import answer_submitted, question_submitted


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions on one page of an item, each with ``shown_answers``."""

    questions: Sequence[Question] = field(default_factory=list)
    n_total: int = 0
    # How the reader has voted, by answer id.
    votes: dict[int, bool] = field(default_factory=dict)


def ask(data: Mapping[str, Any], *, author: Author, item: Item, at: datetime) -> Question:
    """Store a question; raises Invalid. The same question, sent again, is the one there is."""
    draft = read_text(data)
    known = Question.objects.filter(
        item=item, visitor__in=author.visitor_ids, body=draft.body
    ).exclude(status=Status.WITHDRAWN)
    if (same := known.first()) is not None:
        return same
    with transaction.atomic():
        question = Question.objects.create(
            channel=author.channel,
            item=item,
            visitor_id=author.visitor_id,
            author_name=draft.author_name,
            body=draft.body,
            language=draft.language,
            created_at=at,
        )
        announce(question_submitted, Question, question=question)
    _settle(SubjectKind.QUESTION, question, author.channel, at)
    return question


def answer(data: Mapping[str, Any], *, author: Author, question: Question, at: datetime) -> Answer:
    """Store a customer's answer to a published question; raises Invalid."""
    if question.status != Status.PUBLISHED:
        raise Question.DoesNotExist(f"There is no question {question.key}.")
    draft = read_text(data)
    known = Answer.objects.filter(
        question=question, visitor__in=author.visitor_ids, body=draft.body
    ).exclude(status=Status.WITHDRAWN)
    if (same := known.first()) is not None:
        return same
    with transaction.atomic():
        reply = Answer.objects.create(
            question=question,
            visitor_id=author.visitor_id,
            author_name=draft.author_name,
            body=draft.body,
            language=draft.language,
            verified_purchase=bool(purchases.orders_of(author.visitor_ids, question.item)),
            created_at=at,
        )
        announce(answer_submitted, Answer, answer=reply)
    _settle(SubjectKind.ANSWER, reply, question.channel, at)
    return reply


def answer_as_shop(text: str, *, question: Question, by: Any, at: datetime) -> Answer:
    """Publish the shop's own answer; a question that waits is published with it."""
    faults: dict[str, list[Fault]] = {}
    body = read_body(text, faults, least=1)
    if faults:
        raise Invalid(faults)
    with transaction.atomic():
        reply = Answer.objects.create(
            question=question,
            is_shop=True,
            by=by,
            body=body,
            language=language(body),
            status=Status.PUBLISHED,
            created_at=at,
            published_at=at,
            moderated_at=at,
        )
        there = Answer.objects.filter(question=question, status=Status.PUBLISHED)
        Question.objects.filter(pk=question.pk).update(n_answers=there.count())
        if question.status in (Status.PENDING, Status.HELD):
            decide(SubjectKind.QUESTION, question.key, Status.PUBLISHED, at=at, moderator=by)
        announce(answer_submitted, Answer, answer=reply)
    return reply


def _settle(kind: SubjectKind, subject: Question | Answer, channel: str, at: datetime) -> None:
    """Publish, hold or reject by the flags of the text; without anybody to read it, hold it."""
    flags = text_flags.flags_of(
        subject.body,
        kind=kind,
        key=str(subject.key),
        channel=channel,
        language=subject.language,
        at=at,
    )
    found = policy.Verdict(Status.HELD) if flags is None else policy.verdict(flags)
    if found.status == Status.PUBLISHED and app_settings.REVIEW_MODERATION == "all":
        found = policy.Verdict(Status.HELD)
    # A moderator may have been quicker than we are.
    with suppress(AlreadyModerated):
        decide(
            kind,
            subject.key,
            found.status,
            at=at,
            actor=Actor.POLICY,
            reasons=found.reasons,
            seen=[Status.PENDING],
        )
    subject.refresh_from_db()


def list_questions(
    item_id: int, *, visitor_ids: Sequence[int] = (), n: int = 5, start: int = 0
) -> Questions:
    """
    Return published questions, answered ones first, then newest; with their answers, the shop's
    first, then the most helpful. A fixed number of queries.
    """
    rows = Question.objects.published().filter(item=item_id)
    answers = Answer.objects.filter(status=Status.PUBLISHED)
    shown = list(
        rows.prefetch_related(
            Prefetch(
                "answers",
                queryset=answers.order_by("-is_shop", "-n_helpful", "pk"),
                to_attr="shown_answers",
            )
        )
        .annotate(is_open=Case(When(n_answers=0, then=1), default=0))
        .order_by("is_open", "-published_at", "-pk")[start : start + n]
    )
    ids = [one.pk for question in shown for one in question.shown_answers]
    return Questions(
        questions=shown,
        n_total=rows.count(),
        votes=feedback.votes_of(tuple(visitor_ids), answer=ids),
    )


def question_of(key: UUID | str, *, channel: str) -> Question:
    """Return a published question by its key; raises Question.DoesNotExist."""
    return Question.objects.published().select_related("item").get(key=key, channel=channel)
