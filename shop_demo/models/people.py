from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

# What the source data says of who lives there, for the translators.
COMPOSITIONS = (
    gettext_noop("1 Adult Kids"),
    gettext_noop("1 Adult No Kids"),
    gettext_noop("2 Adults Kids"),
    gettext_noop("2 Adults No Kids"),
)


class Household(models.Model):
    """What the shop knows of a signed-in customer: one household of the source data."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="household",
    )
    number = models.PositiveIntegerField(_("number"), unique=True)
    age = models.CharField(_("age"), max_length=20, blank=True, default="")
    income = models.CharField(_("income"), max_length=20, blank=True, default="")
    home = models.CharField(_("home"), max_length=30, blank=True, default="")
    marital_status = models.CharField(_("marital status"), max_length=20, blank=True, default="")
    size = models.CharField(_("people"), max_length=10, blank=True, default="")
    composition = models.CharField(_("composition"), max_length=40, blank=True, default="")
    kids = models.CharField(_("children"), max_length=20, blank=True, default="")
    # A household picked to be shown: its place in the list, and what it stands for (a key of
    # shop_demo.personas.PERSONAS).
    persona = models.CharField(_("shown as"), max_length=20, blank=True, default="")

    class Meta:
        verbose_name = _("household")
        verbose_name_plural = _("households")
        ordering = ["number"]

    def __str__(self) -> str:
        return f"household-{self.number}"
