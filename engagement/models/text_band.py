from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from engagement.models.moderation import SubjectKind


class TextBand(models.Model):
    """
    One band of a text's MinHash signature: texts that share one are candidates for being copies.

    A text has a handful of them, whatever its length; so a copy is found by one index look-up
    among any number of reviews. ``author`` is a visitor's number, or a name where there is none.
    """

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    band = models.BigIntegerField(_("band"))
    subject_kind = models.CharField(_("about"), max_length=8, choices=SubjectKind)
    subject_key = models.CharField(_("reference"), max_length=128)
    author = models.CharField(_("author"), max_length=128, blank=True, default="")
    written_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("band of a text")
        verbose_name_plural = _("bands of texts")
        indexes = [
            models.Index(fields=["channel", "band"], name="engagement_text_band"),
            models.Index(fields=["subject_kind", "subject_key"], name="engagement_text_band_of"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_key}"
