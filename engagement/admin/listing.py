"""Lists over tables that may hold millions of rows."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms import Media
from django.http import HttpRequest
from django.utils.functional import cached_property

from engagement.flows import overview

# Only pages with a chart load the library that draws it.
CHARTS = Media(
    css={"all": ["engagement/admin/admin.css"]},
    js=["engagement/admin/vendor/chartjs/chart.umd.min.js", "engagement/admin/charts.js"],
)


class CappedPaginator(Paginator):
    """
    Counts at most ``limit`` rows.

    Counting a million rows takes longer than showing a hundred of them, and nobody turns to page
    900: older rows are reached through the filters.
    """

    limit = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return min(rows.order_by().values("pk")[: self.limit + 1].count(), self.limit)

    @cached_property
    def is_capped(self) -> bool:
        rows: Any = self.object_list
        return self.count == self.limit and rows.order_by()[self.limit :][:1].exists()


class LongListAdmin(admin.ModelAdmin):
    """A list that costs the same however long its table is."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    change_list_template = "admin/engagement/long_change_list.html"


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that people read and only the app writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def chosen_channel(request: HttpRequest) -> str:
    """Return the channel that a list shows: the one asked for, or the first there is."""
    known = overview.channels()
    wanted = request.GET.get("channel")
    if wanted is not None and wanted in known:
        return wanted
    return known[0]


class ChannelFilter(admin.SimpleListFilter):
    """Switches between the shops of one database; absent where there is only one."""

    parameter_name = "channel"

    def __init__(
        self, request: HttpRequest, params: dict, model: type[Model], model_admin: Any
    ) -> None:
        field: Any = model._meta.get_field("channel")
        self.title = field.verbose_name
        self.current = chosen_channel(request)
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name or "–") for name in overview.channels()]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def choices(self, changelist: ChangeList) -> Any:
        for name, label in self.lookup_choices:
            yield {
                "selected": name == self.current,
                "query_string": changelist.get_query_string({self.parameter_name: name}),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset  # OneChannelList does it, also where this filter is not shown.


class AnyChannelFilter(admin.AllValuesFieldListFilter):
    """Narrows a short list to one shop; absent where there is only one."""

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1


class OneChannelList(ChangeList):
    """
    Shows one channel at a time, because every index of a long table begins with the channel.

    ``narrow`` names parameters that already lead to few rows through an index of their own.
    """

    narrow: tuple[str, ...] = ()
    # Whether an index of the list's order begins with the channel; otherwise naming the only
    # channel there is would lead the database away from that order.
    channel_leads = True

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet:
        rows = super().get_queryset(request, exclude_parameters)
        if any(request.GET.get(name) for name in self.narrow):
            return rows
        if not self.channel_leads and len(overview.channels()) == 1:
            return rows
        return rows.filter(channel=chosen_channel(request))
