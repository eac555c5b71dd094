from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Promotion(models.Model):
    """
    One offer of a campaign: what is given, on what, in which words and where.

    ``name`` is the arm's key in the log of decisions: unique in a channel, and not changed once
    the campaign has run. Money is in the campaign's currency.
    """

    class Kind(models.TextChoices):
        PERCENTAGE = "percentage", _("percentage off")
        AMOUNT = "amount", _("money off")
        FREE_SHIPPING = "free_shipping", _("free delivery")
        N_FOR_M = "n_for_m", _("n for the price of m")
        BUNDLE = "bundle", _("a set for one price")
        GIFT = "gift", _("a present")
        MESSAGE = "message", _("a message or banner, nothing off")

    class Scope(models.TextChoices):
        CART = "cart", _("the whole cart")
        CATEGORY = "category", _("categories")
        ITEMS = "items", _("items")

    class CodeKind(models.TextChoices):
        AUTOMATIC = "automatic", _("none: it is taken off by itself")
        PERSONAL = "personal", _("one of their own for each customer, good once")
        SHARED = "shared", _("one for all")

    campaign = models.ForeignKey(
        "engagement.Campaign",
        verbose_name=pgettext_lazy("offers", "campaign"),
        on_delete=models.CASCADE,
        related_name="promotions",
    )
    # The campaign's, copied: codes and names are unique in it.
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="", editable=False)
    name = models.CharField(
        _("name"),
        max_length=64,
        validators=[RegexValidator(r"^[a-z0-9_.-]+$", _("Small letters, digits, and _ . -"))],
        help_text=_("What reports call it; it stays once the campaign has run."),
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.PERCENTAGE)
    value = models.DecimalField(
        pgettext_lazy("offer", "off"),
        max_digits=15,
        decimal_places=3,
        null=True,
        blank=True,
        help_text=_("Per cent, or money."),
    )
    set_price = models.DecimalField(
        _("price of the set"), max_digits=15, decimal_places=3, null=True, blank=True
    )
    buy_n = models.PositiveSmallIntegerField(_("take"), null=True, blank=True)
    pay_m = models.PositiveSmallIntegerField(_("pay for"), null=True, blank=True)
    gift_key = models.CharField(_("present (item key)"), max_length=161, blank=True, default="")
    scope = models.CharField(_("on"), max_length=8, choices=Scope, default=Scope.CART)
    # Item keys, or category paths: all below them is meant.
    scope_keys = models.JSONField(_("which"), blank=True, default=list)
    min_spend = models.DecimalField(
        _("from a value of"),
        max_digits=15,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Of the goods it is for, before anything is taken off."),
    )
    max_discount = models.DecimalField(
        _("at most"),
        max_digits=15,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    cost = models.DecimalField(
        _("further cost of each use"),
        max_digits=15,
        decimal_places=3,
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("Beside what is taken off: the present, the postage. The budget counts both."),
    )
    # {"en": {"title": "…", "text": "…", "button": "…", "terms": "…"}, "zh-hans": …}
    texts = models.JSONField(_("words by language"), blank=True, default=dict)
    picture = models.CharField(_("picture (address)"), max_length=500, blank=True, default="")
    url = models.CharField(_("leads to (address)"), max_length=500, blank=True, default="")
    placements = models.JSONField(_("shown at"), blank=True, default=list)
    starts_at = models.DateTimeField(pgettext_lazy("moment", "from"), null=True, blank=True)
    ends_at = models.DateTimeField(pgettext_lazy("moment", "until"), null=True, blank=True)
    audience = models.TextField(
        _("for whom"), blank=True, default="", help_text=_("Beside what the campaign says.")
    )
    max_redemptions = models.PositiveIntegerField(_("uses in all"), null=True, blank=True)
    n_redeemed = models.PositiveIntegerField(_("used"), default=0, editable=False)
    max_per_visitor = models.PositiveSmallIntegerField(
        _("uses per customer"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    spent = models.DecimalField(
        _("spent"), max_digits=15, decimal_places=3, default=0, editable=False
    )
    stacks = models.BooleanField(
        _("goes together with others"),
        default=False,
        help_text=_("With others that say so too."),
    )
    exclusive_group = models.CharField(
        _("one of"),
        max_length=32,
        blank=True,
        default="",
        help_text=_("Of offers that give the same word here, one counts."),
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=0, validators=[MaxValueValidator(99)]
    )
    code_kind = models.CharField(
        pgettext_lazy("offer", "code"),
        max_length=9,
        choices=CodeKind,
        default=CodeKind.AUTOMATIC,
    )
    code = models.CharField(
        _("the code for all"),
        max_length=64,
        blank=True,
        default="",
        validators=[RegexValidator(r"^[A-Z0-9]+$", _("Capital letters and digits."))],
    )
    grant_days = models.PositiveSmallIntegerField(
        _("counts for days"),
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=_("From when a customer is given it; the end of the campaign ends it as well."),
    )
    is_for_everybody = models.BooleanField(
        _("for held-out visitors too"),
        default=False,
        help_text=_("It is part of the shop and not of what is chosen for somebody."),
    )
    is_active = models.BooleanField(pgettext_lazy("offer", "active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = pgettext_lazy("offers", "offer")
        verbose_name_plural = pgettext_lazy("offers", "offers")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "name"], name="engagement_promotion_name"),
            models.UniqueConstraint(
                fields=["channel", "code"],
                name="engagement_promotion_code",
                condition=~Q(code=""),
            ),
            models.CheckConstraint(
                name="engagement_promotion_shared_has_a_code",
                condition=Q(code_kind="shared") & ~Q(code="") | ~Q(code_kind="shared") & Q(code=""),
            ),
            models.CheckConstraint(
                name="engagement_promotion_percentage",
                condition=~Q(kind="percentage")
                | Q(value__isnull=False, value__gt=0, value__lte=100),
            ),
            models.CheckConstraint(
                name="engagement_promotion_amount",
                condition=~Q(kind="amount") | Q(value__isnull=False, value__gt=0),
            ),
            models.CheckConstraint(
                name="engagement_promotion_n_for_m",
                condition=~Q(kind="n_for_m")
                | Q(buy_n__isnull=False, pay_m__isnull=False, pay_m__gte=1, buy_n__gt=F("pay_m")),
            ),
            models.CheckConstraint(
                name="engagement_promotion_bundle",
                condition=~Q(kind="bundle")
                | Q(scope="items", set_price__isnull=False, set_price__gte=0, value__isnull=True)
                | Q(
                    scope="items",
                    set_price__isnull=True,
                    value__isnull=False,
                    value__gt=0,
                    value__lte=100,
                ),
            ),
            models.CheckConstraint(
                name="engagement_promotion_gift", condition=~Q(kind="gift") | ~Q(gift_key="")
            ),
            models.CheckConstraint(
                name="engagement_promotion_message_has_no_code",
                condition=~Q(kind="message") | Q(code_kind="automatic"),
            ),
            models.CheckConstraint(
                name="engagement_promotion_of_everybody_is_not_personal",
                condition=Q(is_for_everybody=False) | ~Q(code_kind="personal"),
            ),
            models.CheckConstraint(
                name="engagement_promotion_within_cap",
                condition=Q(max_redemptions__isnull=True) | Q(n_redeemed__lte=F("max_redemptions")),
            ),
            models.CheckConstraint(
                name="engagement_promotion_money_not_negative",
                condition=Q(spent__gte=0, cost__gte=0)
                & (Q(min_spend__isnull=True) | Q(min_spend__gte=0))
                & (Q(max_discount__isnull=True) | Q(max_discount__gte=0)),
            ),
            models.CheckConstraint(
                name="engagement_promotion_ends_after_it_starts",
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(ends_at__gt=F("starts_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        self.channel = self.campaign.channel
        super().save(*args, **kwargs)  # type: ignore[arg-type]
