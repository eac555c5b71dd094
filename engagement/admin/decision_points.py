"""Decision points: made, looked at, rolled back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext, pgettext_lazy
from django.views.decorators.http import require_POST

from engagement.admin import decision_charts, links
from engagement.admin.decision_point_form import DecisionPointForm
from engagement.admin.detail import DetailAdmin
from engagement.admin.listing import CHARTS, AnyChannelFilter, ReadOnlyAdmin
from engagement.flows.deciding import activating, figures, versions
from engagement.flows.promotions import running
from engagement.models import DecisionPoint, PolicyActivation, PolicyVersion

SPANS = (7, 30, 90)
FIRST = gettext_noop("the first of its point")


class DecisionPointAdmin(DetailAdmin):
    form = DecisionPointForm
    list_display = ("name", "kind", "reward", "live", "is_active", "updated_at")
    list_filter = ("kind", "is_active", ("channel", AnyChannelFilter))
    search_fields = ("name",)
    ordering = ("channel", "name")
    change_form_template = "admin/engagement/decisionpoint/change_form.html"
    fieldsets = (
        (None, {"fields": ("name", "channel", "kind", "arms", "reward", "policy", "is_active")}),
        (
            gettext_lazy("What counts"),
            {"fields": ("window_hours", "hold_minutes", "learns_at_once", "experiment")},
        ),
    )

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        latest = PolicyActivation.objects.filter(point=OuterRef("pk")).order_by("-pk")
        return (
            super()
            .get_queryset(request)
            .annotate(live_name=Subquery(latest.values("version__name")[:1]))
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        # The policy to begin with has begun; others are pages of their own.
        return [
            (name, {**parts, "fields": [one for one in parts["fields"] if one != "policy"]})
            for name, parts in found
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # What decisions were made for stays what they were made for.
        if obj is not None and obj.decisions.exists():
            return ("name", "channel", "kind", "reward")
        return ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Its log is what future policies are judged by: switch it off instead.
        if obj is not None and obj.decisions.exists():
            return False
        return super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # A point takes its policies with it; nobody else may delete what was live.
        deleted, counts, needed, protected = super().get_deleted_objects(objs, request)
        own = {str(one._meta.verbose_name) for one in (PolicyVersion, PolicyActivation)}
        return deleted, counts, {name for name in needed if str(name) not in own}, protected

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.roll_back))
        own = path("<int:pk>/roll-back/", view, name="engagement_decisionpoint_roll_back")
        return [own, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        alias = "" if change else form.cleaned_data.get("policy", "")
        if alias:
            backend, options = versions.spec_of(alias)
            version = versions.make(obj, backend=backend, options=options, by=request.user)
            activating.activate(
                version,
                at=timezone.now(),
                rng=np.random.default_rng(),
                by=request.user,
                reason=FIRST,
            )

    def roll_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        point = get_object_or_404(DecisionPoint, pk=pk)
        if not request.user.has_perm("engagement.add_policyactivation"):
            raise PermissionDenied
        try:
            row = activating.roll_back(point, at=timezone.now(), by=request.user)
        except activating.Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
        else:
            said = _("%(policy)s decides again; every process follows within seconds.")
            said = said % {"policy": row.version}
            self.log_change(request, point, str(said))
            self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(links.page(self.admin_site, "decisionpoint_change", pk))

    def detail(self, request: HttpRequest, point: DecisionPoint) -> dict[str, Any]:
        at = timezone.now()
        asked = request.GET.get("days", "")
        days = int(asked) if asked in {str(one) for one in SPANS} else SPANS[1]
        standing = figures.of_point(point, since=at - timedelta(days=days), until=at)
        activations = point.activations.select_related("version", "activated_by")
        return {
            "charts_media": CHARTS,
            "standing": standing,
            "rows": decision_charts.rows(point, standing),
            "charts": [
                decision_charts.shares(standing),
                decision_charts.rewards(point, standing),
            ],
            "spans": [
                {
                    "text": ngettext("Last %(n)s day", "Last %(n)s days", one) % {"n": one},
                    "url": f"?days={one}",
                    "chosen": one == days,
                }
                for one in SPANS
            ],
            "current": activating.current(point),
            "versions": [
                {
                    "version": one,
                    "url": links.page(self.admin_site, "policyversion_change", one.pk),
                }
                for one in point.versions.order_by("-pk")
            ],
            "activations": list(activations.order_by("-pk")[:20]),
            "offers": list(running.offers_of(point.channel, point.name))
            if point.kind == DecisionPoint.Kind.OFFERS
            else [],
            "may_activate": request.user.has_perm("engagement.add_policyactivation"),
            "may_roll_back": activating.previous(point) is not None,
            "add_version_url": links.page(self.admin_site, "policyversion_add", point=point.pk),
            "decisions_url": links.page(
                self.admin_site, "decision_changelist", point__id__exact=point.pk
            ),
        }

    @admin.display(description=pgettext_lazy("policy", "live"))
    def live(self, obj: Any) -> str:
        return obj.live_name or "–"


class PolicyActivationAdmin(ReadOnlyAdmin):
    """When which policy went live, who did it, and whether the log spoke against it."""

    list_display = ("activated_at", "point", "version", "activated_by", "why", "was_forced")
    list_filter = ("was_forced", "point")
    list_select_related = ("point", "version", "activated_by")
    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    exclude = ("reason",)
    readonly_fields = ("why",)

    @admin.display(description=gettext_lazy("reason"))
    def why(self, obj: PolicyActivation) -> str:
        # Stored in the source language where the app gave the reason itself.
        return _(obj.reason) if obj.reason else "–"
