"""Pages of one row that show more than its fields."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse


class DetailAdmin(admin.ModelAdmin):
    """Gives ``detail`` to the template of the change page, for whoever may see the row."""

    def detail(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return what the page shows beside the fields, by name."""
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        obj = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if obj is not None and self.has_view_permission(request, obj):
            context |= self.detail(request, obj)
        return super().change_view(request, object_id, form_url, context)
