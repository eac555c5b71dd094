from __future__ import annotations

import json
import math
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from engagement.admin import artifact_charts, links
from engagement.admin.activating import ActivateView, RollBackView
from engagement.admin.detail import DetailAdmin
from engagement.admin.listing import CHARTS, AnyChannelFilter, ReadOnlyAdmin
from engagement.admin.metrics import Measured, Metrics
from engagement.flows import overview
from engagement.flows.training import report
from engagement.models import Activation, ModelArtifact

BADGES = {
    ModelArtifact.Verdict.PASSED: ("eng-badge-live", pgettext_lazy("verdict", "passed")),
    ModelArtifact.Verdict.LOST: ("eng-badge-bad", pgettext_lazy("verdict", "lost")),
    ModelArtifact.Verdict.UNTESTED: ("eng-badge-plain", pgettext_lazy("verdict", "untested")),
}


class AliasFilter(admin.SimpleListFilter):
    title = gettext_lazy("alias")
    parameter_name = "alias"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = ModelArtifact.objects.order_by("alias").values_list("alias", flat=True).distinct()
        return [(alias, alias) for alias in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        alias = self.value()
        return queryset.filter(alias=alias) if alias else queryset


class ModelArtifactAdmin(DetailAdmin, ReadOnlyAdmin):
    """Trained models: how good each is, which is live, and the two acts: activate, roll back."""

    list_display = (
        "name",
        "live",
        "outcome",
        "score",
        "to_beat",
        "against",
        "trained",
        "size",
    )
    list_filter = (AliasFilter, "verdict", ("channel", AnyChannelFilter))
    ordering = ("-trained_at", "-pk")
    sortable_by = ("trained", "size")
    show_full_result_count = False
    list_per_page = 50
    actions = ("activate_selected",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "alias",
                    "channel",
                    "backend",
                    "option_list",
                    "verdict_in_full",
                    "trained_at",
                    "took",
                )
            },
        ),
        (
            gettext_lazy("Data"),
            {"fields": ("data_from", "data_until", "n_interactions", "n_rows", "n_items")},
        ),
        (
            gettext_lazy("Files"),
            {"fields": ("path", "size", "manifest_sha256"), "classes": ("collapse",)},
        ),
    )
    readonly_fields = ("option_list", "verdict_in_full", "took", "size")

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        activate, roll_back = ActivateView(self), RollBackView(self)
        return [
            path(
                "<int:pk>/activate/",
                self.admin_site.admin_view(activate),
                name="engagement_modelartifact_activate",
            ),
            path(
                "<int:pk>/roll-back/",
                self.admin_site.admin_view(roll_back),
                name="engagement_modelartifact_roll_back",
            ),
            *super().get_urls(),
        ]

    def may_activate(self, request: HttpRequest) -> bool:
        return request.user.has_perm("engagement.add_activation")

    def has_activate_permission(self, request: HttpRequest) -> bool:
        """What ``permissions=["activate"]`` of the action asks."""
        return self.may_activate(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        latest = Activation.objects.filter(channel=OuterRef("channel"), alias=OuterRef("alias"))
        live = Subquery(latest.order_by("-pk").values("artifact_id")[:1])
        return super().get_queryset(request).annotate(live_id=live)

    def detail(self, request: HttpRequest, artifact: ModelArtifact) -> dict[str, Any]:
        current = (
            Activation.objects.filter(channel=artifact.channel, alias=artifact.alias)
            .order_by("-pk")
            .first()
        )
        is_live = current is not None and current.artifact_id == artifact.pk
        trainings = overview.trainings(channel=artifact.channel, alias=artifact.alias)
        pages = [links.page(self.admin_site, "modelartifact_change", one.pk) for one in trainings]
        metrics = Metrics(artifact)
        ranking = metrics.ranking()
        return {
            "chart_media": CHARTS,
            "comparison": artifact_charts.comparison(artifact),
            "history": artifact_charts.history(trainings, pages),
            "measured": [
                {
                    "name": artifact_charts.name_of(metrics, one.name),
                    "is_winner": one.name == metrics.winner,
                    "is_baseline": one.name == metrics.baseline,
                }
                for one in ranking
            ],
            "metric_rows": [
                {"name": name, "values": [metrics.of(one.name, name) for one in ranking]}
                for name in metrics.names
            ],
            "holdout_days": metrics.holdout_days,
            # A short log holds out parts of days, which plural forms do not take.
            "n_holdout_days": math.ceil(metrics.holdout_days or 0),
            "gate": _gate(metrics),
            "members": metrics.members,
            "features": metrics.features,
            "missing": [one.text for one in report.missing(metrics.raw)],
            "failures": metrics.failures,
            "cleaning": metrics.cleaning,
            "current": current,
            "is_live": is_live,
            "may_activate": self.may_activate(request),
            "activate_url": links.page(self.admin_site, "modelartifact_activate", artifact.pk),
            "roll_back_url": links.page(self.admin_site, "modelartifact_roll_back", artifact.pk),
        }

    # -- columns ----------------------------------------------------------------------------
    @admin.display(description=gettext_lazy("model"))
    def name(self, obj: ModelArtifact) -> str:
        return str(obj)

    @admin.display(description=pgettext_lazy("model", "live"))
    def live(self, obj: Any) -> str:
        if obj.live_id != obj.pk:
            return ""
        return format_html(
            '<span class="eng-badge eng-badge-live">{}</span>', pgettext("model", "live")
        )

    @admin.display(description=gettext_lazy("verdict"))
    def outcome(self, obj: ModelArtifact) -> str:
        verdict = ModelArtifact.Verdict(obj.verdict)
        style, short = BADGES[verdict]
        badge = '<span class="eng-badge {}" title="{}">{}</span>'
        return format_html(badge, style, verdict.label, short)

    @admin.display(description=gettext_lazy("verdict"))
    def verdict_in_full(self, obj: ModelArtifact) -> str:
        verdict = ModelArtifact.Verdict(obj.verdict)
        return format_html(
            '<span class="eng-badge {}">{}</span>', BADGES[verdict][0], verdict.label
        )

    @admin.display(description=gettext_lazy("nDCG"))
    def score(self, obj: ModelArtifact) -> str:
        metrics = Metrics(obj)
        return _value(metrics.of(metrics.winner))

    @admin.display(description=gettext_lazy("best sellers"))
    def to_beat(self, obj: ModelArtifact) -> str:
        metrics = Metrics(obj)
        return _value(metrics.of(metrics.baseline))

    @admin.display(description=gettext_lazy("gain"))
    def against(self, obj: ModelArtifact) -> str:
        gain = Metrics(obj).gain
        style = "" if gain is None else "eng-good" if gain > 0 else "eng-bad"
        return format_html(
            '<span class="eng-nowrap {}">{}</span>', style, artifact_charts.percent(gain)
        )

    @admin.display(description=gettext_lazy("trained"), ordering="trained_at")
    def trained(self, obj: ModelArtifact) -> str:
        return date_format(timezone.localtime(obj.trained_at), "SHORT_DATETIME_FORMAT")

    @admin.display(description=pgettext_lazy("file", "size"), ordering="n_bytes")
    def size(self, obj: ModelArtifact) -> str:
        return filesizeformat(obj.n_bytes)

    @admin.display(description=gettext_lazy("training took"))
    def took(self, obj: ModelArtifact) -> str:
        return _("%(n)s s") % {"n": f"{obj.seconds:.1f}"}

    @admin.display(description=gettext_lazy("options"))
    def option_list(self, obj: ModelArtifact) -> str:
        return ", ".join(f"{name}={json.dumps(value)}" for name, value in obj.options.items())

    # -- actions ----------------------------------------------------------------------------
    @admin.action(description=gettext_lazy("Activate this model …"), permissions=["activate"])
    def activate_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, _("Choose one model to activate."), "ERROR")
            return None
        return HttpResponseRedirect(
            links.page(self.admin_site, "modelartifact_activate", chosen[0].pk)
        )


def _gate(metrics: Metrics) -> dict[str, Any]:
    """Return days, questions and lead of what decided; empty where it was measured all at once."""
    days, gain = metrics.gate.get("days"), metrics.raw.get("gain") or {}
    if not metrics.gate or days == metrics.holdout_days:
        return {}
    return {"days": days, "questions": metrics.gate.get("questions"), **gain}


def _value(measured: Measured | None) -> str:
    return "–" if measured is None else f"{measured.value:.4f}"


class ActivationAdmin(ReadOnlyAdmin):
    """When which model went live, and who did it; training and the models' pages write it."""

    list_display = ("activated_at", "alias", "model_link", "activated_by", "why", "channel")
    list_filter = (AliasFilter,)
    list_select_related = ("artifact", "activated_by")
    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    exclude = ("reason",)
    readonly_fields = ("why",)

    @admin.display(description=gettext_lazy("model"))
    def model_link(self, obj: Activation) -> str:
        return links.link(self.admin_site, obj.artifact)

    @admin.display(description=gettext_lazy("reason"))
    def why(self, obj: Activation) -> str:
        # Stored in the source language where the app gave the reason itself.
        return _(obj.reason) if obj.reason else "–"
