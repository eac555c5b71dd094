from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from engagement.admin import links
from engagement.admin.listing import AnyChannelFilter, chosen_channel
from engagement.flows.reviews import stock_replies


class ReplyTemplateAdmin(admin.ModelAdmin):
    """Words that customer service begins with; those most used come first."""

    list_display = ("name", "language", "aspect", "beginning", "n_used", "is_active", "updated_at")
    list_filter = ("language", "is_active", ("channel", AnyChannelFilter))
    search_fields = ("name", "aspect", "text")
    ordering = ("language", "-n_used", "name")
    fields = ("name", ("language", "aspect"), "text", "is_active", "channel", "n_used")
    readonly_fields = ("n_used",)
    change_list_template = "admin/engagement/replytemplate/change_list.html"

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "stock/",
                self.admin_site.admin_view(require_POST(self.add_stock)),
                name="engagement_replytemplate_stock",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        if self.has_add_permission(request):
            context["n_missing"] = stock_replies.missing(chosen_channel(request))
            context["stock_url"] = links.page(self.admin_site, "replytemplate_stock")
        return super().changelist_view(request, context)

    def add_stock(self, request: HttpRequest) -> HttpResponse:
        """Store the templates that come with the app, so that they can be made the shop's own."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        n = stock_replies.create_defaults(chosen_channel(request))
        said = ngettext("%(n)s template added.", "%(n)s templates added.", n) % {"n": n}
        self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(links.page(self.admin_site, "replytemplate_changelist"))

    @admin.display(description=gettext_lazy("text"))
    def beginning(self, obj: Model) -> str:
        return Truncator(getattr(obj, "text", "")).chars(80)
