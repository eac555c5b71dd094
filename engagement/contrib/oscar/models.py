from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class FilledRecommendation(models.Model):
    """
    A row of Oscar's "recommended products" that the app has written: a row carries no mark itself.

    Products are opaque keys, so that no migration depends on the shop's apps.
    """

    primary_key = models.CharField(_("product"), max_length=64)
    recommended_key = models.CharField(_("recommended product"), max_length=64)
    ranking = models.PositiveSmallIntegerField(_("ranking"))
    # Somebody has deleted the row: it is not written again.
    is_unwanted = models.BooleanField(_("deleted by hand"), default=False)
    written_at = models.DateTimeField(_("written"))

    objects: ClassVar[models.Manager[FilledRecommendation]] = models.Manager()

    class Meta:
        verbose_name = _("filled recommendation")
        verbose_name_plural = _("filled recommendations")
        constraints = [
            models.UniqueConstraint(
                fields=["primary_key", "recommended_key"], name="engagement_oscar_filled_pair"
            )
        ]

    def __str__(self) -> str:
        return f"{self.primary_key} → {self.recommended_key}"
