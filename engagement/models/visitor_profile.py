from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class VisitorProfile(models.Model):
    """
    What a visitor's past comes to, in numbers: made from events by a task. Goes with the visitor.

    One row for each person: what was done before signing in is counted with the customer. Days
    before ``until`` are in it; what happened since is added where somebody asks for one visitor
    (``flows.promotions.shoppers``). Money is in the shop's currency, net of refunds.
    """

    visitor = models.OneToOneField(
        "engagement.Visitor",
        verbose_name=_("visitor"),
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="profile",
    )
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    until = models.DateField(_("days before"))
    first_day = models.DateField(_("first visit"))
    last_day = models.DateField(_("last visit"))
    last_order_day = models.DateField(_("last order"), null=True, blank=True)
    n_orders = models.PositiveIntegerField(_("orders"), default=0)
    n_refunds = models.PositiveIntegerField(_("orders given back"), default=0)
    spent = models.DecimalField(
        pgettext_lazy("customer", "spent"), max_digits=15, decimal_places=3, default=0
    )
    mean_order_value = models.DecimalField(
        _("mean order value"), max_digits=15, decimal_places=3, default=0
    )
    n_sessions_30d = models.PositiveIntegerField(_("sessions in 30 days"), default=0)
    n_views_30d = models.PositiveIntegerField(_("items viewed in 30 days"), default=0)
    n_carts_30d = models.PositiveIntegerField(_("put in the cart in 30 days"), default=0)
    is_customer = models.BooleanField(_("has an account"), default=False)
    language = models.CharField(_("language"), max_length=16, blank=True, default="")

    class Meta:
        verbose_name = _("visitor's profile")
        verbose_name_plural = _("visitors' profiles")
        constraints = [
            models.CheckConstraint(
                name="engagement_profile_order_has_a_day",
                condition=Q(n_orders=0) | Q(last_order_day__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "last_day"], name="engagement_profile_recent"),
        ]

    def __str__(self) -> str:
        return str(self.visitor_id)


class VisitorTaste(models.Model):
    """How much of what a visitor did is about one category. Goes with the visitor."""

    visitor = models.ForeignKey(
        "engagement.Visitor",
        verbose_name=_("visitor"),
        on_delete=models.CASCADE,
        related_name="tastes",
        db_index=False,
    )
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    category = models.CharField(_("category path"), max_length=255)
    # Whole numbers add up to the same in every database and in Python.
    share = models.PositiveSmallIntegerField(_("share, of 10,000"))

    class Meta:
        verbose_name = _("visitor's taste")
        verbose_name_plural = _("visitors' tastes")
        constraints = [
            models.UniqueConstraint(
                fields=["visitor", "category"], name="engagement_taste_once_a_category"
            ),
            models.CheckConstraint(
                name="engagement_taste_is_a_share", condition=Q(share__gte=0, share__lte=10_000)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visitor_id} {self.category}"
