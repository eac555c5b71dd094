from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from engagement.models.moderation import ReasonCode
from engagement.models.review import Review


class ReviewVote(models.Model):
    """Whether a visitor found a review, or an answer to a question, helpful; one a visitor."""

    review = models.ForeignKey(
        Review,
        verbose_name=_("review"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="votes",
    )
    answer = models.ForeignKey(
        "engagement.Answer",
        verbose_name=_("answer"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="votes",
    )
    visitor = models.ForeignKey(
        "engagement.Visitor", verbose_name=_("visitor"), on_delete=models.CASCADE, related_name="+"
    )
    is_helpful = models.BooleanField(_("helpful"))
    voted_at = models.DateTimeField(_("voted"), default=timezone.now)

    class Meta:
        verbose_name = pgettext_lazy("review", "vote")
        verbose_name_plural = pgettext_lazy("review", "votes")
        constraints = [
            models.UniqueConstraint(fields=["review", "visitor"], name="engagement_vote_once"),
            models.UniqueConstraint(
                fields=["answer", "visitor"], name="engagement_vote_once_an_answer"
            ),
            models.CheckConstraint(
                name="engagement_vote_on_one_thing",
                condition=Q(review__isnull=False, answer__isnull=True)
                | Q(review__isnull=True, answer__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return "👍" if self.is_helpful else "👎"


class ReviewReport(models.Model):
    """A visitor's word that something published should not be; one a visitor."""

    review = models.ForeignKey(
        Review,
        verbose_name=_("review"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="reports",
    )
    question = models.ForeignKey(
        "engagement.Question",
        verbose_name=_("question"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="reports",
    )
    answer = models.ForeignKey(
        "engagement.Answer",
        verbose_name=_("answer"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="reports",
    )
    visitor = models.ForeignKey(
        "engagement.Visitor", verbose_name=_("visitor"), on_delete=models.CASCADE, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=3, choices=ReasonCode)
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    reported_at = models.DateTimeField(_("reported"), default=timezone.now)

    class Meta:
        verbose_name = pgettext_lazy("review", "report")
        verbose_name_plural = pgettext_lazy("review", "reports")
        constraints = [
            models.UniqueConstraint(fields=["review", "visitor"], name="engagement_report_once"),
            models.UniqueConstraint(
                fields=["question", "visitor"], name="engagement_report_once_a_question"
            ),
            models.UniqueConstraint(
                fields=["answer", "visitor"], name="engagement_report_once_an_answer"
            ),
            models.CheckConstraint(
                name="engagement_report_of_one_thing",
                condition=Q(review__isnull=False, question__isnull=True, answer__isnull=True)
                | Q(review__isnull=True, question__isnull=False, answer__isnull=True)
                | Q(review__isnull=True, question__isnull=True, answer__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.reported_at:%Y-%m-%d}"
