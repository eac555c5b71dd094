from __future__ import annotations

from django.contrib import admin

from engagement.admin.listing import AnyChannelFilter, LongListAdmin, ReadOnlyAdmin
from engagement.models import Answer


class AnswerInline(admin.TabularInline):
    model = Answer
    fields = ("body", "author_name", "is_shop", "status", "n_helpful", "created_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False


class QuestionAdmin(ReadOnlyAdmin, LongListAdmin):
    """Questions with their answers, to be found; decided about and answered in the queue."""

    list_display = ("__str__", "item", "author_name", "status", "n_answers", "created_at")
    list_filter = ("status", ("channel", AnyChannelFilter))
    list_select_related = ("item",)
    search_fields = ("body", "author_name")
    ordering = ("-pk",)
    sortable_by = ()
    actions = None
    inlines = (AnswerInline,)
