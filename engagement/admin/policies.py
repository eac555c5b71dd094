"""Policies: set up, judged by the log, and let decide."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.http import require_POST

from engagement.admin import decision_charts, links
from engagement.admin.detail import DetailAdmin
from engagement.admin.listing import CHARTS
from engagement.conf import app_settings
from engagement.flows.deciding import activating, contexts, versions
from engagement.models import PolicyState, PolicyVersion

BY_HAND = gettext_noop("by hand")


class PolicyVersionForm(forms.ModelForm):
    policy = forms.ChoiceField(
        label=gettext_lazy("policy"),
        required=False,
        help_text=gettext_lazy("Of POLICIES in the settings, or the one that is named below."),
    )

    class Meta:
        model = PolicyVersion
        fields = ("point", "name", "backend", "options", "note")
        help_texts = {
            "backend": gettext_lazy("As engagement.learning.bandits.LogisticThompson."),
            "options": gettext_lazy('As {"floor": 0.05}.'),
            "name": gettext_lazy("Empty: the next of v1, v2 …"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("name", "backend"):
            if name in self.fields:
                self.fields[name].required = False
        if "policy" in self.fields:
            aliases = [(str(alias), str(alias)) for alias in app_settings.POLICIES]
            field: Any = self.fields["policy"]
            field.choices = [("", _("the backend below")), *aliases]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.pk is not None or "point" not in cleaned:
            return cleaned
        if cleaned.get("policy"):
            cleaned["backend"], cleaned["options"] = versions.spec_of(cleaned["policy"])
        if not cleaned.get("backend"):
            self.add_error("policy", _("Choose a policy, or name its backend."))
            return cleaned
        point = cleaned["point"]
        cleaned["name"] = cleaned.get("name") or versions.new_name(point)
        if point.versions.filter(name=cleaned["name"]).exists():
            self.add_error("name", _("The point has a policy of this name."))
        try:
            activating.check(
                PolicyVersion(
                    point=point, backend=cleaned["backend"], options=cleaned.get("options") or {}
                )
            )
        except activating.Refused as refused:
            self.add_error("backend", str(refused))
        return cleaned

    def save(self, commit: bool = True) -> Any:
        if self.instance.pk is None:
            for name in ("name", "backend", "options"):
                setattr(self.instance, name, self.cleaned_data[name] or {})
            self.instance.features = contexts.names_of(self.instance.point.channel)
        return super().save(commit)


class PolicyVersionAdmin(DetailAdmin):
    """A policy of a point. Only its note changes, so that every decision can be replayed."""

    form = PolicyVersionForm
    list_display = ("name", "point", "short_backend", "verdict", "created_at", "created_by")
    list_filter = ("point",)
    list_select_related = ("point", "created_by")
    ordering = ("-pk",)
    sortable_by = ()
    change_form_template = "admin/engagement/policyversion/change_form.html"

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("point", "name", "policy", "backend", "options", "note")
        return ("point", "name", "backend", "option_list", "feature_list", "created_by", "note")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("point", "name", "backend", "option_list", "feature_list", "created_by")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and (obj.activations.exists() or obj.decisions.exists()):
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[URLPattern]:
        judge = self.admin_site.admin_view(require_POST(self.judge))
        activate = self.admin_site.admin_view(self.activate)
        return [
            path("<int:pk>/evaluate/", judge, name="engagement_policyversion_evaluate"),
            path("<int:pk>/activate/", activate, name="engagement_policyversion_activate"),
            *super().get_urls(),
        ]

    # -- the two acts -----------------------------------------------------------------------
    def judge(self, request: HttpRequest, pk: int) -> HttpResponse:
        version = get_object_or_404(PolicyVersion.objects.select_related("point"), pk=pk)
        if not self.has_change_permission(request, version):
            raise PermissionDenied
        told = activating.evaluate(version, at=timezone.now(), rng=np.random.default_rng())
        if not told:
            self.message_user(request, _("There is no log to judge it by yet."), messages.WARNING)
        return self._back(pk)

    def activate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """``GET`` shows what the log says, ``POST`` asks it again and lets the policy decide."""
        version = get_object_or_404(PolicyVersion.objects.select_related("point"), pk=pk)
        if not request.user.has_perm("engagement.add_policyactivation"):
            raise PermissionDenied
        if request.method != "POST":
            return self._ask(request, version)
        force = "force" in request.POST
        if force and not self._may_force(request):
            raise PermissionDenied
        current = activating.current(version.point)
        if request.POST.get("current") != (str(current.pk) if current else ""):
            said = _("What is live has changed meanwhile. Look again before you decide.")
            return self._ask(request, version, refusal=said)
        try:
            activating.activate(
                version,
                at=timezone.now(),
                rng=np.random.default_rng(),
                by=request.user,
                reason=BY_HAND,
                force=force,
            )
        except activating.Refused as refused:
            may_force = refused.may_be_forced and self._may_force(request)
            return self._ask(request, version, refusal=str(refused), may_force=may_force)
        said = _("%(policy)s decides now; every process follows within seconds.")
        said = said % {"policy": version}
        if force:
            said += " " + _("It went live against what the log says.")
        self.log_change(request, version, str(said))
        self.message_user(request, said, messages.SUCCESS)
        return self._back(pk)

    def _may_force(self, request: HttpRequest) -> bool:
        return request.user.has_perm("engagement.force_policy")

    def _ask(
        self,
        request: HttpRequest,
        version: PolicyVersion,
        *,
        refusal: str = "",
        may_force: bool = False,
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        current = activating.current(version.point)
        told = version.evaluation
        context = {
            **self.admin_site.each_context(request),
            "title": _("Let %(policy)s decide at %(point)s")
            % {"policy": version, "point": version.point},
            "opts": PolicyVersion._meta,
            "original": version,
            "current": current,
            "refusal": refusal,
            "may_force": may_force,
            "chart": decision_charts.evaluation(told, live=told.get("live", "")) if told else None,
            "media": self.media + CHARTS,
        }
        return TemplateResponse(request, "admin/engagement/policyversion/confirm.html", context)

    def _back(self, pk: int) -> HttpResponse:
        return HttpResponseRedirect(links.page(self.admin_site, "policyversion_change", pk))

    # -- its page ---------------------------------------------------------------------------
    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"point": request.GET.get("point", "")}

    def detail(self, request: HttpRequest, version: PolicyVersion) -> dict[str, Any]:
        current = activating.current(version.point)
        told = version.evaluation
        state = PolicyState.objects.filter(version=version).defer("arrays").order_by("-pk").first()
        return {
            "charts_media": CHARTS,
            "is_live": current is not None and current.version_id == version.pk,
            "current": current,
            "state": state,
            "chart": decision_charts.evaluation(told, live=told.get("live", "")) if told else None,
            "told": told,
            "told_at": parse_datetime(told.get("at", "")) if told else None,
            "shows": decision_charts.would_show(told) if told else [],
            "may_activate": request.user.has_perm("engagement.add_policyactivation"),
            "may_judge": self.has_change_permission(request, version),
            "point_url": links.page(self.admin_site, "decisionpoint_change", version.point_id),
            "activate_url": links.page(self.admin_site, "policyversion_activate", version.pk),
            "evaluate_url": links.page(self.admin_site, "policyversion_evaluate", version.pk),
        }

    # -- columns ----------------------------------------------------------------------------
    @admin.display(description=gettext_lazy("backend"))
    def short_backend(self, obj: PolicyVersion) -> str:
        return obj.backend.rpartition(".")[2]

    @admin.display(description=gettext_lazy("what the log says"))
    def verdict(self, obj: PolicyVersion) -> str:
        judged = (obj.evaluation.get("policies") or [{}])[0]
        words = {
            "better": _("better"),
            "worse": _("worse"),
            "even": _("no difference"),
            "thin": _("too little to tell"),
        }
        return words.get(judged.get("verdict", ""), "–")

    @admin.display(description=gettext_lazy("options"))
    def option_list(self, obj: PolicyVersion) -> str:
        return ", ".join(f"{name}={json.dumps(one)}" for name, one in obj.options.items()) or "–"

    @admin.display(description=gettext_lazy("what it knows of a visitor"))
    def feature_list(self, obj: PolicyVersion) -> str:
        told = contexts.in_words({}, obj.features)
        return ", ".join(label for label, _value, _number in told) or "–"
