from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from engagement.models.moderation import ReasonCode


class FlagTerm(models.Model):
    """
    A word or phrase that raises a flag, beside the lists that come with the app: a competitor's
    name, an insult of the season. ``is_allowed`` says the opposite: never flag this one.
    """

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    code = models.CharField(_("flag"), max_length=3, choices=ReasonCode)
    language = models.CharField(
        _("language"), max_length=16, blank=True, default="", help_text=_("Empty: any.")
    )
    term = models.CharField(_("word or phrase"), max_length=100)
    is_allowed = models.BooleanField(_("is harmless"), default=False)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("word to watch for")
        verbose_name_plural = _("words to watch for")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "code", "language", "term"], name="engagement_flag_term_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.term}"
