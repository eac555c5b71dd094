from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Placement(models.Model):
    """
    A place on a page that shows items, and what fills it.

    ``strategies`` are tried in order until the shelf is full: each names a recommender alias of
    the settings (``for_you``, ``similar`` …), or ``recently_viewed`` or ``newest``.
    """

    class Diversity(models.TextChoices):
        TURNS = "turns", _("categories take turns")
        SPREAD = "spread", _("items that differ (determinantal)")
        SHARES = "shares", _("the visitor's own mix of categories (calibrated)")

    class Objective(models.TextChoices):
        NONE = "", _("as the models were trained")
        CLICK = "click", _("clicks")
        CONVERSION = "conversion", _("purchases")
        REVENUE = "revenue", _("revenue: worth the price")
        MARGIN = "margin", _("margin: worth what is earned")

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    name = models.CharField(
        _("name"),
        max_length=64,
        validators=[
            RegexValidator(
                r"^[a-z0-9_]+\.[a-z0-9_]+$", _("Write page.slot, as in product.similar.")
            )
        ],
        help_text=_("page.slot, as in product.similar"),
    )
    # {"en": "You may also like", "zh-hans": "…"}; empty: the translated stock title.
    titles = models.JSONField(_("titles by language"), blank=True, default=dict)
    strategies = models.JSONField(_("strategies, first one first"), default=list)
    n = models.PositiveSmallIntegerField(
        _("items"), default=6, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    min_items = models.PositiveSmallIntegerField(
        _("hide below"), default=1, help_text=_("With fewer items than this the shelf hides.")
    )
    diversity = models.FloatField(
        _("diversity"),
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_("0 ranks by score alone; 1 avoids two items of one category."),
    )
    diversify_by = models.CharField(
        _("diverse in what"), max_length=8, choices=Diversity, default=Diversity.TURNS
    )
    objective = models.CharField(
        _("objective"), max_length=10, choices=Objective, blank=True, default=Objective.NONE
    )
    exploration = models.FloatField(
        _("exploration"),
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(0.5)],
        help_text=_("The share of places that go to new items which few people have been shown."),
    )
    one_of_each = models.BooleanField(
        _("one of each"),
        default=True,
        help_text=_("Of items whose titles differ in size alone, as of variants, show one."),
    )
    same_category = models.BooleanField(
        _("only the context item's category"),
        default=False,
        help_text=_("For substitutes: what else of this kind there is."),
    )
    other_category = models.BooleanField(
        _("not the context item's category"),
        default=False,
        help_text=_("For complements: what goes with it."),
    )
    exclude_in_cart = models.BooleanField(_("leave out what is in the cart"), default=True)
    exclude_bought = models.BooleanField(_("leave out what was bought before"), default=False)
    is_active = models.BooleanField(pgettext_lazy("placement", "active"), default=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        constraints = [
            models.UniqueConstraint(fields=["channel", "name"], name="engagement_placement_name"),
            models.CheckConstraint(
                name="engagement_placement_diversity_is_a_share",
                condition=Q(diversity__gte=0.0, diversity__lte=1.0),
            ),
            models.CheckConstraint(
                name="engagement_placement_exploration_is_a_share",
                condition=Q(exploration__gte=0.0, exploration__lte=0.5),
            ),
            models.CheckConstraint(
                name="engagement_placement_one_category_rule",
                condition=~Q(same_category=True, other_category=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlacementRule(models.Model):
    """One merchandiser's wish: pin, boost, bury or hide what matches."""

    class Action(models.TextChoices):
        PIN = "pin", _("pin to a position")
        BOOST = "boost", _("boost or bury by a factor")
        HIDE = "hide", _("never show")
        ONLY = "only", _("show nothing else")

    class Field(models.TextChoices):
        KEY = "key", _("item key")
        CATEGORY = "category", _("category path begins with")
        GROUP = "group", pgettext_lazy("variants", "group")
        PRICE_BELOW = "price_below", _("price below")
        PRICE_ABOVE = "price_above", _("price above")
        ATTRIBUTE = "attribute", _("attribute (name=value)")

    placement = models.ForeignKey(
        Placement, verbose_name=_("placement"), on_delete=models.CASCADE, related_name="rules"
    )
    action = models.CharField(_("action"), max_length=8, choices=Action)
    field = models.CharField(pgettext_lazy("rule", "where"), max_length=12, choices=Field)
    value = models.CharField(pgettext_lazy("rule", "is"), max_length=255)
    factor = models.FloatField(
        _("factor"),
        default=1.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(100.0)],
        help_text=_("Multiplies the score: above 1 boosts, below 1 buries."),
    )
    position = models.PositiveSmallIntegerField(
        _("position"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    starts_at = models.DateTimeField(pgettext_lazy("moment", "from"), null=True, blank=True)
    ends_at = models.DateTimeField(pgettext_lazy("moment", "until"), null=True, blank=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        constraints = [
            models.CheckConstraint(
                name="engagement_rule_pin_has_a_position",
                condition=~Q(action="pin") | Q(position__isnull=False),
            ),
            models.CheckConstraint(
                name="engagement_rule_factor_not_negative", condition=Q(factor__gte=0.0)
            ),
            models.CheckConstraint(
                name="engagement_rule_ends_after_it_starts",
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(ends_at__gt=models.F("starts_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.field} {self.value}"
