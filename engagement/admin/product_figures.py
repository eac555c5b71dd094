"""The dashboard: how the whole product does, and what personalisation earns."""

from __future__ import annotations

import csv
import math
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagement.admin import links
from engagement.admin.charts import Chart, Series, number
from engagement.admin.listing import CHARTS, LongListAdmin, ReadOnlyAdmin, chosen_channel
from engagement.flows import overview
from engagement.flows.experiments import holdout
from engagement.flows.metrics import groups, reading
from engagement.learning.experiments import Effect
from engagement.models import DailyMetric

SPANS = (7, 30, 90, 365)
MOST_DAYS = 731


class DailyMetricAdmin(ReadOnlyAdmin, LongListAdmin):
    """The sums behind the dashboard, as they were made."""

    list_display = ("day", "name", "placement", "is_holdout", "value", "channel", "made_at")
    list_filter = ("is_holdout", "name")
    date_hierarchy = "day"
    ordering = ("-day", "name")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(DashboardView(self.admin_site))
        return [path("dashboard/", view, name="engagement_dashboard"), *super().get_urls()]


class DashboardView:
    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("engagement.view_dailymetric"):
            raise PermissionDenied
        request.current_app = self.site.name
        channel = chosen_channel(request)
        since, until, days = span(request)
        found = reading.dashboard(channel=channel, since=since, until=until)
        if request.GET.get("format") == "csv":
            return _csv(found)
        chosen = {"since": since.isoformat(), "until": until.isoformat(), "channel": channel}
        context = {
            **self.site.each_context(request),
            "title": _("Dashboard"),
            "opts": DailyMetric._meta,
            "media": CHARTS,
            "since": since,
            "until": until,
            "channel": channel,
            "channels": overview.channels(),
            "spans": [
                {
                    "text": ngettext("Last %(n)s day", "Last %(n)s days", one) % {"n": one},
                    "url": links.page(self.site, "dashboard", days=one, channel=channel),
                    "chosen": one == days,
                }
                for one in SPANS
            ],
            "csv_url": links.page(self.site, "dashboard", format="csv", **chosen),
            "found": found,
            "has_holdout": bool(holdout.threshold()),
            "rows": [_row(figure) for figure in found.figures] + _repeat(found),
            "earned": _earned(found),
            "charts": _charts(found),
        }
        return TemplateResponse(request, "admin/engagement/dashboard.html", context)


def span(request: HttpRequest) -> tuple[date, date, int]:
    """Return first and last day asked for, and which preset that was (0: none)."""
    today = timezone.localdate()
    since, until = (_day(request.GET.get(name, "")) for name in ("since", "until"))
    if since or until:
        last = min(until or today, today)
        first = max(min(since or last, last), last - timedelta(days=MOST_DAYS))
        return first, last, 0
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(one) for one in SPANS} else 30
    return today - timedelta(days=days - 1), today, days


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def shown(value: float | None, kind: reading.Kind) -> str:
    if value is None:
        return "–"
    if kind.percent:
        return f"{number(100 * value, kind.decimals)} %"
    return number(value, kind.decimals)


def percent(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    return ("+" if value > 0 else "") + number(100 * value, 1) + " %"


def uplift(found: Effect | None) -> dict[str, str]:
    """Return an effect in words: by which share, and between which."""
    if found is None:
        return {"text": "–", "style": ""}
    if not math.isfinite(found.relative_low):
        return {"text": _("too few visitors to say"), "style": "eng-quiet"}
    style = "eng-good" if found.is_better else "eng-bad" if found.is_worse else ""
    interval = f"{percent(found.relative_low)} … {percent(found.relative_high)}"
    return {"text": f"{percent(found.relative)} ({interval})", "style": style}


def _row(figure: reading.Figure) -> dict[str, Any]:
    return {
        "label": figure.kind.label,
        "value": shown(figure.value, figure.kind),
        "previous": shown(figure.previous, figure.kind),
        "trend": percent(figure.trend),
        "uplift": uplift(figure.uplift),
    }


def _repeat(found: reading.Dashboard) -> list[dict[str, Any]]:
    value = "–" if found.repeat is None else f"{number(100 * found.repeat, 2)} %"
    return [
        {
            "label": _("Repeat rate: buyers who ordered twice"),
            "value": value,
            "previous": "–",
            "trend": "–",
            "uplift": uplift(found.repeat_uplift),
        }
    ]


def _earned(found: reading.Dashboard) -> str:
    """Answer the question of the hold-out: what does all this earn?"""
    if not holdout.threshold():
        return _("Nobody is held out, so what personalisation earns cannot be told: HOLDOUT_SHARE.")
    effects = [one.uplift for one in found.figures if one.kind.name == "revenue_per_visitor"]
    effect = effects[0]
    if effect is None or not math.isfinite(effect.low):
        return _("Too few visitors so far: a hundred held out, and a hundred others.")
    low, high = (number(bound * found.n_others, 0) for bound in (effect.low, effect.high))
    words = {"low": low, "high": high, "value": number(effect.value * found.n_others, 0)}
    if effect.is_better:
        return _("Personalisation earned %(value)s in these days (%(low)s to %(high)s).") % words
    if effect.is_worse:
        return _("Personalisation cost %(value)s in these days (%(low)s to %(high)s).") % words
    return _("What personalisation earned cannot be told from 0 yet: %(low)s to %(high)s.") % words


def _charts(found: reading.Dashboard) -> list[Chart]:
    labels = [date_format(day, "MONTH_DAY_FORMAT") for day in found.days]
    by_name = {figure.kind.name: figure for figure in found.figures}

    def lines(key: str, title: str, names: tuple[str, ...]) -> Chart:
        chosen = [by_name[name] for name in names]
        return Chart(
            key=f"eng-{key}",
            title=title,
            labels=labels,
            series=[
                Series(
                    str(one.kind.label),
                    [
                        None if value is None else value * (100 if one.kind.percent else 1)
                        for value in one.values
                    ],
                )
                for one in chosen
            ],
            kind="line",
            axis="%" if chosen[0].kind.percent else "",
            label_heading=_("Day"),
            decimals=max(one.kind.decimals for one in chosen),
            summary=", ".join(f"{one.kind.label}: {shown(one.value, one.kind)}" for one in chosen),
        )

    return [
        lines("active", _("Active visitors"), ("visitors", "week", "month")),
        lines("visits", _("Sessions and depth"), ("sessions", "depth")),
        lines("funnel", _("From shelf to order"), ("click_through", "add_to_cart", "conversion")),
        lines(
            "money",
            _("Order value and revenue per visitor"),
            ("order_value", "revenue_per_visitor"),
        ),
        lines("stick", _("Stickiness and reviews"), ("stickiness", "review_rate")),
        *_uplifts(found),
        _placements(found),
        _segments(found),
        _cohorts(found),
    ]


def _uplifts(found: reading.Dashboard) -> list[Chart]:
    told = [
        (str(one.kind.label), one.uplift)
        for one in found.figures
        if one.uplift is not None and math.isfinite(one.uplift.relative_low)
    ]
    if not told:
        return []
    return [
        Chart(
            key="eng-uplift",
            title=_("Uplift against the hold-out"),
            labels=[label for label, _effect in told],
            series=[
                Series(
                    _("uplift per visitor, %"),
                    [100 * effect.relative for _label, effect in told],
                    low=[100 * effect.relative_low for _label, effect in told],
                    high=[100 * effect.relative_high for _label, effect in told],
                    roles=[
                        "good" if effect.is_better else "bad" if effect.is_worse else "other"
                        for _label, effect in told
                    ],
                )
            ],
            kind="ranking",
            decimals=1,
            label_heading=_("Figure"),
        )
    ]


def _placements(found: reading.Dashboard) -> Chart:
    return Chart(
        key="eng-placements",
        title=_("Click-through by placement"),
        labels=[name for name, _shown, _clicks in found.placements],
        series=[
            Series(
                _("clicks for 100 items shown"),
                [100 * clicks / seen if seen else None for _name, seen, clicks in found.placements],
            )
        ],
        kind="ranking",
        decimals=2,
        label_heading=_("Placement"),
    )


def _segments(found: reading.Dashboard) -> Chart:
    return Chart(
        key="eng-segments",
        title=_("Customers by recency and frequency, and their money"),
        labels=[str(label) for _name, label, _n, _money in found.segments],
        series=[
            Series(_("customers"), [n for _name, _label, n, _money in found.segments]),
            Series(
                _("money per customer"),
                [money / n if n else None for _name, _label, n, money in found.segments],
            ),
        ],
        kind="ranking",
        label_heading=_("Segment"),
    )


def _cohorts(found: reading.Dashboard) -> Chart:
    return Chart(
        key="eng-cohorts",
        title=_("Who came back: share of each week's new visitors"),
        labels=[_("week %(n)s") % {"n": week} for week in range(groups.WEEKS)],
        series=[
            Series(
                date_format(monday, "SHORT_DATE_FORMAT"),
                [
                    100 * kept[week] / kept[0] if week < len(kept) and kept[0] else None
                    for week in range(groups.WEEKS)
                ],
            )
            for monday, kept in found.cohorts
        ],
        kind="line",
        axis="%",
        decimals=1,
        label_heading=_("Weeks later"),
    )


def _csv(found: reading.Dashboard) -> HttpResponse:
    head, rows = reading.lines(found)
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="engagement.csv"'},
    )
    writer = csv.writer(response)
    writer.writerow(head)
    writer.writerows(rows)
    return response
