"""
The dashboard's figures, read from what was made: a trend a day, a comparison, and an uplift.

The uplift of a figure compares visitors with those held out, per visitor, with an interval that
stays valid however often one looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from engagement.flows import overview
from engagement.flows.experiments import holdout
from engagement.flows.metrics import groups, moments
from engagement.learning.experiments import Effect, Moments, effect
from engagement.models import DailyMetric, Measure


@dataclass(frozen=True)
class Kind:
    """A figure: the mean of a daily sum, or the ratio of two sums."""

    name: str
    label: Promise
    over: str
    under: str = ""
    decimals: int = 0
    percent: bool = False
    money: bool = False
    # What its uplift is measured by, per visitor.
    measure: str = ""


KINDS = (
    Kind("visitors", _("Active visitors a day"), "visitors"),
    Kind("week", _("Active visitors in 7 days"), "week"),
    Kind("month", _("Active visitors in 30 days"), "month"),
    Kind("stickiness", _("Stickiness (day / month)"), "visitors", "month", 1, percent=True),
    Kind(
        "sessions", _("Sessions per visitor"), "sessions", "visitors", 2, measure=Measure.SESSIONS
    ),
    Kind("depth", _("Items viewed per session"), "views", "sessions", 2, measure=Measure.DEPTH),
    Kind(
        "click_through",
        _("Click-through of shelves"),
        "clicks",
        "impressions",
        2,
        percent=True,
        measure=Measure.CLICKS,
    ),
    Kind(
        "add_to_cart",
        _("Visitors who put in the cart"),
        "adders",
        "visitors",
        2,
        percent=True,
        measure=Measure.ADD_TO_CART,
    ),
    Kind(
        "conversion",
        _("Conversion"),
        "buyers",
        "visitors",
        2,
        percent=True,
        measure=Measure.CONVERSION,
    ),
    Kind("order_value", _("Order value"), "revenue", "orders", 2, money=True),
    Kind(
        "revenue_per_visitor",
        _("Revenue per visitor"),
        "revenue",
        "visitors",
        2,
        money=True,
        measure=Measure.REVENUE,
    ),
    Kind("revenue", _("Revenue a day"), "revenue", "", 2, money=True),
    Kind(
        "review_rate",
        _("Reviews per order"),
        "reviews",
        "orders",
        2,
        percent=True,
        measure=Measure.REVIEWS,
    ),
)
MEASURES = tuple(
    dict.fromkeys([*(kind.measure for kind in KINDS if kind.measure), Measure.REPEAT.value])
)


@dataclass(frozen=True)
class Figure:
    """``values`` by day; ``value`` of the whole span, ``previous`` of the span before it."""

    kind: Kind
    value: float | None
    previous: float | None
    values: list[float | None]
    uplift: Effect | None

    @property
    def trend(self) -> float | None:
        """Return by which share the figure changed against the span before."""
        if self.value is None or not self.previous:
            return None
        return self.value / self.previous - 1.0


@dataclass(frozen=True)
class Dashboard:
    days: list[date]
    figures: list[Figure]
    # Share of visitors with two orders or more among those with one.
    repeat: float | None
    repeat_uplift: Effect | None
    placements: list[tuple[str, int, int]]
    cohorts: list[tuple[date, list[int]]]
    segments: list[tuple[str, Promise, int, float]]
    n_held_out: int
    n_others: int
    made_at: datetime | None


def dashboard(*, channel: str, since: date, until: date) -> Dashboard:
    """Return the figures of the days from ``since`` to ``until``, both included."""
    days = [since + timedelta(days=i) for i in range((until - since).days + 1)]
    now = _sums(channel, since, until)
    before = _sums(channel, since - timedelta(days=len(days)), since - timedelta(days=1))
    held, others = _moments(channel, since, until)
    figures = [
        Figure(
            kind,
            _of(kind, now),
            _of(kind, before),
            [_of(kind, {day: now[day]}) if day in now else None for day in days],
            _uplift(held, others, kind.measure),
        )
        for kind in KINDS
    ]
    bought = others[Measure.CONVERSION].y + held[Measure.CONVERSION].y
    again = others[Measure.REPEAT].y + held[Measure.REPEAT].y
    made = DailyMetric.objects.filter(channel=channel, name="visitors").order_by("-day").first()
    return Dashboard(
        days=days,
        figures=figures,
        repeat=again / bought if bought else None,
        repeat_uplift=_uplift(held, others, Measure.REPEAT),
        placements=_placements(channel, since, until),
        cohorts=_cohorts(channel),
        segments=_segments(channel),
        n_held_out=int(held[Measure.REVENUE].n),
        n_others=int(others[Measure.REVENUE].n),
        made_at=made.made_at if made else None,
    )


def _sums(channel: str, since: date, until: date) -> dict[date, dict[str, float]]:
    rows = DailyMetric.objects.filter(
        channel=channel, day__gte=since, day__lte=until, placement="", is_holdout=False
    ).exclude(name__startswith="kept_")
    found: dict[date, dict[str, float]] = {}
    for day, name, value in rows.values_list("day", "name", "value"):
        found.setdefault(day, {})[name] = float(value)
    return {day: sums for day, sums in found.items() if "visitors" in sums}


def _of(kind: Kind, sums: dict[date, dict[str, float]]) -> float | None:
    if not sums:
        return None
    over = sum(day.get(kind.over, 0.0) for day in sums.values())
    if not kind.under:
        return over / len(sums)
    under = sum(day.get(kind.under, 0.0) for day in sums.values())
    return over / under if under else None


def _moments(channel: str, since: date, until: date) -> tuple[moments.Sums, moments.Sums]:
    def compute() -> tuple[moments.Sums, moments.Sums]:
        return moments.of_holdout(channel=channel, since=since, until=until, measures=MEASURES)

    key = f"moments:{channel}:{since}:{until}:{holdout.threshold()}"
    return overview.kept(key, compute)


def _uplift(held: moments.Sums, others: moments.Sums, measure: str) -> Effect | None:
    if not measure or not holdout.threshold():
        return None
    nobody = Moments()
    return effect(held.get(measure, nobody), others.get(measure, nobody))


def _placements(channel: str, since: date, until: date) -> list[tuple[str, int, int]]:
    rows = DailyMetric.objects.filter(
        channel=channel, day__gte=since, day__lte=until, name__in=["impressions", "clicks"]
    ).exclude(placement="")
    found: dict[str, dict[str, int]] = {}
    for row in rows.values("placement", "name").annotate(total=Sum("value")):
        found.setdefault(row["placement"], {})[row["name"]] = int(row["total"])
    return [
        (name, counts.get("impressions", 0), counts.get("clicks", 0))
        for name, counts in sorted(found.items())
    ]


def _cohorts(channel: str) -> list[tuple[date, list[int]]]:
    rows = DailyMetric.objects.filter(channel=channel, name__startswith="kept_")
    found: dict[date, dict[int, int]] = {}
    for day, name, value in rows.values_list("day", "name", "value"):
        found.setdefault(day, {})[int(name.removeprefix("kept_"))] = int(value)
    return [(day, [kept[week] for week in sorted(kept)]) for day, kept in sorted(found.items())]


def _segments(channel: str) -> list[tuple[str, Promise, int, float]]:
    rows = DailyMetric.objects.filter(channel=channel, name__startswith="rfm_")
    found = {name: float(value) for name, value in rows.values_list("name", "value")}
    if not found:
        return []
    return [
        (name, label, int(found.get(f"rfm_{name}", 0)), found.get(f"rfm_{name}_m", 0.0))
        for name, label, _days, _least in groups.SEGMENTS
    ]


def lines(found: Dashboard) -> tuple[list[str], Sequence[list[object]]]:
    """Return the figures as a table: a head, and a row a day."""
    head = ["day", *(figure.kind.name for figure in found.figures)]
    rows: list[list[object]] = [
        [
            day.isoformat(),
            *("" if (v := f.values[i]) is None else round(v, 6) for f in found.figures),
        ]
        for i, day in enumerate(found.days)
    ]
    return head, rows
