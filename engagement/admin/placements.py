from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from engagement.admin import links
from engagement.admin.listing import AnyChannelFilter
from engagement.admin.placement_form import PlacementForm, RuleForm
from engagement.admin.preview import PreviewView
from engagement.flows import overview
from engagement.flows.serving import placements
from engagement.models import Placement, PlacementRule


class RuleInline(admin.StackedInline):
    model = PlacementRule
    form = RuleForm
    extra = 0
    fields = (
        ("action", "position", "factor"),
        ("field", "value"),
        ("starts_at", "ends_at"),
    )


class PlacementAdmin(admin.ModelAdmin):
    """What fills each place on a page; every change can be looked at before it is saved."""

    form = PlacementForm
    inlines = (RuleInline,)
    list_display = (
        "name",
        "shown_title",
        "filled_by",
        "n",
        "n_rules",
        "is_active",
        "updated_at",
        "preview",
    )
    list_filter = ("is_active", ("channel", AnyChannelFilter))
    search_fields = ("name",)
    ordering = ("channel", "name")
    save_on_top = True
    fieldsets = (
        (None, {"fields": ("name", "channel", "is_active", "titles", "strategies")}),
        (gettext_lazy("Size"), {"fields": (("n", "min_items"),)}),
        (
            gettext_lazy("Aim and mix"),
            {"fields": ("objective", ("diversity", "diversify_by"), "one_of_each", "exploration")},
        ),
        (
            gettext_lazy("What stays out"),
            {"fields": ("exclude_in_cart", "exclude_bought", "same_category", "other_category")},
        ),
    )

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).annotate(rule_count=Count("rules"))

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "preview/",
                self.admin_site.admin_view(PreviewView(self)),
                name="engagement_placement_preview",
            ),
            path(
                "stock/",
                self.admin_site.admin_view(require_POST(self.add_stock)),
                name="engagement_placement_stock",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        context["preview_url"] = links.page(self.admin_site, "placement_preview")
        if self.has_add_permission(request):
            known = set(Placement.objects.values_list("name", flat=True))
            context["n_missing"] = len(placements.STOCK.keys() - known)
            context["stock_url"] = links.page(self.admin_site, "placement_stock")
        return super().changelist_view(request, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        context["preview_url"] = links.page(
            self.admin_site, "placement_preview", placement=object_id
        )
        return super().change_view(request, object_id, form_url, context)

    def add_stock(self, request: HttpRequest) -> HttpResponse:
        """Store the placements that exist without a row, so that they can be changed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        n = placements.create_defaults(overview.channels()[0])
        said = ngettext("%(n)s placement added.", "%(n)s placements added.", n) % {"n": n}
        self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(links.page(self.admin_site, "placement_changelist"))

    # -- columns ----------------------------------------------------------------------------
    @admin.display(description=gettext_lazy("title"))
    def shown_title(self, obj: Placement) -> str:
        stock = placements.STOCK.get(obj.name, placements.PlacementConfig(obj.name))
        return replace(stock, titles=obj.titles or {}).title()

    @admin.display(description=gettext_lazy("filled by"))
    def filled_by(self, obj: Placement) -> str:
        return " → ".join(str(step) for step in obj.strategies or ()) or "–"

    @admin.display(description=gettext_lazy("rules"))
    def n_rules(self, obj: Any) -> int:
        return int(obj.rule_count)

    @admin.display(description=gettext_lazy("preview"))
    def preview(self, obj: Model) -> str:
        url = links.page(self.admin_site, "placement_preview", placement=obj.pk)
        return format_html('<a href="{}">{}</a>', url, _("Preview"))
