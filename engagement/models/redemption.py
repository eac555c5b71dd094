from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Redemption(models.Model):
    """
    That an offer was used in an order, and what it took.

    ``discount`` is the money the customer was spared, ``cost`` what the budget was charged: the
    discount and the offer's further cost. Both come back once when the order is cancelled.
    """

    promotion = models.ForeignKey(
        "engagement.Promotion",
        verbose_name=pgettext_lazy("offers", "offer"),
        on_delete=models.PROTECT,
        related_name="redemptions",
        db_index=False,
    )
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    grant = models.ForeignKey(
        "engagement.Grant",
        verbose_name=_("given offer"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="redemptions",
    )
    # Stays when the visitor is erased: what a campaign cost is nobody's personal datum.
    visitor = models.ForeignKey(
        "engagement.Visitor",
        verbose_name=_("visitor"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="redemptions",
    )
    order_ref = models.CharField(_("order"), max_length=64)
    discount = models.DecimalField(_("taken off"), max_digits=15, decimal_places=3)
    cost = models.DecimalField(_("cost"), max_digits=15, decimal_places=3)
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    redeemed_at = models.DateTimeField(pgettext_lazy("offer", "used"))
    reversed_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    class Meta:
        verbose_name = _("used offer")
        verbose_name_plural = _("used offers")
        constraints = [
            models.UniqueConstraint(
                fields=["promotion", "order_ref"], name="engagement_redemption_once_an_order"
            ),
            models.CheckConstraint(
                name="engagement_redemption_has_an_order", condition=~Q(order_ref="")
            ),
            models.CheckConstraint(
                name="engagement_redemption_money_not_negative",
                condition=Q(discount__gte=0, cost__gte=F("discount")),
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "order_ref"], name="engagement_redemption_order"),
            models.Index(fields=["promotion", "redeemed_at"], name="engagement_redemption_days"),
        ]

    def __str__(self) -> str:
        return f"{self.promotion_id} · {self.order_ref}"
