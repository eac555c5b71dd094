"""The page of figures about reviews."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagement.admin import links, review_charts
from engagement.admin.listing import CHARTS, chosen_channel
from engagement.admin.moderation_pages import MODERATION, sections
from engagement.admin.moderation_view import ModerationView
from engagement.flows import overview
from engagement.flows.reviews import figures, transparency, work_figures
from engagement.models import Review

SPANS = (30, 90, 365)


class FiguresView(ModerationView):
    """What customers feel and about what, and how well moderation works."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.check(request)
        at = timezone.now()
        channel = chosen_channel(request)
        asked = request.GET.get("days", "")
        days = int(asked) if asked in {str(span) for span in SPANS} else 90
        window: dict[str, Any] = {"channel": channel, "days": days, "at": at}
        open_to_all = transparency.figures(channel=channel, since=at - timedelta(days=days))
        agreed = work_figures.agreement(**window)
        context = {
            **self.site.each_context(request),
            "title": _("Figures about reviews"),
            "opts": Review._meta,
            "media": MODERATION + CHARTS,
            "sections": sections(self.site, request, "figures"),
            "spans": [
                {
                    "text": ngettext("Last %(n)s day", "Last %(n)s days", span) % {"n": span},
                    "url": links.page(self.site, "review_figures", days=span, channel=channel),
                    "chosen": span == days,
                }
                for span in SPANS
            ],
            "channels": [
                {
                    "text": name or "–",
                    "url": links.page(self.site, "review_figures", days=days, channel=name),
                    "chosen": name == channel,
                }
                for name in overview.channels()
            ],
            "open_to_all": open_to_all,
            "decided": work_figures.decided_by(**window),
            "charts": [
                review_charts.over_time(**window),
                review_charts.displeased(
                    figures.by_item(**window),
                    key="eng-items",
                    title=_("Products that displease"),
                    heading=_("Product"),
                    site=self.site,
                ),
                review_charts.displeased(
                    figures.by_category(**window),
                    key="eng-categories",
                    title=_("Displeased, by category"),
                    heading=_("Category"),
                ),
                review_charts.aspects(channel),
                review_charts.quickness(**window),
                review_charts.flags(agreed),
                review_charts.reliability(channel),
                review_charts.rejected(open_to_all),
            ],
        }
        return TemplateResponse(request, "admin/engagement/moderation/figures.html", context)
