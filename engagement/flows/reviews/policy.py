"""What becomes of a text by itself: published, held for a person, or rejected, flag by flag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engagement.conf import app_settings
from engagement.flows.reviews.deciding import Actor, AlreadyModerated, decide
from engagement.models import (
    ModerationDecision,
    ReasonCode,
    Review,
    ReviewAnalysis,
    Status,
    SubjectKind,
)

# What the shop itself has published and what has been up for longer was seen by somebody.
FRESH = timedelta(days=2)
ACTIONS = {"publish": 0, "hold": 1, "reject": 2}
STATUSES = (Status.PUBLISHED, Status.HELD, Status.REJECTED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status that flags lead to, and the codes that led there, weightiest first."""

    status: Status
    reasons: tuple[str, ...] = ()


def verdict(flags: Iterable[Mapping[str, Any]]) -> Verdict:
    """
    Return what ``REVIEW_POLICY`` says of a text with these flags.

    Flags less sure than ``FLAG_CONFIDENCE`` lead to nothing. What a text feels like is no flag:
    nothing here knows whether a review is a good or a bad one.
    """
    policy = app_settings.REVIEW_POLICY
    found: list[tuple[int, float, str]] = []
    for flag in flags:
        confidence = float(flag.get("confidence", 1.0))
        if flag["code"] in ReasonCode.values and confidence >= app_settings.FLAG_CONFIDENCE:
            action = ACTIONS[policy.get(flag["code"], "hold")]
            found.append((action, confidence, flag["code"]))
    worst = max((action for action, _sure, _code in found), default=0)
    ranked = sorted(found, key=lambda one: (-one[0], -one[1], one[2]))
    reasons = dict.fromkeys(code for action, _sure, code in ranked if action > 0)
    return Verdict(STATUSES[worst], tuple(reasons))


def settle(review: Review, *, at: datetime) -> ModerationDecision | None:
    """
    Decide about a pending review by policy, once it was analysed as it stands; None: it waits on.

    It waits while there is no analysis of this text. A person's word stands: what a moderator held
    or rejected before it was edited is held again.
    """
    if review.status != Status.PENDING:
        return None
    read = ReviewAnalysis.objects.of(SubjectKind.REVIEW, review.key)
    analysis = read.filter(analysed_at__gte=review.updated_at).first()
    if analysis is None:
        return None
    found = verdict(analysis.flags)
    if found.status == Status.PUBLISHED:
        before = _word_of_a_person(review)
        if before is not None:
            found = Verdict(Status.HELD, (before.reason or ReasonCode.OTHER,))
        elif app_settings.REVIEW_MODERATION == "all":
            found = Verdict(Status.HELD)
    try:
        return decide(
            SubjectKind.REVIEW,
            review.key,
            found.status,
            at=at,
            actor=Actor.POLICY,
            reasons=found.reasons,
            seen=[Status.PENDING],
            version=review.updated_at,
        )
    except AlreadyModerated:
        return None


def settle_kept(
    ref: str,
    flags: Iterable[Mapping[str, Any]],
    *,
    status: str,
    written_at: datetime,
    at: datetime,
) -> ModerationDecision | None:
    """
    Decide by policy about a review that the shop keeps, once it was read for the first time.

    Policy takes away and never publishes: what the shop lets wait, waits for a person. Reviews of
    long ago stay as they are, or installing the app would empty the shop's pages.
    """
    found = verdict(flags)
    if found.status == Status.PUBLISHED or at - written_at > FRESH:
        return None
    if status not in (Status.PUBLISHED, Status.PENDING) or (
        status == Status.PENDING and found.status == Status.HELD
    ):
        return None
    try:
        return decide(
            SubjectKind.SHOP,
            ref,
            found.status,
            at=at,
            actor=Actor.POLICY,
            reasons=found.reasons,
            seen=[status],
        )
    except (AlreadyModerated, Review.DoesNotExist):
        return None


def settle_pending(*, channel: str, at: datetime, most: int = 1000) -> int:
    """Settle what was analysed while nobody looked; return how many were decided about."""
    rows = Review.objects.of_channel(channel).filter(status=Status.PENDING, analysis__isnull=False)
    return sum(settle(one, at=at) is not None for one in rows.order_by("pk")[:most])


def _word_of_a_person(review: Review) -> ModerationDecision | None:
    """Return the moderator's decision that still speaks against a review, None without one."""
    last = (
        ModerationDecision.objects.of(SubjectKind.REVIEW, review.key)
        .filter(actor=Actor.MODERATOR)
        .first()
    )
    against = (Status.HELD, Status.REJECTED, Status.PENDING)
    return last if last is not None and last.to_status in against else None
