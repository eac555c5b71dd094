from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class VisitorDay(models.Model):
    """
    What one visitor did on one day: made from events by a task, never written by hand.

    ``clicks`` and ``impressions`` are those of shelves. ``revenue`` is net of what was refunded
    that day, so it may be negative. Goes with the visitor.
    """

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    day = models.DateField(_("day"))
    visitor = models.ForeignKey(
        "engagement.Visitor", verbose_name=_("visitor"), on_delete=models.CASCADE
    )
    events = models.PositiveIntegerField(_("events"), default=0)
    sessions = models.PositiveIntegerField(_("sessions"), default=0)
    views = models.PositiveIntegerField(_("items viewed"), default=0)
    impressions = models.PositiveIntegerField(_("impressions"), default=0)
    clicks = models.PositiveIntegerField(_("clicks"), default=0)
    carts = models.PositiveIntegerField(_("put in the cart"), default=0)
    orders = models.PositiveIntegerField(_("orders"), default=0)
    refunds = models.PositiveIntegerField(_("orders given back"), default=0)
    reviews = models.PositiveIntegerField(_("reviews"), default=0)
    revenue = models.DecimalField(_("revenue"), max_digits=14, decimal_places=2, default=0)

    class Meta:
        verbose_name = _("visitor's day")
        verbose_name_plural = _("visitors' days")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "day", "visitor"], name="engagement_visitor_day_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.visitor_id} {self.day}"


class DailyMetric(models.Model):
    """
    One sum of one day, of all visitors or of those held out; made from events by a task.

    ``placement`` is set for what is counted per shelf. ``value`` is a count or money.
    """

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    day = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=16)
    placement = models.CharField(_("placement"), max_length=64, blank=True, default="")
    is_holdout = models.BooleanField(_("held out"), default=False)
    value = models.DecimalField(_("sum"), max_digits=18, decimal_places=2, default=0)
    made_at = models.DateTimeField(_("counted"))

    class Meta:
        verbose_name = _("figure of a day")
        verbose_name_plural = _("figures of days")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "day", "name", "placement", "is_holdout"],
                name="engagement_daily_metric_once",
            ),
            models.CheckConstraint(
                name="engagement_daily_metric_has_a_name", condition=~Q(name="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.day}"
