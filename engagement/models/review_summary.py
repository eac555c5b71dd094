from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReviewSummary(models.Model):
    """
    "What customers say" of an item, in one language: sentences of its own reviews.

    ``sentences``: ``[{"kind", "key", "text", "aspect", "polarity", "rating"}]``, each as it stands
    in the review that ``key`` names. ``rewritten``: the same in a language model's words, shown
    only beside them; empty where none is asked, or where it said what no review says.
    """

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    item = models.ForeignKey(
        "engagement.Item",
        verbose_name=_("item"),
        on_delete=models.CASCADE,
        related_name="review_summaries",
    )
    language = models.CharField(_("language"), max_length=16)
    sentences = models.JSONField(_("sentences"), default=list)
    rewritten = models.TextField(_("rewritten"), blank=True, default="")
    rewritten_by = models.CharField(_("rewritten by"), max_length=200, blank=True, default="")
    n_reviews = models.PositiveIntegerField(_("reviews"), default=0)
    n_positive = models.PositiveIntegerField(_("praise"), default=0)
    n_negative = models.PositiveIntegerField(_("complaints"), default=0)
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("what customers say")
        verbose_name_plural = _("what customers say")
        constraints = [
            models.UniqueConstraint(fields=["item", "language"], name="engagement_summary_once"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} ({self.language})"
