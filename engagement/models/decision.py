from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Decision(models.Model):
    """
    What one visitor got at one point, with what chance, and what came of it. Goes with the visitor.

    ``arm`` "" is no offer. ``arms`` and ``probabilities`` are all that could have been; ``context``
    is what was known, by the names of features, and with the policy's state (``version``,
    ``learnt_until``) gives the same probabilities again. ``learnt_until`` is empty where the state
    could not be read and all arms were alike. ``settled_number`` is its place among all decisions
    of the point that are learnt from; what machines and staff were shown is settled without one.
    """

    key = models.UUIDField(_("key"), unique=True, editable=False)
    point = models.ForeignKey(
        "engagement.DecisionPoint",
        verbose_name=_("decision point"),
        on_delete=models.CASCADE,
        related_name="decisions",
        db_index=False,
    )
    version = models.ForeignKey(
        "engagement.PolicyVersion",
        verbose_name=_("policy"),
        on_delete=models.RESTRICT,
        related_name="decisions",
        db_index=False,
    )
    learnt_until = models.PositiveBigIntegerField(_("learnt until"), null=True, blank=True)
    visitor = models.ForeignKey(
        "engagement.Visitor",
        verbose_name=_("visitor"),
        on_delete=models.CASCADE,
        related_name="decisions",
        db_index=False,
    )
    decided_at = models.DateTimeField(_("decided"))
    arm = models.CharField(pgettext_lazy("policy", "arm"), max_length=64, blank=True, default="")
    arms = models.JSONField(pgettext_lazy("policy", "arms"))
    probabilities = models.JSONField(_("probabilities"))
    propensity = models.FloatField(_("propensity"))
    context = models.JSONField(_("context"), default=dict)
    shown_at = models.DateTimeField(_("seen"), null=True, blank=True)
    clicked_at = models.DateTimeField(_("clicked"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_number = models.PositiveBigIntegerField(_("number"), null=True, blank=True)
    orders = models.PositiveIntegerField(_("orders"), default=0)
    revenue = models.DecimalField(_("revenue"), max_digits=15, decimal_places=3, default=0)
    cost = models.DecimalField(
        pgettext_lazy("of an offer", "cost"), max_digits=15, decimal_places=3, default=0
    )
    reward = models.FloatField(_("reward"), null=True, blank=True)

    class Meta:
        verbose_name = _("decision of a policy")
        verbose_name_plural = _("decisions of policies")
        constraints = [
            models.UniqueConstraint(
                fields=["point", "settled_number"], name="engagement_decision_number"
            ),
            models.CheckConstraint(
                name="engagement_decision_propensity_is_a_chance",
                condition=Q(propensity__gt=0, propensity__lte=1.000001),
            ),
            models.CheckConstraint(
                name="engagement_decision_settled_has_a_reward",
                condition=Q(settled_at__isnull=False, reward__isnull=False)
                | Q(settled_at__isnull=True, reward__isnull=True, settled_number__isnull=True),
            ),
            models.CheckConstraint(
                name="engagement_decision_clicked_was_seen",
                condition=Q(clicked_at__isnull=True) | Q(shown_at__isnull=False),
            ),
            models.CheckConstraint(
                name="engagement_decision_settled_after",
                condition=Q(settled_at__isnull=True) | Q(settled_at__gte=F("decided_at")),
            ),
        ]
        indexes = [
            # What a visitor got last: asked for with each page that decides.
            models.Index(
                fields=["visitor", "point", "-decided_at"], name="engagement_decision_last"
            ),
            models.Index(fields=["point", "-decided_at"], name="engagement_decision_newest"),
            # What waits for its window to end.
            models.Index(
                fields=["point", "decided_at"],
                name="engagement_decision_open",
                condition=Q(settled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.arm or '–'} {self.decided_at:%Y-%m-%d %H:%M}"
