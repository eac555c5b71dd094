from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class SeedStep(models.Model):
    """A step of filling the shop that is finished; a command that was killed starts after it."""

    name = models.CharField(_("step"), max_length=40, primary_key=True)
    size = models.CharField(_("size"), max_length=10)
    # The day that "yesterday" was when the first step ran: every step shifts dates to it.
    today = models.DateField(_("day"))
    finished_at = models.DateTimeField(_("finished"), auto_now_add=True)

    class Meta:
        verbose_name = _("finished step")
        verbose_name_plural = _("finished steps")

    def __str__(self) -> str:
        return self.name
