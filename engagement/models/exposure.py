from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Exposure(models.Model):
    """That a visitor met an experiment, in which variant, and when first. Goes with the visitor."""

    experiment = models.ForeignKey(
        "engagement.Experiment",
        verbose_name=_("experiment"),
        on_delete=models.CASCADE,
        related_name="exposures",
        db_index=False,
    )
    variant = models.ForeignKey(
        "engagement.ExperimentVariant",
        verbose_name=pgettext_lazy("experiment", "variant"),
        on_delete=models.CASCADE,
        related_name="exposures",
    )
    visitor = models.ForeignKey(
        "engagement.Visitor",
        verbose_name=_("visitor"),
        on_delete=models.CASCADE,
        related_name="exposures",
    )
    first_at = models.DateTimeField(_("first seen"))

    class Meta:
        verbose_name = _("exposure")
        verbose_name_plural = _("exposures")
        constraints = [
            # The same visitor may be in two variants: before signing in and after.
            models.UniqueConstraint(
                fields=["experiment", "visitor"], name="engagement_exposure_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visitor_id} → {self.variant_id}"
