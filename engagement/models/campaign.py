from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Campaign(models.Model):
    """
    Why and for how long offers are made, and what they may cost together.

    ``spent`` and ``n_redeemed`` are kept by the statement that redeems an offer, inside the
    order's transaction: never above ``budget`` and ``max_redemptions``.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("campaign", "draft")
        RUNNING = "running", pgettext_lazy("campaign", "running")
        PAUSED = "paused", pgettext_lazy("campaign", "paused")
        ENDED = "ended", pgettext_lazy("campaign", "ended")

    class Pacing(models.TextChoices):
        NONE = "none", _("as it comes")
        EVEN = "even", _("evenly over its time")

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    name = models.CharField(
        _("name"),
        max_length=64,
        validators=[RegexValidator(r"^[a-z0-9_.-]+$", _("Small letters, digits, and _ . -"))],
    )
    description = models.TextField(_("what it is for"), blank=True, default="")
    starts_at = models.DateTimeField(pgettext_lazy("moment", "from"), null=True, blank=True)
    ends_at = models.DateTimeField(pgettext_lazy("moment", "until"), null=True, blank=True)
    status = models.CharField(
        _("state"), max_length=8, choices=Status, default=Status.DRAFT, editable=False
    )
    started_at = models.DateTimeField(_("started"), null=True, blank=True, editable=False)
    audience = models.TextField(
        _("for whom"),
        blank=True,
        default="",
        help_text=_("As: orders >= 2 and days_since_order > 30. Empty: for everybody."),
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"),
        default=0,
        validators=[MaxValueValidator(99)],
        help_text=_("Of two that do not go together, the higher one counts."),
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        blank=True,
        default="",
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Three capital letters, as EUR."))],
    )
    budget = models.DecimalField(
        _("budget"),
        max_digits=15,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("What all its offers may cost together; empty: no limit."),
    )
    spent = models.DecimalField(
        _("spent"), max_digits=15, decimal_places=3, default=0, editable=False
    )
    pacing = models.CharField(_("spend"), max_length=4, choices=Pacing, default=Pacing.NONE)
    max_redemptions = models.PositiveIntegerField(
        _("uses in all"), null=True, blank=True, help_text=_("Empty: no limit.")
    )
    n_redeemed = models.PositiveIntegerField(_("used"), default=0, editable=False)
    max_per_visitor = models.PositiveSmallIntegerField(
        _("uses per customer"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Of all its offers together; empty: no limit."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = pgettext_lazy("offers", "campaign")
        verbose_name_plural = pgettext_lazy("offers", "campaigns")
        constraints = [
            models.UniqueConstraint(fields=["channel", "name"], name="engagement_campaign_name"),
            models.CheckConstraint(
                name="engagement_campaign_within_budget",
                condition=Q(spent__gte=0) & (Q(budget__isnull=True) | Q(spent__lte=F("budget"))),
            ),
            models.CheckConstraint(
                name="engagement_campaign_within_cap",
                condition=Q(max_redemptions__isnull=True) | Q(n_redeemed__lte=F("max_redemptions")),
            ),
            models.CheckConstraint(
                name="engagement_campaign_ends_after_it_starts",
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(ends_at__gt=F("starts_at")),
            ),
            models.CheckConstraint(
                name="engagement_campaign_money_has_a_currency",
                condition=Q(budget__isnull=True) | ~Q(currency=""),
            ),
            models.CheckConstraint(
                name="engagement_campaign_even_has_budget_and_dates",
                condition=~Q(pacing="even")
                | Q(budget__isnull=False, starts_at__isnull=False, ends_at__isnull=False),
            ),
            models.CheckConstraint(
                name="engagement_campaign_runs_from_a_date",
                condition=Q(status="draft", started_at__isnull=True)
                | ~Q(status="draft") & Q(started_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
