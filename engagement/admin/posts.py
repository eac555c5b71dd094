from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from engagement.admin import links
from engagement.admin.listing import AnyChannelFilter, LongListAdmin, ReadOnlyAdmin


class PostAdmin(ReadOnlyAdmin, LongListAdmin):
    """What was written about the shop elsewhere. What needs attention stands in the queue."""

    list_display = ("__str__", "item", "rating", "sentiment", "posted_at", "handled_at", "link")
    list_filter = ("analysis__sentiment", "source", ("channel", AnyChannelFilter))
    list_select_related = ("item", "analysis")
    search_fields = ("title", "body", "author")
    ordering = ("-posted_at", "-pk")
    sortable_by = ()
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("engagement.delete_post")

    @admin.display(description=gettext_lazy("sentiment"))
    def sentiment(self, obj: Model) -> str:
        analysis = getattr(obj, "analysis", None)
        return analysis.get_sentiment_display() if analysis is not None else "–"

    @admin.display(description=gettext_lazy("link"))
    def link(self, obj: Model) -> str:
        url = links.outside(getattr(obj, "url", ""))
        if not url:
            return "–"
        return format_html('<a href="{}" rel="noopener noreferrer nofollow">{}</a>', url, url[:40])
