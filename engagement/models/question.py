from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from engagement.models.moderation import Status


class QuestionQuerySet(models.QuerySet["Question"]):
    def published(self) -> QuestionQuerySet:
        """Return what anyone may see."""
        return self.filter(status=Status.PUBLISHED)


class Question(models.Model):
    """What a visitor wants to know about an item."""

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    item = models.ForeignKey(
        "engagement.Item",
        verbose_name=_("item"),
        on_delete=models.CASCADE,
        related_name="questions",
    )
    visitor = models.ForeignKey(
        "engagement.Visitor",
        verbose_name=_("visitor"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="questions",
    )
    author_name = models.CharField(_("name shown"), max_length=60, blank=True, default="")
    body = models.TextField(_("text"))
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.PENDING)
    reasons = models.JSONField(_("reasons"), blank=True, default=list)
    n_answers = models.PositiveIntegerField(_("published answers"), default=0, editable=False)
    n_reports = models.PositiveIntegerField(_("reported"), default=0, editable=False)
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    moderated_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            models.CheckConstraint(
                name="engagement_question_published_has_a_date",
                condition=~Q(status="published") | Q(published_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["item", "status", "-published_at"], name="engagement_question_newest"
            ),
            models.Index(
                fields=["channel", "status", "created_at"], name="engagement_question_queue"
            ),
        ]

    def __str__(self) -> str:
        return self.body[:60]


class Answer(models.Model):
    """What another customer, or the shop (``by``), answers."""

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    question = models.ForeignKey(
        Question, verbose_name=_("question"), on_delete=models.CASCADE, related_name="answers"
    )
    visitor = models.ForeignKey(
        "engagement.Visitor",
        verbose_name=_("visitor"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    is_shop = models.BooleanField(_("the shop's answer"), default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("answered by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    author_name = models.CharField(_("name shown"), max_length=60, blank=True, default="")
    body = models.TextField(_("text"))
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    verified_purchase = models.BooleanField(_("has bought it"), default=False, editable=False)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.PENDING)
    reasons = models.JSONField(_("reasons"), blank=True, default=list)
    n_helpful = models.PositiveIntegerField(_("found helpful"), default=0, editable=False)
    n_unhelpful = models.PositiveIntegerField(_("found not helpful"), default=0, editable=False)
    n_reports = models.PositiveIntegerField(_("reported"), default=0, editable=False)
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    moderated_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.CheckConstraint(
                name="engagement_answer_published_has_a_date",
                condition=~Q(status="published") | Q(published_at__isnull=False),
            ),
            models.CheckConstraint(
                name="engagement_answer_of_the_shop_has_no_visitor",
                condition=Q(is_shop=False) | Q(visitor__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["question", "status", "-n_helpful"], name="engagement_answer_helpful"
            ),
            models.Index(fields=["status", "created_at"], name="engagement_answer_queue"),
        ]

    def __str__(self) -> str:
        return self.body[:60]
