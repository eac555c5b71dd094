from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy

from engagement.admin import links
from engagement.admin.alerts import AlertsView
from engagement.admin.listing import ChannelFilter, LongListAdmin, OneChannelList
from engagement.admin.moderation_queue import DecideView, QueueView, StatesView
from engagement.admin.review_figures import FiguresView
from engagement.admin.triage import ReplyView, TriageView
from engagement.models import Review


class ReviewList(OneChannelList):
    narrow = ("q",)


class ReviewAdmin(LongListAdmin):
    """
    Reviews as a list, to be found; decided about in the queue. What customers wrote is nobody's to
    edit: “change” is the right to decide.
    """

    list_display = ("__str__", "item", "author_name", "verified_purchase", "status", "created_at")
    list_filter = (ChannelFilter, "status", "rating", "source")
    list_select_related = ("item",)
    search_fields = ("title", "body", "author_name", "order_ref")
    search_help_text = gettext_lazy("Words of the review, its author's name, or an order's number.")
    ordering = ("-pk",)
    sortable_by = ()
    actions = None
    change_list_template = "admin/engagement/review/change_list.html"
    fields = (
        "item",
        ("rating", "language"),
        "title",
        "body",
        ("author_name", "verified_purchase", "order_ref"),
        ("status", "source"),
        ("n_helpful", "n_unhelpful", "n_reports"),
        "reply_text",
        ("created_at", "updated_at", "published_at", "moderated_at"),
    )

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[OneChannelList]:
        return ReviewList

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [field.name for field in Review._meta.fields]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            **(extra_context or {}),
            "queue_url": links.page(self.admin_site, "review_queue"),
        }
        return super().changelist_view(request, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # Nothing can be typed here: buttons that save would save nothing.
        context = {"show_save": False, "show_save_and_continue": False, **(extra_context or {})}
        review: Any = self.get_object(request, object_id)
        if review is not None:
            context["queue_url"] = links.page(
                self.admin_site, "review_queue", status="all", ref=f"review:{review.key}"
            )
        return super().change_view(request, object_id, form_url, context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own: dict[str, tuple[str, Any]] = {
            "queue": ("queue/", QueueView(self)),
            "decide": ("queue/decide/", DecideView(self)),
            "states": ("queue/states/", StatesView(self)),
            "triage": ("triage/", TriageView(self)),
            "reply": ("reply/<path:ref>/", ReplyView(self)),
            "figures": ("figures/", FiguresView(self)),
            "alerts": ("alerts/", AlertsView(self)),
        }
        return [
            *(
                path(route, view(page), name=f"engagement_review_{name}")
                for name, (route, page) in own.items()
            ),
            *super().get_urls(),
        ]
