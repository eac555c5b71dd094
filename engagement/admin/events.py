from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from engagement.admin import links
from engagement.admin.dashboard import OverviewView
from engagement.admin.listing import ChannelFilter, LongListAdmin, OneChannelList, ReadOnlyAdmin
from engagement.flows import overview
from engagement.flows.serving import placements
from engagement.models import Event, EventName, Item, Placement, Visitor


class DayFilter(admin.SimpleListFilter):
    """One day, or the last few: a range of the index, never a function over its dates."""

    title = gettext_lazy("day")
    parameter_name = "day"
    template = "admin/engagement/day_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("today", _("Today")),
            ("yesterday", _("Yesterday")),
            ("7", _("Last 7 days")),
            ("30", _("Last 30 days")),
        ]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        # The form beside the links keeps what else the list is narrowed by.
        self.others = {
            name: value
            for name, value in changelist.filter_params.items()
            if name != self.parameter_name
        }
        if changelist.query:
            self.others["q"] = [changelist.query]
        day = parse_date(self.value() or "") if _is_date(self.value()) else None
        self.day = day.isoformat() if day else ""
        yield from super().choices(changelist)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        if not value:
            return queryset
        today = timezone.localdate()
        spans = {
            "today": (today, 1),
            "yesterday": (today - timedelta(days=1), 1),
            "7": (today - timedelta(days=6), 7),
            "30": (today - timedelta(days=29), 30),
        }
        if value in spans:
            first, days = spans[value]
        elif _is_date(value):
            first, days = date.fromisoformat(value), 1
        else:
            raise IncorrectLookupParameters(value)
        return queryset.filter(
            event_time__gte=_midnight(first), event_time__lt=_midnight(first + timedelta(days=days))
        )


def _is_date(value: str | None) -> bool:
    try:
        return parse_date(value or "") is not None
    except ValueError:
        return False


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class KindFilter(admin.SimpleListFilter):
    title = gettext_lazy("event")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name.code, f"{name.code} · {name.label}") for name in EventName]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        code = self.value()
        if not code:
            return queryset
        try:
            return queryset.filter(event=EventName.from_code(code))
        except KeyError as error:
            raise IncorrectLookupParameters(code) from error


class PlacementFilter(admin.SimpleListFilter):
    title = gettext_lazy("placement")
    parameter_name = "placement"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        # The names that are known, not those in the log: finding those would read all of it.
        stored = Placement.objects.values_list("name", flat=True).distinct()[:200]
        return [(name, name) for name in sorted({*stored, *placements.STOCK})]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        name = self.value()
        # Saying that it is not empty lets the database use the partial index.
        return queryset.filter(placement=name).exclude(placement="") if name else queryset


class EventList(OneChannelList):
    narrow = ("q", "visitor__id__exact", "item__id__exact")


class EventAdmin(ReadOnlyAdmin, LongListAdmin):
    """
    The event log, to be read.

    Every filter and search goes through an index, nothing is counted to its end, and the number
    of queries does not depend on what is shown.
    """

    list_display = (
        "moment",
        "kind",
        "what",
        "who",
        "sale",
        "shelf",
    )
    list_filter = (ChannelFilter, DayFilter, KindFilter, PlacementFilter)
    list_select_related = ("visitor", "item")
    ordering = ("-event_time", "-pk")
    sortable_by = ()
    # Any name: it only makes the search box appear; see get_search_results.
    search_fields = ("order_ref",)
    search_help_text = gettext_lazy(
        "A visitor's key, an item's key or an order number, in full and exactly."
    )
    fieldsets = (
        (None, {"fields": ("kind", "event_time", "visitor", "item", "variant_id", "query")}),
        (
            pgettext_lazy("purchase", "Order"),
            {"fields": ("quantity", "value", "currency", "order_ref")},
        ),
        (
            gettext_lazy("Shelf"),
            {"fields": ("placement", "rank", "recommendation_id", "promotion_id")},
        ),
        (gettext_lazy("Record"), {"fields": ("key", "channel", "session_id", "recorded_at")}),
    )
    readonly_fields = ("kind",)

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        # An admin site has no place for pages of an app, only for pages of a model.
        view = self.admin_site.admin_view(OverviewView(self.admin_site))
        return [path("overview/", view, name="engagement_overview"), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EventList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(pk__in=_events_of_order(term))
        visitors = _ids(Visitor.objects.filter(Q(key=term) | Q(merged_into__key=term)))
        items = _ids(Item.objects.filter(key=term))
        if visitors:
            found |= Q(visitor__in=visitors)
        if items:
            found |= Q(item__in=items)
        return queryset.filter(found), False

    # -- columns ----------------------------------------------------------------------------
    @admin.display(description=gettext_lazy("moment"))
    def moment(self, obj: Event) -> str:
        return date_format(timezone.localtime(obj.event_time), "SHORT_DATETIME_FORMAT")

    @admin.display(description=gettext_lazy("event"))
    def kind(self, obj: Event) -> str:
        name = EventName(obj.event)
        return format_html(
            '<code class="eng-code">{}</code> <span class="eng-quiet">{}</span>',
            name.code,
            name.label,
        )

    @admin.display(description=gettext_lazy("item"))
    def what(self, obj: Event) -> str:
        return links.link(self.admin_site, obj.item) if obj.item else obj.query or "–"

    @admin.display(description=gettext_lazy("visitor"))
    def who(self, obj: Event) -> str:
        return links.link(self.admin_site, obj.visitor)

    @admin.display(description=gettext_lazy("sale"))
    def sale(self, obj: Event) -> str:
        if obj.value is None and not obj.order_ref:
            return f"{obj.quantity} ×" if obj.quantity > 1 else "–"
        said = f"{obj.quantity} ×"
        if obj.value is not None:
            money = f"{obj.value} {obj.currency}".strip()
            said = _("%(n)s for %(money)s") % {"n": obj.quantity, "money": money}
        return format_html(
            '<span class="eng-nowrap">{}</span> <span class="eng-quiet">{}</span>',
            said,
            obj.order_ref,
        )

    @admin.display(description=gettext_lazy("shelf"))
    def shelf(self, obj: Event) -> str:
        if not obj.placement:
            return "–"
        return obj.placement if obj.rank is None else f"{obj.placement} #{obj.rank}"


def _ids(rows: QuerySet) -> list[int]:
    return list(rows.values_list("pk", flat=True)[:100])


def _events_of_order(order_ref: str) -> list[int]:
    """
    Look the order up on its own: beside the list's ordering, some databases would rather walk the
    whole log backwards than use the index of orders.
    """
    known = Event.objects.filter(channel__in=overview.channels(), order_ref=order_ref)
    return _ids(known.exclude(order_ref=""))
