"""The chart of events per day."""

from __future__ import annotations

from typing import Literal

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagement.admin.charts import Chart, Series, number
from engagement.flows.overview import Daily

# As many kinds as people can tell apart by colour; the others share one.
MOST_KINDS = 7


def chart(counts: Daily, *, key: str, title: str, kind: Literal["stacked", "line"]) -> Chart:
    """Return ``counts`` as a chart, the most frequent kind of event first."""
    ordered = sorted(counts.counts.items(), key=lambda pair: -sum(pair[1]))
    series = [Series(f"{name.code} · {name.label}", row) for name, row in ordered[:MOST_KINDS]]
    rest = [row for _name, row in ordered[MOST_KINDS:]]
    if rest:
        series.append(Series(_("others"), [sum(day) for day in zip(*rest, strict=True)]))
    return Chart(
        key=key,
        title=title,
        labels=[date_format(day, "MONTH_DAY_FORMAT") for day in counts.days],
        series=series,
        kind=kind,
        summary=summary(counts),
        label_heading=_("Day"),
    )


def summary(counts: Daily) -> str:
    total = counts.total
    said = ngettext("%(n)s event in all.", "%(n)s events in all.", total) % {"n": number(total)}
    per_day = [sum(day) for day in zip(*counts.counts.values(), strict=True)]
    if not any(per_day):
        return said
    busiest = max(range(len(per_day)), key=per_day.__getitem__)
    return (
        said
        + " "
        + _("Busiest day: %(day)s with %(n)s.")
        % {
            "day": date_format(counts.days[busiest], "DATE_FORMAT"),
            "n": number(per_day[busiest]),
        }
    )
