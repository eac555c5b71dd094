"""The analyses of what is published: what may be counted, quoted and shown."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from engagement.models import ReviewAnalysis, Status, SubjectKind

OURS = Q(subject_kind=SubjectKind.REVIEW, review__status=Status.PUBLISHED)
THE_SHOPS = Q(subject_kind=SubjectKind.SHOP, shop_status=Status.PUBLISHED)


def analyses(channel: str) -> QuerySet[ReviewAnalysis]:
    """Return the analyses of a shop's published reviews about an item; posts are none."""
    rows = ReviewAnalysis.objects.filter(channel=channel, item__isnull=False)
    return rows.filter(OURS | THE_SHOPS)
