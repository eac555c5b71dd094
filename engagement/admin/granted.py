"""Offers as lists that are looked at: what there is, what was given, what was used."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy, pgettext_lazy

from engagement.admin import links
from engagement.admin.listing import AnyChannelFilter, LongListAdmin, ReadOnlyAdmin
from engagement.flows.promotions import codes
from engagement.flows.promotions.refusals import priced
from engagement.models import Grant, Promotion, Redemption


class PromotionAdmin(ReadOnlyAdmin):
    """All offers in one list; each is changed on its campaign's page."""

    list_display = ("name", "title", "kind", "campaign", "state", "shown_at", "n_redeemed")
    list_filter = ("kind", "code_kind", "campaign__status", ("channel", AnyChannelFilter))
    list_select_related = ("campaign",)
    search_fields = ("name", "code")
    ordering = ("-created_at",)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        offer = self.get_object(request, object_id)
        if not isinstance(offer, Promotion) or not self.has_view_permission(request, offer):
            return super().change_view(request, object_id, form_url, extra_context)
        url = links.page(self.admin_site, "campaign_change", offer.campaign_id)
        return HttpResponseRedirect(url)

    @admin.display(description=gettext_lazy("title"))
    def title(self, obj: Promotion) -> str:
        titles = [words.get("title", "") for words in (obj.texts or {}).values()]
        return next((title for title in titles if title), "–")

    @admin.display(description=gettext_lazy("state"))
    def state(self, obj: Promotion) -> str:
        return obj.campaign.get_status_display() if obj.is_active else "–"

    @admin.display(description=gettext_lazy("shown at"))
    def shown_at(self, obj: Promotion) -> str:
        return ", ".join(obj.placements or ()) or "–"


class GrantState(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("open", pgettext_lazy("given offer", "open")),
            ("used", pgettext_lazy("given offer", "used")),
            ("over", pgettext_lazy("given offer", "over, not used")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        over = Q(expires_at__lte=timezone.now()) | Q(revoked_at__isnull=False)
        unused = Q(used_at__isnull=True)
        conditions = {
            "open": unused & ~over,
            "used": ~unused,
            "over": unused & over,
        }
        wanted = conditions.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(wanted)


class GrantAdmin(LongListAdmin, ReadOnlyAdmin):
    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    list_display = ("granted_at", "promotion", "shown_code", "visitor", "expires_at", "used_at")
    list_filter = (GrantState, "promotion__campaign", ("channel", AnyChannelFilter))
    list_select_related = ("promotion", "visitor")
    search_fields = ("=code", "=decision_key", "=visitor__key")
    ordering = ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        # A code is looked up however the customer reads it out.
        code = codes.normalised(search_term)
        if code and Grant.objects.filter(code=code).exists():
            return queryset.filter(code=code), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description=pgettext_lazy("offer", "code"))
    def shown_code(self, obj: Grant) -> str:
        if not obj.code:
            return "–"
        return format_html('<code class="eng-code">{}</code>', codes.spaced(obj.code))


class RedemptionAdmin(LongListAdmin, ReadOnlyAdmin):
    list_display = ("redeemed_at", "promotion", "order_ref", "off", "paid", "reversed_at")
    list_filter = ("promotion__campaign", ("channel", AnyChannelFilter))
    list_select_related = ("promotion",)
    search_fields = ("=order_ref",)
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("taken off"), ordering="discount")
    def off(self, obj: Redemption) -> str:
        return priced(obj.discount, obj.currency)

    @admin.display(description=gettext_lazy("cost"), ordering="cost")
    def paid(self, obj: Redemption) -> str:
        return priced(obj.cost, obj.currency)
