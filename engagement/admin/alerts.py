"""Products whose reviews got worse than chance explains."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from engagement.admin import links
from engagement.admin.charts import number
from engagement.admin.listing import chosen_channel
from engagement.admin.moderation_pages import MODERATION, sections
from engagement.admin.moderation_view import ModerationView
from engagement.flows import overview
from engagement.flows.understanding.aspect_names import aspect_name
from engagement.models import Item, SentimentAlert

PER_PAGE = 25


class AlertsView(ModerationView):
    """Open alerts first; those that recovered follow."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.check(request)
        if not request.user.has_perm("engagement.view_sentimentalert"):
            raise PermissionDenied
        channel = chosen_channel(request)
        rows = SentimentAlert.objects.filter(channel=channel).select_related("item")
        paginator = Paginator(
            rows.defer("item__text").order_by(
                F("resolved_at").desc(nulls_first=True), "-raised_at", "-pk"
            ),
            PER_PAGE,
        )
        shown = paginator.get_page(request.GET.get("page"))
        context = {
            **self.site.each_context(request),
            "title": _("Alerts"),
            "opts": SentimentAlert._meta,
            "media": MODERATION,
            "shown": shown,
            "lines": [self._line(row) for row in shown],
            "sections": sections(self.site, request, "alerts"),
            "channels": [
                {
                    "text": name or "–",
                    "url": links.page(self.site, "review_alerts", channel=name),
                    "chosen": name == channel,
                }
                for name in overview.channels()
            ],
            "channel": channel,
            "at": timezone.now(),
        }
        return TemplateResponse(request, "admin/engagement/moderation/alerts.html", context)

    def _line(self, row: SentimentAlert) -> dict[str, Any]:
        item: Item = row.item
        return {
            "row": row,
            "item": item,
            "item_url": links.page(self.site, "item_change", item.pk)
            if self.site.is_registered(Item)
            else "",
            "reviews_url": links.page(
                self.site, "review_queue", status="all", item=item.key, order="newest"
            ),
            "recent": _share(row.counts, "recent"),
            "before": _share(row.counts, "before"),
            "sure": number(100 * (1 - row.q_value), 1),
            "aspects": [_aspect(one) for one in row.aspects],
        }


def _share(counts: Any, when: str) -> str:
    """Return “7 of 12 (58 %)”; a dash where nothing was counted."""
    found = counts.get(when) if isinstance(counts, dict) else None
    if not isinstance(found, dict) or not found.get("n"):
        return "–"
    n, bad = int(found["n"]), int(found.get("negative", 0))
    said = {"bad": number(bad), "n": number(n), "share": number(100 * bad / n)}
    return _("%(bad)s of %(n)s displeased (%(share)s %%)") % said


def _aspect(stored: Any) -> str:
    return aspect_name(str(stored.get("aspect", "") if isinstance(stored, dict) else stored))
