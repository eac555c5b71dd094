from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class SentimentAlert(models.Model):
    """
    An item whose reviews got worse than chance explains. It stays open until they recover, and is
    told once.
    """

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    item = models.ForeignKey(
        "engagement.Item",
        verbose_name=_("item"),
        on_delete=models.CASCADE,
        related_name="sentiment_alerts",
    )
    raised_at = models.DateTimeField(_("noticed"))
    resolved_at = models.DateTimeField(_("recovered"), null=True, blank=True)
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)
    # Counted on both sides: {"recent": {"n", "negative"}, "before": {"n", "negative"}}.
    counts = models.JSONField(_("counts"), default=dict)
    q_value = models.FloatField(
        _("error rate"), help_text=_("Expected share of false alarms among alerts this clear.")
    )
    aspects = models.JSONField(_("what it is about"), blank=True, default=list)

    class Meta:
        verbose_name = _("alert: reviews got worse")
        verbose_name_plural = _("alerts: reviews got worse")
        constraints = [
            models.UniqueConstraint(
                fields=["item"],
                name="engagement_alert_one_open",
                condition=models.Q(resolved_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "-raised_at"], name="engagement_alert_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} {self.raised_at:%Y-%m-%d}"
