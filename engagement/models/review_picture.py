from __future__ import annotations

import uuid

from django.core.files.storage import InvalidStorageError, Storage, storages
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from engagement.conf import app_settings
from engagement.models.moderation import Status
from engagement.models.review import Review


def picture_storage() -> Storage:
    """Return where pictures lie: the storage that settings name, or the project's default."""
    try:
        return storages[app_settings.PICTURE_STORAGE]
    except InvalidStorageError:
        return storages["default"]


def picture_path(picture: ReviewPicture, filename: str) -> str:
    """Return a path that cannot be guessed from what pages show, and ignores the sender's name."""
    return f"engagement/reviews/{uuid.uuid4().hex}.{filename.rpartition('.')[2]}"


class ReviewPicture(models.Model):
    """
    A picture of a review, encoded anew by us: no metadata, no file as it was sent. Never shown
    before a person has seen it.
    """

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    review = models.ForeignKey(
        Review, verbose_name=_("review"), on_delete=models.CASCADE, related_name="pictures"
    )
    file = models.FileField(
        _("file"), upload_to=picture_path, storage=picture_storage, max_length=200
    )
    # SHA-256 of the pixels as stored: the same picture sent twice is one.
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    width = models.PositiveSmallIntegerField(_("width"))
    height = models.PositiveSmallIntegerField(_("height"))
    n_bytes = models.PositiveIntegerField(_("size in bytes"))
    caption = models.CharField(_("caption"), max_length=150, blank=True, default="")
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.HELD)
    created_at = models.DateTimeField(_("sent"), default=timezone.now)
    moderated_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["review", "sha256"], name="engagement_picture_once"),
        ]
        indexes = [
            models.Index(fields=["status", "created_at"], name="engagement_picture_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.width} × {self.height} {self.key}"
