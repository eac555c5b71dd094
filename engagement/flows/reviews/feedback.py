"""What readers say of what others wrote: helpful or not, and that something should not be there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows.reviews.announcing import announce
from engagement.flows.reviews.authors import Author, MayNotWrite
from engagement.flows.reviews.deciding import Actor, AlreadyModerated, decide
from engagement.flows.reviews.drafts import MAX_NOTE, Fault, Invalid, read_line
from engagement.flows.reviews.submit import record_vote
from engagement.models import (
    Answer,
    ModerationDecision,
    Question,
    ReasonCode,
    Review,
    ReviewReport,
    ReviewVote,
    Status,
    SubjectKind,
)
from engagement.signals import review_reported

KINDS: dict[type[Any], SubjectKind] = {
    Review: SubjectKind.REVIEW,
    Question: SubjectKind.QUESTION,
    Answer: SubjectKind.ANSWER,
}
# What a reader can know; the shop's own codes are not theirs to choose.
REPORTABLE = (
    ReasonCode.PROFANITY,
    ReasonCode.PERSONAL_DATA,
    ReasonCode.SPAM,
    ReasonCode.FRAUD,
    ReasonCode.IRRELEVANT,
    ReasonCode.LINK,
    ReasonCode.PICTURE,
    ReasonCode.OTHER,
)


def vote(
    subject: Review | Answer, *, is_helpful: bool | None, author: Author, at: datetime
) -> tuple[int, int]:
    """
    Count a reader's vote, change it, or take it back (None); return (helpful, not helpful).

    Raises MayNotWrite for one's own words, and the model's DoesNotExist for what is not published.
    """
    model = type(subject)
    with transaction.atomic():
        # Two votes at once count one after the other.
        row: Any = model.objects.select_for_update().get(pk=subject.pk, status=Status.PUBLISHED)
        if row.visitor_id in author.visitor_ids:
            raise MayNotWrite("own", _("One's own words are for others to judge."))
        of_row = {KINDS[model].value: row}
        mine = ReviewVote.objects.filter(visitor__in=author.visitor_ids, **of_row)
        if is_helpful is None:
            mine.delete()
        elif not mine.update(is_helpful=is_helpful, voted_at=at):
            ReviewVote.objects.create(
                visitor_id=author.visitor_id, is_helpful=is_helpful, voted_at=at, **of_row
            )
        counts = recount_votes(row)
        if isinstance(row, Review) and is_helpful is not None:
            record_vote(row, author, at=at)
    return counts


def recount_votes(subject: Review | Answer) -> tuple[int, int]:
    """Count the votes on a subject and keep the sums with it."""
    found = subject.votes.aggregate(
        yes=Count("pk", filter=Q(is_helpful=True)), no=Count("pk", filter=Q(is_helpful=False))
    )
    type(subject).objects.filter(pk=subject.pk).update(
        n_helpful=found["yes"], n_unhelpful=found["no"]
    )
    return found["yes"], found["no"]


def votes_of(visitor_ids: tuple[int, ...], **subjects: list[int]) -> dict[int, bool]:
    """Return how a reader has voted, by the subject's id: ``votes_of(ids, review=[1, 2])``."""
    if not visitor_ids:
        return {}
    ((name, ids),) = subjects.items()
    rows = ReviewVote.objects.filter(visitor__in=visitor_ids, **{f"{name}__in": ids})
    return dict(rows.values_list(name, "is_helpful"))


def report(
    subject: Review | Question | Answer,
    *,
    reason: str,
    note: str = "",
    author: Author,
    at: datetime,
) -> ReviewReport:
    """
    Note a reader's report, or a better reason for it; raises Invalid, MayNotWrite, DoesNotExist.

    After ``REPORTS_TO_HOLD`` of them the text waits for a person, unless one has approved it since.
    """
    faults: dict[str, list[Fault]] = {}
    if reason not in REPORTABLE:
        faults["reason"] = [Fault("required", _("Say what is wrong with it."))]
    note = read_line("note", note, MAX_NOTE, faults)
    if faults:
        raise Invalid(faults)
    model = type(subject)
    kind = KINDS[model]
    with transaction.atomic():
        row: Any = model.objects.select_for_update().get(pk=subject.pk, status=Status.PUBLISHED)
        if row.visitor_id in author.visitor_ids:
            raise MayNotWrite("own", _("One's own words can be edited or withdrawn."))
        mine = ReviewReport.objects.filter(
            visitor__in=author.visitor_ids, **{kind.value: row}
        ).first()
        mine = mine or ReviewReport(visitor_id=author.visitor_id, **{kind.value: row})
        mine.reason, mine.note, mine.reported_at = reason, note, at
        mine.save()
        n = ReviewReport.objects.filter(**{kind.value: row}).count()
        model.objects.filter(pk=row.pk).update(n_reports=n)
        announce(review_reported, ReviewReport, report=mine)
    _hold_if_many(kind, row, at)
    return mine


def _hold_if_many(kind: SubjectKind, subject: Any, at: datetime) -> None:
    limit = app_settings.REPORTS_TO_HOLD
    if not limit:
        return
    reports = ReviewReport.objects.filter(**{kind.value: subject})
    approved = (
        ModerationDecision.objects.of(kind, subject.key)
        .filter(actor=Actor.MODERATOR, to_status=Status.PUBLISHED)
        .first()
    )
    if approved is not None:
        # A person has seen the text and let it stand; only that person's peers may change it.
        return
    reasons = list(reports.values_list("reason", flat=True))
    if len(reasons) < limit:
        return
    # What most of them say; of equals, the one that comes first in the list.
    reason = max(REPORTABLE, key=lambda code: reasons.count(code.value))
    try:
        decide(
            kind,
            subject.key,
            Status.HELD,
            at=at,
            actor=Actor.POLICY,
            reasons=[reason],
            note=_("Reported by %(n)d visitors.") % {"n": len(reasons)},
            seen=[Status.PUBLISHED],
        )
    except AlreadyModerated:
        return
