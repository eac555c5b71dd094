from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class AspectTerm(models.Model):
    """
    A word by which customers name an aspect of what they bought: ``runs small`` is about size.

    The app comes with a list; these are a shop's own. What the nightly look at the shop's texts
    proposes waits as ``found`` until somebody takes it. ``is_ignored`` takes a word of the stock
    list away.
    """

    class Origin(models.TextChoices):
        OWN = "own", _("ours")
        FOUND = "found", _("found in reviews, not used yet")

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    language = models.CharField(_("language"), max_length=16)
    category = models.CharField(
        _("category"),
        max_length=255,
        blank=True,
        default="",
        help_text=_("Beginning of the category path that it is for; empty: all."),
    )
    aspect = models.SlugField(
        _("aspect"), max_length=40, allow_unicode=True, help_text=_("Such as size or delivery.")
    )
    term = models.CharField(_("word or phrase"), max_length=60)
    origin = models.CharField(_("origin"), max_length=5, choices=Origin, default=Origin.OWN)
    is_ignored = models.BooleanField(_("means something else here"), default=False)
    n_texts = models.PositiveIntegerField(_("reviews that say it"), default=0, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("word for an aspect")
        verbose_name_plural = _("words for aspects")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "language", "category", "term"],
                name="engagement_aspect_term_once",
            ),
            models.CheckConstraint(
                name="engagement_aspect_term_is_said", condition=~Q(term="") & ~Q(aspect="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.term} → {self.aspect}"


class AspectSummary(models.Model):
    """
    What customers say of one aspect of an item, or of a category's items, counted at night.

    ``share`` is how many of the reviews speak of it; ``polarity`` the mean from -1 (bad) to 1
    (good); ``trend`` by how much the polarity of the last weeks differs from before, empty where
    there is too little to say. ``quotes`` are the evidence: ``[{"kind", "key", "quote", "start",
    "end", "polarity", "language"}]``.
    """

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    item = models.ForeignKey(
        "engagement.Item",
        verbose_name=_("item"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="aspects",
        help_text=_("Empty for a whole category."),
    )
    category = models.CharField(_("category path"), max_length=255, blank=True, default="")
    aspect = models.CharField(_("aspect"), max_length=40)
    n_texts = models.PositiveIntegerField(_("reviews that speak of it"), default=0)
    n_positive = models.PositiveIntegerField(_("praise"), default=0)
    n_neutral = models.PositiveIntegerField(_("neither"), default=0)
    n_negative = models.PositiveIntegerField(_("complaints"), default=0)
    share = models.FloatField(_("share of the reviews"), default=0.0)
    polarity = models.FloatField(_("polarity"), default=0.0)
    trend = models.FloatField(_("change"), null=True, blank=True)
    quotes = models.JSONField(_("quotes"), blank=True, default=list)
    counted_at = models.DateTimeField(_("counted"))

    class Meta:
        verbose_name = _("what is said of an aspect")
        verbose_name_plural = _("what is said of aspects")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "item", "aspect"],
                name="engagement_aspect_of_item",
                condition=Q(item__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["channel", "category", "aspect"],
                name="engagement_aspect_of_category",
                condition=Q(item__isnull=True),
            ),
            models.CheckConstraint(
                name="engagement_aspect_share_is_a_share",
                condition=Q(share__gte=0.0, share__lte=1.0),
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "category", "-share"], name="engagement_aspect_often"),
        ]

    def __str__(self) -> str:
        return f"{self.aspect}: {self.polarity:+.2f} ({self.n_texts})"
