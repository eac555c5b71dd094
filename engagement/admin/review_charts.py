"""Reviews in numbers: every chart says in a sentence what it shows, and is a table too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.contrib.admin import AdminSite
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagement.admin import links
from engagement.admin.card_lines import code_name
from engagement.admin.charts import Chart, Role, Series, number
from engagement.flows.reviews import figures, transparency, work_figures
from engagement.flows.reviews.figures import Displeased
from engagement.flows.understanding.aspect_names import aspect_name
from engagement.models import Sentiment

ROLES: dict[str, Role] = {
    Sentiment.NEGATIVE: "bad",
    Sentiment.NEUTRAL: "other",
    Sentiment.POSITIVE: "good",
}


def over_time(*, channel: str, days: int, at: datetime) -> Chart:
    """Return how customers feel over time, in counts of texts."""
    found = figures.sentiment_over_time(channel=channel, days=days, at=at)
    share = found.share(Sentiment.NEGATIVE)
    summary = ngettext("%(n)s text", "%(n)s texts", found.total) % {"n": number(found.total)}
    if share is not None:
        summary += ", " + _("%(p)s %% of them displeased.") % {"p": number(100 * share)}
    return Chart(
        key="eng-mood",
        title=_("What customers feel"),
        labels=_dates(found.firsts),
        series=[
            Series(str(name.label), found.counts[name.value], role=ROLES[name])
            for name in (Sentiment.POSITIVE, Sentiment.NEUTRAL, Sentiment.NEGATIVE)
        ],
        kind="stacked",
        summary=summary,
        label_heading=_("Day") if days <= figures.DAILY_UP_TO else _("Week from"),
    )


def displeased(
    rows: Sequence[Displeased],
    *,
    key: str,
    title: str,
    heading: str,
    site: AdminSite | None = None,
) -> Chart:
    """Return shares of displeased texts with their intervals, in percent."""
    worst = next(iter(rows), None)
    return Chart(
        key=key,
        title=title,
        labels=[f"{one.name} ({one.n})" for one in rows],
        series=[
            Series(
                _("displeased, in percent"),
                [100 * one.share for one in rows],
                low=[100 * one.low for one in rows],
                high=[100 * one.high for one in rows],
                role="bad",
            )
        ]
        if rows
        else [],
        kind="ranking",
        summary=_("%(name)s stands out: %(bad)s of %(n)s texts are displeased.")
        % {"name": worst.name, "bad": worst.negative, "n": worst.n}
        if worst
        else "",
        axis="%",
        label_heading=heading,
        decimals=0,
        links=[
            links.page(site, "review_queue", status="all", sentiment="negative", item=one.name)
            for one in rows
        ]
        if site is not None
        else (),
    )


def aspects(channel: str) -> Chart:
    """Return what is spoken of better or worse than before."""
    rows = figures.moving_aspects(channel=channel)
    best, worst = (rows[0], rows[-1]) if rows else (None, None)
    said = []
    if best is not None and best.trend > 0:
        said.append(_("%(aspect)s got better most.") % {"aspect": aspect_name(best.aspect)})
    if worst is not None and worst.trend < 0:
        said.append(_("%(aspect)s got worse most.") % {"aspect": aspect_name(worst.aspect)})
    return Chart(
        key="eng-aspects",
        title=_("Aspects rising and falling"),
        labels=[f"{aspect_name(one.aspect)} ({one.n})" for one in rows],
        series=[
            Series(
                _("change of the mean polarity"),
                [one.trend for one in rows],
                roles=["good" if one.trend >= 0 else "bad" for one in rows],
            ),
        ]
        if rows
        else [],
        kind="ranking",
        summary=" ".join(said),
        label_heading=_("Aspect"),
        decimals=2,
    )


def quickness(*, channel: str, days: int, at: datetime) -> Chart:
    """Return how long people waited, in hours."""
    found = work_figures.response_times(channel=channel, days=days, at=at)
    return Chart(
        key="eng-quick",
        title=_("How long it took"),
        labels=_dates(found.firsts),
        series=[
            Series(_("until a moderator decided"), found.to_decide),
            Series(_("until the shop replied"), found.to_answer),
        ],
        kind="line",
        summary=_("Median hours. Decisions: %(decided)s, replies: %(answered)s.")
        % {"decided": number(found.n_decided), "answered": number(found.n_answered)},
        axis=_("hours"),
        label_heading=_("Day") if days <= figures.DAILY_UP_TO else _("Week from"),
        decimals=1,
    )


def flags(found: work_figures.Agreement) -> Chart:
    """Return what moderators did with what the model flagged."""
    said = []
    if found.share is not None:
        said.append(
            _("They agreed about %(p)s %% of %(n)s texts.")
            % {"p": number(100 * found.share), "n": number(found.n)}
        )
    if found.sentiment_share is not None:
        said.append(
            _("The sentiment of %(p)s %% was left as the model had it.")
            % {"p": number(100 * found.sentiment_share)}
        )
    return Chart(
        key="eng-agreement",
        title=_("Model and moderators"),
        labels=[code_name(one.code) if one.code else _("no flag") for one in found.flags],
        series=[
            Series(_("rejected"), [one.rejected for one in found.flags], role="bad"),
            Series(_("published"), [one.published for one in found.flags], role="good"),
        ]
        if found.flags
        else [],
        kind="ranking",
        summary=" ".join(said),
        label_heading=_("Flag"),
    )


def reliability(channel: str) -> Chart:
    """Return how often the live classifier is right when it says that it is so sure."""
    found = work_figures.calibration(channel=channel)
    title = _("Is the classifier as sure as it should be?")
    if found is None:
        return Chart(key="eng-reliability", title=title, labels=[], series=[])
    summary = _("%(model)s on %(n)s held-out labels.") % {
        "model": found.artifact,
        "n": number(sum(found.counts)),
    }
    if found.error is not None:
        summary += " " + _("Expected calibration error: %(e)s.") % {"e": number(found.error, 3)}
    return Chart(
        key="eng-reliability",
        title=title,
        labels=[
            f"{number(100 * sure)} % ({number(n)})"
            for sure, n in zip(found.confidence, found.counts, strict=True)
        ],
        series=[
            Series(_("right, in percent"), [100 * one for one in found.accuracy], role="winner"),
            Series(
                _("as right as it is sure"),
                [100 * one for one in found.confidence],
                role="baseline",
            ),
        ],
        kind="line",
        summary=summary,
        label_heading=_("It is this sure (texts)"),
        decimals=1,
    )


def rejected(found: transparency.Figures) -> Chart:
    """Return why reviews were rejected: the figure that the shop may show to anyone."""
    return Chart(
        key="eng-rejected",
        title=_("Why reviews were rejected"),
        labels=[one.label for one in found.reasons],
        series=[Series(_("reviews"), [one.n for one in found.reasons])] if found.reasons else [],
        kind="ranking",
        summary=_("%(rejected)s of %(received)s reviews (%(p)s %%).")
        % {
            "rejected": number(found.rejected),
            "received": number(found.received),
            "p": number(found.percent_rejected, 1),
        },
        label_heading=_("Reason"),
    )


def _dates(firsts: Sequence[date]) -> list[str]:
    return [date_format(day, "MONTH_DAY_FORMAT") for day in firsts]
