from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Grant(models.Model):
    """
    That an offer was given to a visitor, and until when it counts. Goes with the visitor.

    ``code`` is set for personal codes only, as it is compared: capital letters and digits without
    spaces. It is open until it is used, revoked or over; a visitor has one open grant of an offer.
    """

    promotion = models.ForeignKey(
        "engagement.Promotion",
        verbose_name=pgettext_lazy("offers", "offer"),
        on_delete=models.CASCADE,
        related_name="grants",
    )
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    visitor = models.ForeignKey(
        "engagement.Visitor",
        verbose_name=_("visitor"),
        on_delete=models.CASCADE,
        related_name="grants",
    )
    decision_key = models.CharField(_("decision"), max_length=64, blank=True, default="")
    code = models.CharField(pgettext_lazy("offer", "code"), max_length=64, blank=True, default="")
    # What the shop's own system calls it, where that one grants (ShopOffers).
    shop_ref = models.CharField(_("shop's key"), max_length=128, blank=True, default="")
    granted_at = models.DateTimeField(_("given"))
    expires_at = models.DateTimeField(_("counts until"))
    used_at = models.DateTimeField(pgettext_lazy("offer", "used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("given offer")
        verbose_name_plural = _("given offers")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "code"],
                name="engagement_grant_code",
                condition=~Q(code=""),
            ),
            models.UniqueConstraint(
                fields=["promotion", "visitor"],
                name="engagement_grant_one_open",
                condition=Q(used_at__isnull=True, revoked_at__isnull=True),
            ),
            models.CheckConstraint(
                name="engagement_grant_counts_for_a_while",
                condition=Q(expires_at__gt=F("granted_at")),
            ),
        ]
        indexes = [
            # What is promised of a budget: the open grants of an offer.
            models.Index(
                fields=["promotion", "expires_at"],
                name="engagement_grant_open",
                condition=Q(used_at__isnull=True, revoked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visitor_id} → {self.promotion_id}"
