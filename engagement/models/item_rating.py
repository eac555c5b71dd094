from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ItemRating(models.Model):
    """
    The published stars of one item, counted. Kept in step by ``flows.reviews.ratings``; always
    equal to what counting the reviews would give.
    """

    item = models.OneToOneField(
        "engagement.Item",
        verbose_name=_("item"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="rating",
    )
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    n_1 = models.PositiveIntegerField(_("one star"), default=0)
    n_2 = models.PositiveIntegerField(_("two stars"), default=0)
    n_3 = models.PositiveIntegerField(_("three stars"), default=0)
    n_4 = models.PositiveIntegerField(_("four stars"), default=0)
    n_5 = models.PositiveIntegerField(_("five stars"), default=0)
    n_total = models.PositiveIntegerField(_("reviews"), default=0)
    n_verified = models.PositiveIntegerField(_("verified purchases"), default=0)
    average = models.FloatField(_("average"), default=0.0)
    # Drawn to the mean of the shop while there are few: what rankings should sort by.
    bayesian = models.FloatField(_("Bayesian average"), default=0.0)
    updated_at = models.DateTimeField(_("counted"), default=timezone.now)

    class Meta:
        verbose_name = _("rating of an item")
        verbose_name_plural = _("ratings of items")
        indexes = [models.Index(fields=["channel", "-bayesian"], name="engagement_rating_best")]

    def __str__(self) -> str:
        return f"{self.average:.2f} ({self.n_total})"

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """How many reviews gave one, two, three, four and five stars."""
        return self.n_1, self.n_2, self.n_3, self.n_4, self.n_5
