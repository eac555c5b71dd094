from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from engagement.models.moderation import ReasonCode, Status


class ReviewQuerySet(models.QuerySet["Review"]):
    def of_channel(self, channel: str) -> ReviewQuerySet:
        return self.filter(channel=channel)

    def published(self) -> ReviewQuerySet:
        """Return what anyone may see."""
        return self.filter(status=Status.PUBLISHED)

    def waiting(self) -> ReviewQuerySet:
        """Return what a person has still to decide about."""
        return self.filter(status__in=[Status.PENDING, Status.HELD])

    def not_analysed_by(self, artifact_id: int | None) -> ReviewQuerySet:
        """
        Return what the model ``artifact_id`` (None: the rung that needs no training) has not read
        as it stands now: pending work is this query, not the state of a queue.
        """
        read = Q(analysis__analysed_at__gte=models.F("updated_at"))
        read &= (
            Q(analysis__artifact__isnull=True, analysis__isnull=False)
            if artifact_id is None
            else Q(analysis__artifact=artifact_id)
        )
        done = self.filter(read).values("pk")
        return self.exclude(pk__in=done).exclude(status=Status.WITHDRAWN)


class Review(models.Model):
    """
    What a customer says about an item, in the shop's own pages.

    ``visitor`` is empty once its author was erased. ``verified_purchase`` follows from the
    purchase events and is nobody's to edit. ``purchase_key`` names what the one review belongs to
    (author, item, order); empty when withdrawn, so that another may be written.
    """

    class Source(models.TextChoices):
        FORM = "form", _("form on the page")
        API = "api", _("API")
        CODE = "code", _("the shop's own code")
        IMPORT = "import", _("imported")
        SAMPLE = "sample", _("sample, written for a demonstration")

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    item = models.ForeignKey(
        "engagement.Item",
        verbose_name=_("item"),
        on_delete=models.CASCADE,
        related_name="reviews",
    )
    visitor = models.ForeignKey(
        "engagement.Visitor",
        verbose_name=_("visitor"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="reviews",
    )
    purchase_key = models.UUIDField(
        _("one review a purchase"), null=True, blank=True, unique=True, editable=False
    )
    order_ref = models.CharField(_("order"), max_length=64, blank=True, default="", editable=False)
    author_name = models.CharField(
        _("name shown"), max_length=60, blank=True, default="", help_text=_("Chosen by the author.")
    )
    rating = models.PositiveSmallIntegerField(_("stars"))
    title = models.CharField(_("title"), max_length=150, blank=True, default="")
    body = models.TextField(_("text"), blank=True, default="")
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    source = models.CharField(_("source"), max_length=8, choices=Source, default=Source.FORM)
    verified_purchase = models.BooleanField(_("verified purchase"), default=False, editable=False)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.PENDING)
    # The codes that its author is told while it is held or rejected, weightiest first.
    reasons = models.JSONField(_("reasons"), blank=True, default=list)
    n_helpful = models.PositiveIntegerField(_("found helpful"), default=0, editable=False)
    n_unhelpful = models.PositiveIntegerField(_("found not helpful"), default=0, editable=False)
    n_reports = models.PositiveIntegerField(_("reported"), default=0, editable=False)
    n_pictures = models.PositiveSmallIntegerField(
        _("published pictures"), default=0, editable=False
    )
    reply_text = models.TextField(_("reply"), blank=True, default="")
    reply_at = models.DateTimeField(_("replied"), null=True, blank=True)
    reply_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("replied by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    # Changes with the words and the stars only: an analysis older than this is of an old text.
    updated_at = models.DateTimeField(_("edited"), default=timezone.now)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    moderated_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        constraints = [
            models.CheckConstraint(
                name="engagement_review_one_to_five_stars",
                condition=Q(rating__gte=1, rating__lte=5),
            ),
            models.CheckConstraint(
                name="engagement_review_published_has_a_date",
                condition=~Q(status="published") | Q(published_at__isnull=False),
            ),
            models.CheckConstraint(
                name="engagement_review_reply_has_a_date",
                condition=Q(reply_text="") | Q(reply_at__isnull=False),
            ),
            models.CheckConstraint(
                name="engagement_review_withdrawn_frees_its_purchase",
                condition=~Q(status="withdrawn") | Q(purchase_key__isnull=True),
            ),
        ]
        indexes = [
            # A product's page: newest first, and the most helpful first.
            models.Index(
                fields=["item", "status", "-published_at"], name="engagement_review_newest"
            ),
            models.Index(fields=["item", "status", "-n_helpful"], name="engagement_review_helpful"),
            # The moderators' queue, oldest first.
            models.Index(
                fields=["channel", "status", "created_at"], name="engagement_review_queue"
            ),
        ]

    def __str__(self) -> str:
        return f"{'★' * self.rating} {self.title or self.body[:40]}"

    @property
    def text(self) -> str:
        """What there is to read: title and body."""
        return "\n".join(part for part in (self.title, self.body) if part)

    @property
    def can_be_mended(self) -> bool:
        """Whether editing may help a review that is held or rejected."""
        return all(ReasonCode(code).is_editable for code in self.reasons)


class ReviewEdit(models.Model):
    """What a review said before one of its edits."""

    review = models.ForeignKey(
        Review, verbose_name=_("review"), on_delete=models.CASCADE, related_name="edits"
    )
    rating = models.PositiveSmallIntegerField(_("stars"))
    title = models.CharField(_("title"), max_length=150, blank=True, default="")
    body = models.TextField(_("text"), blank=True, default="")
    edited_at = models.DateTimeField(_("edited"), default=timezone.now)

    class Meta:
        verbose_name = _("earlier version")
        verbose_name_plural = _("earlier versions")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.review_id} {self.edited_at:%Y-%m-%d %H:%M}"
