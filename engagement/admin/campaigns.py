"""Campaigns with their offers: made, started, paused, ended; what they spend."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from engagement.admin import campaign_figures, links
from engagement.admin.campaign_form import CampaignForm
from engagement.admin.listing import CHARTS, AnyChannelFilter
from engagement.admin.offer_fields import looked_at
from engagement.admin.promotion_form import FIELDS_OF_KINDS, PromotionForm
from engagement.flows.promotions import readiness, steering
from engagement.models import Campaign, Promotion


class PromotionFormSet(BaseInlineFormSet):
    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "campaign": self.instance}


class PromotionInline(admin.StackedInline):
    model = Promotion
    form = PromotionForm
    formset = PromotionFormSet
    extra = 0
    show_change_link = False
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "kind", "is_active"),
                    ("value", "set_price"),
                    ("buy_n", "pay_m"),
                    "gift_key",
                    ("scope", "scope_keys"),
                    ("min_spend", "max_discount", "cost"),
                )
            },
        ),
        (
            gettext_lazy("What it says, and where"),
            {"fields": ("texts", "picture", "url", "placements")},
        ),
        (
            gettext_lazy("Who gets it, and how often"),
            {
                "classes": ("collapse",),
                "fields": (
                    "audience",
                    ("code_kind", "code", "grant_days"),
                    ("starts_at", "ends_at"),
                    ("max_redemptions", "max_per_visitor"),
                    "is_for_everybody",
                    ("stacks", "exclusive_group", "priority"),
                ),
            },
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # What was used stays for the books; it is switched off instead.
        is_draft = obj is None or obj.started_at is None
        return is_draft and super().has_delete_permission(request, obj)


class CampaignAdmin(admin.ModelAdmin):
    form = CampaignForm
    inlines = (PromotionInline,)
    list_display = ("name", "status", "period", "spent_of_budget", "used_of_cap", "priority")
    list_filter = ("status", ("channel", AnyChannelFilter))
    search_fields = ("name", "description")
    ordering = ("-created_at",)
    save_on_top = True
    change_form_template = "admin/engagement/campaign/change_form.html"
    fieldsets = (
        (None, {"fields": ("name", "channel", "description", ("starts_at", "ends_at"))}),
        (gettext_lazy("For whom"), {"fields": ("audience",)}),
        (
            gettext_lazy("What it may cost"),
            {
                "fields": (
                    ("budget", "currency", "pacing"),
                    ("max_redemptions", "max_per_visitor"),
                    "priority",
                )
            },
        ),
    )

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}
        js = ("engagement/admin/offers.js",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_draft = obj is None or obj.started_at is None
        return is_draft and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # Several at once would ask nobody whether they had run.
        return {
            name: action
            for name, action in super().get_actions(request).items()
            if name != "delete_selected"
        }

    def get_urls(self) -> list[URLPattern]:
        acts = (("start", self.start), ("pause", self.pause), ("end", self.end))
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(require_POST(act)),
                name=f"engagement_campaign_{name}",
            )
            for name, act in acts
        ]
        own.append(
            path(
                "audience/",
                self.admin_site.admin_view(require_GET(self.audience)),
                name="engagement_campaign_audience",
            )
        )
        return [*own, *super().get_urls()]

    # -- acts -------------------------------------------------------------------------------
    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._of(request, pk)
        try:
            steering.start(campaign, at=timezone.now())
        except steering.CannotStart as refusal:
            for obstacle in refusal.obstacles:
                messages.error(request, obstacle)
        else:
            self._tell(request, campaign, _("It runs: offers are made from now on."))
        return self._back(pk)

    def pause(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._of(request, pk)
        if steering.pause(campaign):
            self._tell(request, campaign, _("It is paused: no offers are made, no code counts."))
        return self._back(pk)

    def end(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._of(request, pk)
        if steering.end(campaign, at=timezone.now()):
            self._tell(request, campaign, _("It has ended: what was not used counts no more."))
        return self._back(pk)

    def _tell(self, request: HttpRequest, campaign: Campaign, said: str) -> None:
        self.log_change(request, campaign, said)
        messages.success(request, said)

    def _of(self, request: HttpRequest, pk: int) -> Campaign:
        campaign = get_object_or_404(Campaign, pk=pk)
        if not self.has_change_permission(request, campaign):
            raise PermissionDenied
        return campaign

    def _back(self, pk: int) -> HttpResponse:
        return HttpResponseRedirect(links.page(self.admin_site, "campaign_change", pk))

    # -- pages ------------------------------------------------------------------------------
    def audience(self, request: HttpRequest) -> HttpResponse:
        """Answer whom rules fit, while they are typed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rules = [rule for rule in request.GET.getlist("rule") if rule.strip()]
        found = looked_at(*rules, channel=request.GET.get("channel", ""))
        return JsonResponse(found, headers={"Cache-Control": "no-store"})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        extra = {**(extra_context or {}), "fields_of_kinds": FIELDS_OF_KINDS}
        campaign = self.get_object(request, object_id) if object_id else None
        if isinstance(campaign, Campaign) and self.has_view_permission(request, campaign):
            at = timezone.now()
            is_waiting = campaign.status in (Campaign.Status.DRAFT, Campaign.Status.PAUSED)
            extra |= campaign_figures.context(campaign, at=at)
            extra["charts_media"] = CHARTS
            extra["obstacles"] = readiness.obstacles(campaign, at=at) if is_waiting else []
        return super().changeform_view(request, object_id, form_url, extra)

    # -- columns ----------------------------------------------------------------------------
    @admin.display(description=gettext_lazy("time"))
    def period(self, obj: Campaign) -> str:
        return campaign_figures.period(obj)

    @admin.display(description=gettext_lazy("spent of budget"), ordering="spent")
    def spent_of_budget(self, obj: Campaign) -> str:
        return campaign_figures.spent_of_budget(obj)

    @admin.display(description=gettext_lazy("used"), ordering="n_redeemed")
    def used_of_cap(self, obj: Campaign) -> str:
        return campaign_figures.used_of_cap(obj)
