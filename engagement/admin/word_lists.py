"""Words that the shop teaches the app: what to watch for, and what names an aspect."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext

from engagement.admin.listing import AnyChannelFilter
from engagement.models import AspectTerm


class FlagTermAdmin(admin.ModelAdmin):
    list_display = ("term", "code", "language", "is_allowed", "note", "updated_at")
    list_filter = ("code", "language", "is_allowed", ("channel", AnyChannelFilter))
    search_fields = ("term", "note")
    ordering = ("code", "term")


class AspectTermAdmin(admin.ModelAdmin):
    """Words for aspects. Those that were found in reviews count once somebody has taken them."""

    list_display = ("term", "aspect", "language", "category", "origin", "n_texts", "is_ignored")
    list_filter = ("origin", "language", "aspect", "is_ignored", ("channel", AnyChannelFilter))
    search_fields = ("term", "aspect")
    ordering = ("origin", "-n_texts", "term")
    actions = ("take", "ignore")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.updated_at = timezone.now()
        super().save_model(request, obj, form, change)

    @admin.action(description=gettext_lazy("Use these words"), permissions=["change"])
    def take(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._mark(request, queryset, origin=AspectTerm.Origin.OWN, is_ignored=False)

    @admin.action(description=gettext_lazy("Do not use these words"), permissions=["change"])
    def ignore(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._mark(request, queryset, origin=AspectTerm.Origin.OWN, is_ignored=True)

    def _mark(self, request: HttpRequest, queryset: QuerySet, **changes: Any) -> None:
        n = queryset.order_by().update(**changes, updated_at=timezone.now())
        said = ngettext("%(n)s word changed.", "%(n)s words changed.", n) % {"n": n}
        self.message_user(request, said, messages.SUCCESS)
