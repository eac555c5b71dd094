from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class PostQuerySet(models.QuerySet["Post"]):
    def not_analysed_by(self, artifact_id: int | None) -> PostQuerySet:
        """
        Return what the model ``artifact_id`` (None: the untrained rung) has not read as it is now.
        """
        read = Q(analysis__analysed_at__gte=models.F("imported_at"))
        read &= (
            Q(analysis__artifact__isnull=True, analysis__isnull=False)
            if artifact_id is None
            else Q(analysis__artifact=artifact_id)
        )
        return self.exclude(pk__in=self.filter(read).values("pk"))


class Post(models.Model):
    """
    What somebody wrote about the shop or an item elsewhere, brought in with its source and link.

    It is read and understood like a review and never shown as one.
    """

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    source = models.CharField(
        _("source"), max_length=64, help_text=_("Where it was written: a site, an app.")
    )
    external_id = models.CharField(_("number there"), max_length=128)
    url = models.URLField(_("link"), max_length=500, blank=True, default="")
    item = models.ForeignKey(
        "engagement.Item",
        verbose_name=_("item"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="posts",
        help_text=_("Empty where it is about the shop as a whole."),
    )
    author = models.CharField(_("author"), max_length=100, blank=True, default="")
    rating = models.PositiveSmallIntegerField(_("stars"), null=True, blank=True)
    title = models.CharField(_("title"), max_length=300, blank=True, default="")
    body = models.TextField(_("text"))
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    posted_at = models.DateTimeField(_("written"))
    # Changes with the words only: an analysis older than this is of an old text.
    imported_at = models.DateTimeField(_("imported"), default=timezone.now)
    handled_at = models.DateTimeField(_("dealt with"), null=True, blank=True)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("dealt with by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )

    objects = PostQuerySet.as_manager()

    class Meta:
        verbose_name = _("post from elsewhere")
        verbose_name_plural = _("posts from elsewhere")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "source", "external_id"], name="engagement_post_once"
            ),
            models.CheckConstraint(
                name="engagement_post_one_to_five_stars",
                condition=Q(rating__isnull=True) | Q(rating__gte=1, rating__lte=5),
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "-posted_at"], name="engagement_post_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.title or self.body[:40]}"

    @property
    def text(self) -> str:
        """What there is to read: title and body."""
        return "\n".join(part for part in (self.title, self.body) if part)
