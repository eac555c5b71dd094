from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Measure(models.TextChoices):
    """What visitors are measured by; each is a sum or a yes-or-no over a visitor's days."""

    REVENUE = "revenue", _("revenue per visitor")
    CONVERSION = "conversion", _("conversion: visitors who bought")
    ORDERS = "orders", _("orders per visitor")
    ADD_TO_CART = "add_to_cart", _("visitors who put something in the cart")
    REPEAT = "repeat", _("visitors who ordered twice")
    SESSIONS = "sessions", _("sessions per visitor")
    DEPTH = "depth", _("items viewed per visitor")
    CLICKS = "clicks", _("clicks on shelves per visitor")
    REVIEWS = "reviews", _("reviews per visitor")


class Experiment(models.Model):
    """
    A question that visitors answer: which of several variants does better?

    Who gets which variant follows from ``salt`` and the visitor's key alone. Raising ``share`` lets
    visitors in and moves nobody. Experiments of one ``layer`` share no visitor: each takes the
    ``share`` of it that begins at ``layer_start``.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("experiment", "draft")
        RUNNING = "running", pgettext_lazy("experiment", "running")
        STOPPED = "stopped", pgettext_lazy("experiment", "stopped")

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    name = models.CharField(
        _("name"),
        max_length=64,
        validators=[RegexValidator(r"^[a-z0-9_.-]+$", _("Small letters, digits, and _ . -"))],
    )
    hypothesis = models.TextField(_("what is expected, and why"), blank=True, default="")
    placement = models.CharField(
        _("placement"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("The place whose strategies the variants choose; empty: the code asks itself."),
    )
    share = models.FloatField(
        _("share of visitors"),
        default=1.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_("Raising it lets more visitors in and moves nobody."),
    )
    salt = models.CharField(_("salt"), max_length=64, editable=False)
    layer = models.CharField(
        _("layer"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("Experiments of one layer share no visitor."),
    )
    layer_start = models.FloatField(_("begins at"), default=0.0, editable=False)
    decision_metric = models.CharField(
        _("decision metric"), max_length=16, choices=Measure, default=Measure.REVENUE
    )
    # ["revenue", …]: a variant that is shown to harm one of them stops by itself.
    guard_rails = models.JSONField(_("guard rails"), blank=True, default=list)
    status = models.CharField(
        _("state"), max_length=8, choices=Status, default=Status.DRAFT, editable=False
    )
    started_at = models.DateTimeField(_("started"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("experiment")
        verbose_name_plural = _("experiments")
        constraints = [
            models.UniqueConstraint(fields=["channel", "name"], name="engagement_experiment_name"),
            models.CheckConstraint(
                name="engagement_experiment_share_is_one",
                condition=Q(share__gte=0.0, share__lte=1.0),
            ),
            models.CheckConstraint(
                name="engagement_experiment_runs_from_a_date",
                condition=Q(status="draft", started_at__isnull=True)
                | ~Q(status="draft") & Q(started_at__isnull=False),
            ),
            models.CheckConstraint(
                name="engagement_experiment_stopped_has_a_date",
                condition=Q(status="stopped", ended_at__isnull=False)
                | ~Q(status="stopped") & Q(ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ExperimentVariant(models.Model):
    """One answer to the question. The first by ``position`` is the control."""

    experiment = models.ForeignKey(
        Experiment,
        verbose_name=_("experiment"),
        on_delete=models.CASCADE,
        related_name="variants",
    )
    name = models.CharField(
        _("name"),
        max_length=32,
        validators=[RegexValidator(r"^[a-z0-9_.-]+$", _("Small letters, digits, and _ . -"))],
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    weight = models.FloatField(_("weight"), default=1.0, validators=[MinValueValidator(0.01)])
    strategies = models.JSONField(
        _("strategies, first one first"),
        blank=True,
        default=list,
        help_text=_("What fills the placement in this variant; empty: as today."),
    )
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True, editable=False)
    stopped_by = models.CharField(
        _("stopped by"), max_length=16, blank=True, default="", editable=False
    )

    class Meta:
        verbose_name = pgettext_lazy("experiment", "variant")
        verbose_name_plural = _("variants")
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "name"], name="engagement_experiment_variant_name"
            ),
            models.CheckConstraint(
                name="engagement_experiment_variant_weighs", condition=Q(weight__gt=0.0)
            ),
        ]

    def __str__(self) -> str:
        return self.name
