"""How many reviews were rejected and why: a figure that anyone may read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q

from engagement.models import ModerationDecision, ReasonCode, Review, Status, SubjectKind


@dataclass(frozen=True, slots=True)
class Stars:
    """How many reviews of so many stars came in, and how many of them are published."""

    stars: int
    n: int
    n_published: int

    @property
    def percent_published(self) -> int | None:
        return round(100 * self.n_published / self.n) if self.n else None


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    label: str
    n: int


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What became of the reviews written in a time. ``received`` is the sum of the rest; what its
    authors withdrew is not among them. ``reasons`` add up to ``rejected``.
    """

    received: int = 0
    published: int = 0
    waiting: int = 0
    rejected: int = 0
    verified: int = 0
    reasons: list[Reason] = field(default_factory=list)
    by_stars: list[Stars] = field(default_factory=list)

    @property
    def percent_rejected(self) -> float:
        return round(100 * self.rejected / self.received, 1) if self.received else 0.0

    @property
    def percent_published(self) -> float:
        return round(100 * self.published / self.received, 1) if self.received else 0.0


def figures(
    *, channel: str, since: datetime | None = None, until: datetime | None = None
) -> Figures:
    """Return what became of the reviews that were written between two moments; three queries."""
    rows = Review.objects.of_channel(channel).exclude(status=Status.WITHDRAWN)
    rows = rows.exclude(source=Review.Source.IMPORT)
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    shown = Q(status=Status.PUBLISHED)
    found = rows.aggregate(
        received=Count("pk"),
        published=Count("pk", filter=shown),
        rejected=Count("pk", filter=Q(status=Status.REJECTED)),
        verified=Count("pk", filter=shown & Q(verified_purchase=True)),
    )
    by_stars = dict.fromkeys(range(1, 6), (0, 0))
    for stars, n, n_shown in (
        rows.values("rating")
        .annotate(n=Count("pk"), shown=Count("pk", filter=shown))
        .values_list("rating", "n", "shown")
    ):
        by_stars[stars] = (n, n_shown)
    return Figures(
        received=found["received"],
        published=found["published"],
        waiting=found["received"] - found["published"] - found["rejected"],
        rejected=found["rejected"],
        verified=found["verified"],
        reasons=_reasons(rows.filter(status=Status.REJECTED)),
        by_stars=[Stars(stars, *by_stars[stars]) for stars in sorted(by_stars, reverse=True)],
    )


def _reasons(rejected: Any) -> list[Reason]:
    """Return why reviews were rejected, by the decision that still holds, most first."""
    latest = (
        ModerationDecision.objects.filter(
            subject_kind=SubjectKind.REVIEW, review__in=rejected.values("pk")
        )
        .order_by()
        .values("review")
        .annotate(last=Max("pk"))
        .values("last")
    )
    rows = (
        ModerationDecision.objects.filter(pk__in=latest)
        .order_by()
        .values("reason")
        .annotate(n=Count("pk"))
        .order_by("-n", "reason")
        .values_list("reason", "n")
    )
    return [Reason(code, str(ReasonCode(code or ReasonCode.OTHER).label), n) for code, n in rows]
