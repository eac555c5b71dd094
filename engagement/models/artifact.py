from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ModelArtifact(models.Model):
    """
    A trained model as it was stored: its own backend and options, never today's settings.

    The arrays lie under ``path`` on the configured storage, described by a manifest whose SHA-256
    is kept here, so that a file that was changed or cut short is refused.
    """

    class Verdict(models.TextChoices):
        PASSED = "passed", _("better than last week's best sellers")
        LOST = "lost", _("not better than last week's best sellers")
        UNTESTED = "untested", _("too little data to hold any back")
        AHEAD = "ahead", _("better than the model that was live")
        BEHIND = "behind", _("not better than the model that is live")

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    alias = models.CharField(_("alias"), max_length=64)
    backend = models.CharField(_("backend"), max_length=255)
    options = models.JSONField(_("options"), default=dict)
    path = models.CharField(_("folder"), max_length=255, unique=True)
    manifest_sha256 = models.CharField(_("manifest's SHA-256"), max_length=64)
    n_bytes = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    data_from = models.DateTimeField(_("data from"), null=True, blank=True)
    data_until = models.DateTimeField(_("data until"), null=True, blank=True)
    n_interactions = models.PositiveIntegerField(_("interactions"), default=0)
    n_rows = models.PositiveIntegerField(_("visitors or orders"), default=0)
    n_items = models.PositiveIntegerField(_("items"), default=0)
    # {"holdout_days": 28, "models": {name: {metric: value}}, "baseline": name, "winner": name,
    #  "cleaning": {rule: count}}
    metrics = models.JSONField(_("metrics"), default=dict)
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict)
    trained_at = models.DateTimeField(_("trained"))
    seconds = models.FloatField(_("seconds"), default=0)

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        indexes = [
            models.Index(
                fields=["channel", "alias", "-trained_at"], name="engagement_artifact_newest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.alias} #{self.pk} ({self.backend.rpartition('.')[2]})"


class ActivationQuerySet(models.QuerySet["Activation"]):
    def live(self) -> ActivationQuerySet:
        """Return the latest activation of each channel and alias."""
        latest = self.values("channel", "alias").annotate(latest=models.Max("pk"))
        return self.filter(pk__in=latest.values("latest"))


class Activation(models.Model):
    """
    One moment at which a model went live. Going live and rolling back are the same act: a new
    row. Readers take the latest.
    """

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    alias = models.CharField(_("alias"), max_length=64)
    artifact = models.ForeignKey(
        ModelArtifact,
        verbose_name=_("model"),
        on_delete=models.PROTECT,
        related_name="activations",
    )
    activated_at = models.DateTimeField(_("activated"))
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=pgettext_lazy("who did it", "by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")

    objects = ActivationQuerySet.as_manager()

    class Meta:
        verbose_name = _("activation")
        verbose_name_plural = _("activations")
        indexes = [
            models.Index(fields=["channel", "alias", "-id"], name="engagement_activation_live")
        ]

    def __str__(self) -> str:
        return f"{self.alias} → #{self.artifact_id}"
