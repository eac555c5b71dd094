from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagement.admin import daily, links
from engagement.admin.detail import DetailAdmin
from engagement.admin.listing import (
    CHARTS,
    ChannelFilter,
    LongListAdmin,
    OneChannelList,
    ReadOnlyAdmin,
    chosen_channel,
)
from engagement.flows import overview
from engagement.models import Item


class CategoryFilter(admin.SimpleListFilter):
    """The widest categories; what lies below one belongs to it."""

    title = gettext_lazy("category")
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in overview.top_categories(channel=chosen_channel(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        name = self.value()
        if not name:
            return queryset
        return queryset.filter(Q(category=name) | Q(category__startswith=f"{name} > "))


class ItemList(OneChannelList):
    pass


class ItemAdmin(DetailAdmin, ReadOnlyAdmin, LongListAdmin):
    """The mirror of the catalogue. It is changed in the shop and follows from there."""

    list_display = ("picture", "title", "key", "category", "money", "availability", "synced_at")
    list_display_links = ("picture", "title")
    list_filter = (ChannelFilter, "is_active", "is_available", CategoryFilter)
    search_fields = ("title", "key")
    search_help_text = gettext_lazy("Words of the title, or the item's key.")
    ordering = ("-created_at", "-pk")
    sortable_by = ()
    fieldsets = (
        (
            None,
            {"fields": ("title", "key", "category", "money", "availability", "shop_page", "text")},
        ),
        (
            gettext_lazy("Record"),
            {
                "fields": (
                    "channel",
                    "item_type",
                    "external_id",
                    "group_key",
                    "attributes",
                    "created_at",
                    "synced_at",
                )
            },
        ),
    )
    readonly_fields = ("money", "availability", "shop_page", "key")

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[OneChannelList]:
        return ItemList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if term and self.model._default_manager.filter(key=term).exists():
            return queryset.filter(key=term), False
        return super().get_search_results(request, queryset, search_term)

    def detail(self, request: HttpRequest, item: Item) -> dict[str, Any]:
        counts = overview.item_per_day(item, days=90, at=timezone.now())
        return {
            "chart_media": CHARTS,
            "picture_url": links.outside(item.image_url),
            "chart": daily.chart(
                counts, key="eng-item-days", title=_("The last 90 days"), kind="stacked"
            ),
            "events_url": links.page(self.admin_site, "event_changelist", item__id__exact=item.pk),
            "preview_url": links.page(self.admin_site, "placement_preview", context=item.key),
        }

    # -- columns ----------------------------------------------------------------------------
    @admin.display(description=gettext_lazy("picture"))
    def picture(self, obj: Item) -> str:
        url = links.outside(obj.image_url)
        if not url:
            return mark_safe('<span class="eng-no-picture" aria-hidden="true"></span>')
        return format_html(
            '<img class="eng-thumb" src="{}" alt="" width="40" height="40" loading="lazy">', url
        )

    @admin.display(description=gettext_lazy("price"))
    def money(self, obj: Item) -> str:
        return "–" if obj.price is None else f"{obj.price} {obj.currency}".strip()

    @admin.display(description=gettext_lazy("availability"))
    def availability(self, obj: Item) -> str:
        if not obj.is_active:
            return _badge("eng-badge-plain", _("hidden"))
        if not obj.is_available:
            return _badge("eng-badge-bad", _("sold out"))
        return _badge("eng-badge-live", _("for sale"))

    @admin.display(description=gettext_lazy("page"))
    def shop_page(self, obj: Item) -> str:
        url = links.outside(obj.url)
        return format_html('<a href="{0}">{0}</a>', url) if url else "–"


def _badge(style: str, text: str) -> str:
    return format_html('<span class="eng-badge {}">{}</span>', style, text)
