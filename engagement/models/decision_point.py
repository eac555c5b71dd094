from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class DecisionPoint(models.Model):
    """
    A place where a policy decides: which offer a visitor gets, or which strategies fill a shelf.

    ``arms`` of a shelf: ``[{"name": "personal", "strategies": ["for_you", "trending"]}]``; an arm
    without strategies leaves the placement as it is set up. The arms of offers are the offers that
    run there, and none.
    """

    class Kind(models.TextChoices):
        OFFERS = "offers", _("which offer")
        STRATEGIES = "strategies", _("which strategies fill the shelf")

    class Reward(models.TextChoices):
        CLICK = "click", _("a click")
        CONVERSION = "conversion", _("an order")
        REVENUE = "revenue", _("revenue")
        MARGIN = "margin", _("margin less what the offer cost")

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    name = models.CharField(
        _("name"),
        max_length=64,
        validators=[
            RegexValidator(r"^[a-z0-9_]+\.[a-z0-9_]+$", _("Write page.slot, as in cart.offer."))
        ],
        help_text=_("page.slot, as in cart.offer; that of a placement, to choose its strategies"),
    )
    kind = models.CharField(_("decides"), max_length=12, choices=Kind, default=Kind.OFFERS)
    reward = models.CharField(_("reward"), max_length=12, choices=Reward, default=Reward.CONVERSION)
    window_hours = models.PositiveSmallIntegerField(
        _("window, hours"),
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 90)],
        help_text=_("What happens so long after a decision counts as coming of it."),
    )
    hold_minutes = models.PositiveIntegerField(
        _("hold, minutes"),
        default=60,
        help_text=_("So long a visitor keeps what was decided."),
    )
    arms = models.JSONField(pgettext_lazy("policy", "arms"), blank=True, default=list)
    experiment = models.CharField(
        _("experiment"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("An experiment whose variants are called as versions of the policy are."),
    )
    learns_at_once = models.BooleanField(
        _("learns at once"),
        default=False,
        help_text=_("For small shops without a worker: learns when something happens."),
    )
    is_active = models.BooleanField(pgettext_lazy("decision point", "active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("decision point")
        verbose_name_plural = _("decision points")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "name"], name="engagement_decision_point_name"
            ),
            models.CheckConstraint(
                name="engagement_decision_point_has_a_window", condition=Q(window_hours__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return self.name
