from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class PolicyVersion(models.Model):
    """
    A policy as it was set up for a point: its own backend and options, never today's settings.

    ``features`` names what it may know of a visitor, in the order of its arrays; nothing of it
    changes once it has decided. ``evaluation`` is what it would have earned on the point's log.
    """

    point = models.ForeignKey(
        "engagement.DecisionPoint",
        verbose_name=_("decision point"),
        on_delete=models.CASCADE,
        related_name="versions",
    )
    name = models.CharField(
        _("name"),
        max_length=32,
        validators=[RegexValidator(r"^[a-z0-9_.-]+$", _("Small letters, digits, and _ . -"))],
    )
    backend = models.CharField(_("backend"), max_length=255)
    options = models.JSONField(_("options"), blank=True, default=dict)
    features = models.JSONField(_("features"), blank=True, default=list)
    note = models.TextField(pgettext_lazy("policy", "note"), blank=True, default="")
    evaluation = models.JSONField(_("evaluation"), blank=True, default=dict, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=pgettext_lazy("who did it", "by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
        editable=False,
    )

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        permissions = [
            ("force_policy", _("Can activate a policy that the log does not speak for")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["point", "name"], name="engagement_policy_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.backend.rpartition('.')[2]})"


class PolicyActivationQuerySet(models.QuerySet["PolicyActivation"]):
    def live(self) -> PolicyActivationQuerySet:
        """Return the latest activation of each point."""
        latest = self.order_by().values("point").annotate(latest=models.Max("pk"))
        return self.filter(pk__in=latest.values("latest"))


class PolicyActivation(models.Model):
    """
    One moment at which a policy went live. Going live and rolling back are the same act: a new
    row. Readers take the latest.
    """

    point = models.ForeignKey(
        "engagement.DecisionPoint",
        verbose_name=_("decision point"),
        on_delete=models.CASCADE,
        related_name="activations",
    )
    version = models.ForeignKey(
        PolicyVersion,
        verbose_name=_("policy"),
        on_delete=models.RESTRICT,
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
    was_forced = models.BooleanField(
        _("against the log"),
        default=False,
        help_text=_("The log spoke against it, or was too thin to tell."),
    )

    objects = PolicyActivationQuerySet.as_manager()

    class Meta:
        verbose_name = _("activation of a policy")
        verbose_name_plural = _("activations of policies")

    def __str__(self) -> str:
        return f"{self.point} → {self.version}"


class PolicyState(models.Model):
    """
    What a policy has learnt: NumPy arrays without pickle, checked against their SHA-256.

    ``learnt_until``: the number of the last settled decision that it has learnt from; ``arms`` and
    ``features`` name the rows and columns of the arrays.
    """

    version = models.ForeignKey(
        PolicyVersion,
        verbose_name=_("policy"),
        on_delete=models.CASCADE,
        related_name="states",
        db_index=False,
    )
    learnt_until = models.PositiveBigIntegerField(_("learnt until"))
    n = models.PositiveBigIntegerField(_("decisions learnt from"), default=0)
    arms = models.JSONField(pgettext_lazy("policy", "arms"))
    features = models.JSONField(_("features"))
    arrays = models.BinaryField(_("arrays"))
    sha256 = models.CharField("SHA-256", max_length=64)
    learnt_at = models.DateTimeField(_("learnt"))

    class Meta:
        verbose_name = _("state of a policy")
        verbose_name_plural = _("states of policies")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "learnt_until"], name="engagement_policy_state_once"
            ),
            models.CheckConstraint(
                name="engagement_policy_state_has_a_sum", condition=~Q(sha256="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} #{self.learnt_until}"
