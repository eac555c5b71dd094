"""
The overview: what happens in the shop, which models are live, how the data are.

Its template is a row of blocks (``engagement_facts``, ``_charts``, ``_models``, ``_links``), each
filled by one method below: that is where a larger dashboard goes on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagement.admin import artifact_charts, daily, links
from engagement.admin.charts import number
from engagement.admin.listing import CHARTS, chosen_channel
from engagement.admin.metrics import Metrics
from engagement.conf import app_settings
from engagement.flows import overview
from engagement.models import Activation, Event, Item, ModelArtifact, Placement, Visitor

SPANS = (30, 90)


class OverviewView:
    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("engagement.view_event"):
            raise PermissionDenied
        request.current_app = self.site.name
        at = timezone.now()
        channel = chosen_channel(request)
        asked = request.GET.get("days", "")
        days = int(asked) if asked in {str(span) for span in SPANS} else SPANS[0]
        context = {
            **self.site.each_context(request),
            "title": _("Overview"),
            "app_name": apps.get_app_config("engagement").verbose_name,
            "media": CHARTS,
            "at": at,
            "spans": self._spans(channel, days),
            "channels": self._channels(channel, days),
            **self._facts(channel, at),
            **self._charts(channel, days, at),
            **self._models(channel),
            "pages": self._pages(request),
        }
        return TemplateResponse(request, "admin/engagement/overview.html", context)

    def _spans(self, channel: str, days: int) -> list[dict[str, Any]]:
        return [
            {
                "text": ngettext("Last %(n)s day", "Last %(n)s days", span) % {"n": span},
                "url": links.page(self.site, "overview", days=span, channel=channel),
                "chosen": span == days,
            }
            for span in SPANS
        ]

    def _channels(self, channel: str, days: int) -> list[dict[str, Any]]:
        return [
            {
                "text": name or "–",
                "url": links.page(self.site, "overview", days=days, channel=name),
                "chosen": name == channel,
            }
            for name in overview.channels()
        ]

    def _facts(self, channel: str, at: datetime) -> dict[str, Any]:
        health = overview.health(channel=channel, at=at)
        return {
            "health": health,
            "n_visitors": number(health.n_visitors),
            "n_items": number(health.n_items),
            "n_sellable": number(health.n_sellable),
        }

    def _charts(self, channel: str, days: int, at: datetime) -> dict[str, Any]:
        counts = overview.events_per_day(channel=channel, days=days, at=at)
        title = _("Events a day")
        return {
            "chart": daily.chart(counts, key="eng-days", title=title, kind="stacked"),
            "counted_at": timezone.localtime(counts.counted_at),
        }

    def _models(self, channel: str) -> dict[str, Any]:
        live = overview.live_models(channel=channel)
        rows = [
            self._model(alias, live.get(alias))
            for alias in dict.fromkeys([*app_settings.RECOMMENDERS, *live])
        ]
        measured = [row["metric"] for row in rows if row.get("metric")]
        return {"models": rows, "metric": measured[0] if measured else "nDCG"}

    def _model(self, alias: str, activation: Activation | None) -> dict[str, Any]:
        if activation is None:
            return {"alias": alias}
        artifact = activation.artifact
        metrics = Metrics(artifact)
        gain = metrics.gain
        return {
            "alias": alias,
            "artifact": artifact,
            "url": links.page(self.site, "modelartifact_change", artifact.pk),
            "metric": metrics.headline,
            "winner": metrics.of(metrics.winner),
            "baseline": metrics.of(metrics.baseline),
            "gain": artifact_charts.percent(gain),
            "style": "" if gain is None else "eng-good" if gain > 0 else "eng-bad",
        }

    def _pages(self, request: HttpRequest) -> list[dict[str, str]]:
        """Return the lists that this person may open."""
        return [
            {
                "text": capfirst(str(model._meta.verbose_name_plural)),
                "url": links.page(self.site, f"{model._meta.model_name}_changelist"),
            }
            for model in (Event, Item, Visitor, ModelArtifact, Activation, Placement)
            if self.site.is_registered(model)
            and request.user.has_perm(f"engagement.view_{model._meta.model_name}")
        ]
