from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from engagement.admin import links
from engagement.admin.detail import DetailAdmin
from engagement.admin.listing import ChannelFilter, LongListAdmin, OneChannelList
from engagement.models import Event, EventName, Visitor

TIMELINE_EVENTS = 50


class VisitorList(OneChannelList):
    narrow = ("q",)
    channel_leads = False

    def get_results(self, request: HttpRequest) -> None:
        """Look up when each visitor of this page was last here: one look at an index a row."""
        super().get_results(request)
        shown = list(self.result_list)
        latest = Event.objects.filter(visitor=OuterRef("pk")).order_by("-event_time")
        known = dict(
            Visitor.objects.filter(pk__in=[visitor.pk for visitor in shown])
            .annotate(last_event=Subquery(latest.values("event_time")[:1]))
            .values_list("pk", "last_event")
        )
        for visitor in shown:
            visitor.last_event = known.get(visitor.pk)
        self.result_list = shown


class VisitorAdmin(DetailAdmin, LongListAdmin):
    """People under pseudonyms. All that can be changed is whether the models learn from them."""

    list_display = ("key", "user", "consent", "exclusion", "merged_into", "created_at", "last_seen")
    list_filter = (ChannelFilter, "exclusion", "consent")
    list_select_related = ("user", "merged_into")
    ordering = ("-pk",)
    sortable_by = ()
    # Any name: it only makes the search box appear; see get_search_results.
    search_fields = ("key",)
    search_help_text = gettext_lazy("A visitor's key or a user's name, in full and exactly.")
    actions = ("exclude_as_staff", "exclude_as_bot", "include")
    fields = (
        "key",
        "channel",
        "exclusion",
        "user",
        "consent",
        "merged_into",
        "merged_from",
        "created_at",
    )
    readonly_fields = (
        "key",
        "channel",
        "user",
        "consent",
        "merged_into",
        "merged_from",
        "created_at",
    )

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[OneChannelList]:
        return VisitorList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        user = get_user_model()
        users = user._default_manager.filter(**{user.USERNAME_FIELD: term}).values_list("pk")
        return queryset.filter(
            Q(key=term) | Q(user__in=list(users.values_list("pk", flat=True)))
        ), False

    def detail(self, request: HttpRequest, visitor: Visitor) -> dict[str, Any]:
        return {
            "timeline": self.timeline(visitor),
            "timeline_n": TIMELINE_EVENTS,
            "events_url": links.page(
                self.admin_site, "event_changelist", visitor__id__exact=visitor.pk
            ),
            "preview_url": links.page(
                self.admin_site,
                "placement_preview",
                visitor=visitor.key,
                channel=visitor.channel,
            ),
        }

    def timeline(self, visitor: Visitor) -> list[dict[str, Any]]:
        """Return the latest events, also those of before the visitor signed in."""
        people = [visitor.pk, *visitor.merged.values_list("pk", flat=True)[:50]]
        rows = Event.objects.filter(visitor__in=people).select_related("item")
        return [
            {
                "event": event,
                "kind": EventName(event.event),
                "item": links.link(self.admin_site, event.item) if event.item else event.query,
                "picture": links.outside(event.item.image_url) if event.item else "",
                "before_sign_in": event.visitor_id != visitor.pk,
            }
            for event in rows.order_by("-event_time", "-pk")[:TIMELINE_EVENTS]
        ]

    # -- columns ----------------------------------------------------------------------------
    @admin.display(description=gettext_lazy("last event"))
    def last_seen(self, obj: Any) -> Any:
        return obj.last_event

    @admin.display(description=gettext_lazy("seen before as"))
    def merged_from(self, obj: Visitor) -> str:
        return ", ".join(obj.merged.values_list("key", flat=True)[:20]) or "–"

    # -- actions ----------------------------------------------------------------------------
    @admin.action(
        description=gettext_lazy("Exclude from learning: works here"), permissions=["change"]
    )
    def exclude_as_staff(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._exclude(request, queryset, Visitor.Exclusion.STAFF)

    @admin.action(
        description=gettext_lazy("Exclude from learning: is a machine"), permissions=["change"]
    )
    def exclude_as_bot(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._exclude(request, queryset, Visitor.Exclusion.BOT)

    @admin.action(description=gettext_lazy("Learn from them again"), permissions=["change"])
    def include(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._exclude(request, queryset, Visitor.Exclusion.NONE)

    def _exclude(self, request: HttpRequest, queryset: QuerySet, exclusion: str) -> None:
        # By primary key: an action's rows come with the list's ordering and annotations.
        chosen = list(queryset.exclude(exclusion=exclusion).values_list("pk", flat=True))
        visitors = Visitor.objects.filter(pk__in=chosen)
        n = visitors.update(exclusion=exclusion)
        user: Any = request.user
        LogEntry.objects.log_actions(
            user.pk,
            visitors,
            CHANGE,
            [{"changed": {"fields": [str(Visitor._meta.get_field("exclusion").verbose_name)]}}],
        )
        self.message_user(
            request,
            ngettext(
                "%(n)s visitor changed; the next training follows.",
                "%(n)s visitors changed; the next training follows.",
                n,
            )
            % {"n": n},
            messages.SUCCESS,
        )
