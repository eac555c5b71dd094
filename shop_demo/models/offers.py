from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shop_demo.models.catalogue import Product
from shop_demo.models.people import Household
from shop_demo.models.trade import Order


class Campaign(models.Model):
    """A mailing of the source data: who got it, from when to when its coupons count."""

    number = models.PositiveIntegerField(_("number"), unique=True)
    kind = models.CharField(_("kind"), max_length=10)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    households = models.ManyToManyField(
        Household, verbose_name=_("sent to"), related_name="campaigns", blank=True
    )

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["starts_at"]

    def __str__(self) -> str:
        return f"{self.number} ({self.kind})"


class CouponQuerySet(models.QuerySet["Coupon"]):
    def valid_for(self, household: Household, at: datetime) -> CouponQuerySet:
        """Return the coupons that this household was sent and has not used."""
        return self.filter(
            campaign__households=household, campaign__starts_at__lte=at, campaign__ends_at__gt=at
        ).exclude(redemptions__household=household)


class Coupon(models.Model):
    """Money off one of the products it names, for the households of its campaign, once."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.CASCADE, related_name="coupons"
    )
    amount = models.DecimalField(_("money off"), max_digits=6, decimal_places=2)
    products = models.ManyToManyField(Product, verbose_name=_("products"), related_name="coupons")

    objects = CouponQuerySet.as_manager()

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Redemption(models.Model):
    coupon = models.ForeignKey(
        Coupon, verbose_name=_("coupon"), on_delete=models.CASCADE, related_name="redemptions"
    )
    household = models.ForeignKey(
        Household,
        verbose_name=_("household"),
        on_delete=models.CASCADE,
        related_name="redemptions",
    )
    order = models.ForeignKey(
        Order,
        verbose_name=_("order"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="redemptions",
    )
    redeemed_at = models.DateTimeField(pgettext_lazy("coupon", "used"))

    class Meta:
        verbose_name = _("used coupon")
        verbose_name_plural = _("used coupons")
        constraints = [
            models.UniqueConstraint(
                fields=["coupon", "household"], name="shop_demo_coupon_used_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id} · {self.household_id}"
