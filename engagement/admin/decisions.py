from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from engagement.admin import links
from engagement.admin.listing import ChannelFilter, LongListAdmin, OneChannelList, ReadOnlyAdmin


class DecisionAdmin(ReadOnlyAdmin, LongListAdmin):
    """Every change of a status, by whom and why: append-only, and nobody's to change."""

    list_display = ("decided_at", "about", "change", "reason", "actor", "moderator", "note")
    list_filter = (ChannelFilter, "to_status", "actor", "subject_kind", "reason")
    list_select_related = ("moderator", "review")
    search_fields = ("subject_key",)
    search_help_text = gettext_lazy("The key of a review, or the shop's reference.")
    ordering = ("-pk",)
    sortable_by = ()
    actions = None

    def get_changelist(self, request: object, **kwargs: object) -> type[OneChannelList]:
        return OneChannelList

    @admin.display(description=gettext_lazy("about"))
    def about(self, obj: Model) -> str:
        row = getattr(obj, "review", None)
        ref = f"{getattr(obj, 'subject_kind', '')}:{getattr(obj, 'subject_key', '')}"
        url = links.page(self.admin_site, "review_queue", status="all", ref=ref)
        return format_html('<a href="{}">{}</a>', url, str(row) if row else ref)

    @admin.display(description=gettext_lazy("status"))
    def change(self, obj: Model) -> str:
        before = getattr(obj, "get_from_status_display", str)()
        after = getattr(obj, "get_to_status_display", str)()
        return f"{before} → {after}" if before else after
