"""Experiments: made, started, watched and stopped."""

from __future__ import annotations

import math
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from engagement.admin import links
from engagement.admin.charts import Chart, Series, number
from engagement.admin.detail import DetailAdmin
from engagement.admin.listing import CHARTS, AnyChannelFilter
from engagement.flows.experiments import results, steering
from engagement.flows.serving import trials
from engagement.models import Experiment, ExperimentVariant, Measure


class ExperimentForm(forms.ModelForm):
    guard_rails = forms.MultipleChoiceField(
        label=gettext_lazy("guard rails"),
        choices=Measure.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("A variant that is shown to harm one of these stops by itself."),
    )

    class Meta:
        model = Experiment
        fields = (
            "name",
            "channel",
            "hypothesis",
            "placement",
            "share",
            "layer",
            "decision_metric",
            "guard_rails",
        )

    def clean_share(self) -> float:
        share: float = self.cleaned_data["share"]
        refusal = (
            steering.share_refusal(Experiment.objects.get(pk=self.instance.pk), share)
            if (self.instance.pk)
            else ""
        )
        if refusal:
            raise ValidationError(refusal)
        return share


class VariantForm(forms.ModelForm):
    strategies = forms.CharField(
        label=gettext_lazy("strategies, first one first"),
        required=False,
        help_text=gettext_lazy("As for_you, trending; empty: as today."),
    )

    class Meta:
        model = ExperimentVariant
        fields = ("name", "weight", "strategies", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["strategies"] = ", ".join(self.instance.strategies or [])

    def clean_strategies(self) -> list[str]:
        text: str = self.cleaned_data["strategies"]
        names = [name for name in (part.strip() for part in text.split(",")) if name]
        for name in names:
            if not trials.is_known(name):
                raise ValidationError(_("There is no strategy %(name)s.") % {"name": name})
        return names


class VariantInline(admin.TabularInline):
    model = ExperimentVariant
    form = VariantForm
    extra = 0
    min_num = 2

    def _is_draft(self, obj: Experiment | None) -> bool:
        return obj is None or obj.status == Experiment.Status.DRAFT

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_draft(obj) and super().has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_draft(obj) and super().has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_draft(obj) and super().has_delete_permission(request, obj)


class ExperimentAdmin(DetailAdmin):
    form = ExperimentForm
    inlines = (VariantInline,)
    list_display = ("name", "status", "placement", "share", "decision_metric", "started_at")
    list_filter = ("status", ("channel", AnyChannelFilter))
    ordering = ("-created_at",)
    change_form_template = "admin/engagement/experiment/change_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None or obj.status == Experiment.Status.DRAFT:
            return ()
        # What was asked stays what was asked; more visitors may be let in.
        fixed = ("name", "channel", "placement", "layer", "decision_metric")
        return fixed if obj.status == Experiment.Status.RUNNING else (*fixed, "share")

    def get_urls(self) -> list[URLPattern]:
        own = []
        for name, act in (("start", self.start), ("stop", self.stop)):
            view = self.admin_site.admin_view(require_POST(act))
            own.append(path(f"<int:pk>/{name}/", view, name=f"engagement_experiment_{name}"))
        return [*own, *super().get_urls()]

    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        experiment = self._of(request, pk)
        try:
            steering.start(experiment, at=timezone.now())
        except steering.CannotStart as refusal:
            messages.error(request, str(refusal))
        else:
            self._tell(request, experiment, _("It runs."))
        return self._back(pk)

    def stop(self, request: HttpRequest, pk: int) -> HttpResponse:
        experiment = self._of(request, pk)
        if steering.stop(experiment, at=timezone.now()):
            self._tell(request, experiment, _("It is stopped; everybody gets the same again."))
        return self._back(pk)

    def _tell(self, request: HttpRequest, experiment: Experiment, said: str) -> None:
        self.log_change(request, experiment, said)
        messages.success(request, said)

    def _of(self, request: HttpRequest, pk: int) -> Experiment:
        experiment = get_object_or_404(Experiment, pk=pk)
        if not self.has_change_permission(request, experiment):
            raise PermissionDenied
        return experiment

    def _back(self, pk: int) -> HttpResponse:
        return HttpResponseRedirect(links.page(self.admin_site, "experiment_change", pk))

    def detail(self, request: HttpRequest, experiment: Experiment) -> dict[str, Any]:
        at = timezone.now()
        found = results.read(experiment, at=at)
        return {
            "found": found,
            "charts_media": CHARTS,
            "rows": _rows(found),
            "chart": _chart(experiment, at),
        }


def _rows(found: results.Results) -> list[dict[str, Any]]:
    return [
        {
            "variant": result.variant,
            "n": number(result.n),
            "measure": Measure(measure).label,
            "is_decision": measure == found.experiment.decision_metric,
            "control": _short(effect.control_mean),
            "value": _short(effect.variant_mean),
            "effect": _interval(effect),
            "style": "eng-good" if effect.is_better else "eng-bad" if effect.is_worse else "",
            "reduction": f"{number(100 * effect.reduction)} %",
        }
        for result in found.results
        for measure, effect in result.effects.items()
    ]


def _short(value: float) -> str:
    return number(value, 3) if math.isfinite(value) else "–"


def _interval(effect: Any) -> str:
    if not math.isfinite(effect.low):
        return _("too few visitors to say")
    return f"{_short(effect.value)} ({_short(effect.low)} … {_short(effect.high)})"


def _chart(experiment: Experiment, at: Any) -> Chart | None:
    points = results.over_time(experiment, at=at)
    if not points:
        return None

    def told(value: float, low: float) -> float | None:
        return value if math.isfinite(low) else None

    return Chart(
        key="eng-effect",
        title=_("Effect on “%(measure)s” as visitors came in")
        % {"measure": Measure(experiment.decision_metric).label},
        labels=[date_format(day, "MONTH_DAY_FORMAT") for day, _effects in points],
        series=[
            Series(
                variant.name,
                [told(one[variant.pk].value, one[variant.pk].low) for _day, one in points],
                low=[told(one[variant.pk].low, one[variant.pk].low) for _day, one in points],
                high=[told(one[variant.pk].high, one[variant.pk].low) for _day, one in points],
            )
            for variant in list(experiment.variants.all())[1:]
        ],
        kind="line",
        decimals=3,
        label_heading=_("Day"),
        summary=_("The whiskers hold the truth at all moments at once; 0 is no difference."),
    )
