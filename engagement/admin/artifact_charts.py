"""How good a model is, beside what it had to beat."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagement.admin.charts import Chart, Role, Series, number
from engagement.admin.metrics import Measured, Metrics
from engagement.flows.understanding.train import OLD
from engagement.models import ModelArtifact


def comparison(artifact: ModelArtifact) -> Chart:
    """Return every candidate and the baseline by the headline metric, best first."""
    metrics = Metrics(artifact)
    ranking = metrics.ranking()
    return Chart(
        key="eng-comparison",
        title=_("Held-out days: the candidates against last week's best sellers")
        if metrics.baseline != OLD
        else _("Held-out texts: the new model against the live one"),
        labels=[_label(metrics, one) for one in ranking],
        series=[
            Series(
                metrics.headline,
                [one.value for one in ranking],
                low=[one.low for one in ranking],
                high=[one.high for one in ranking],
                roles=[_role(metrics, one) for one in ranking],
            )
        ]
        if ranking
        else [],
        kind="ranking",
        summary=verdict(artifact),
        axis=metrics.headline,
        label_heading=_("Model"),
        decimals=4,
    )


def history(artifacts: Sequence[ModelArtifact], links: Sequence[str]) -> Chart:
    """Return winner and baseline over the trainings of an alias, oldest first."""
    read = [Metrics(artifact) for artifact in artifacts]
    headline = next((metrics.headline for metrics in reversed(read) if metrics.headline), "")

    def values(name: str) -> list[float | None]:
        found = [metrics.of(getattr(metrics, name), headline) for metrics in read]
        return [one.value if one else None for one in found]

    return Chart(
        key="eng-history",
        title=_("Over the trainings"),
        labels=[
            f"#{one.pk} · {date_format(timezone.localtime(one.trained_at), 'MONTH_DAY_FORMAT')}"
            for one in artifacts
        ],
        series=[
            Series(_("winner"), values("winner"), role="winner"),
            Series(_("last week's best sellers"), values("baseline"), role="baseline"),
        ],
        kind="line",
        summary=_("%(metric)s of the latest %(n)s trainings.")
        % {"metric": headline or "nDCG", "n": len(artifacts)},
        axis=headline,
        label_heading=_("Training"),
        decimals=4,
        links=links,
    )


def verdict(artifact: ModelArtifact) -> str:
    """Say in one sentence how the model did."""
    metrics = Metrics(artifact)
    winner, baseline = metrics.of(metrics.winner), metrics.of(metrics.baseline)
    if winner is None:
        return _("Nothing was measured: there was too little data to hold any back.")
    said = {"model": short(metrics.winner), "metric": metrics.headline, "value": _text(winner)}
    if baseline is None:
        return _("%(model)s reached %(metric)s %(value)s.") % said
    said |= {"baseline": _text(baseline), "gain": percent(metrics.gain)}
    if metrics.baseline == OLD:
        return (
            _("%(model)s reached %(metric)s %(value)s; the live one %(baseline)s (%(gain)s).")
            % said
        )
    return _("%(model)s reached %(metric)s %(value)s; best sellers %(baseline)s (%(gain)s).") % said


def percent(share: float | None) -> str:
    """Return +12.3 % of 0.123."""
    if share is None:
        return "–"
    sign = "+" if share >= 0 else "−"
    return f"{sign}{number(abs(share) * 100, 1)} %"


def name_of(metrics: Metrics, name: str) -> str:
    """Return what a person calls a candidate, or the baseline."""
    if name == OLD:
        return _("the live model")
    return _("last week's best sellers") if name == metrics.baseline else short(name)


def short(name: str) -> str:
    """Return the last part of a dotted path."""
    return name.rpartition(".")[2] or name


def _text(one: Measured) -> str:
    return number(one.value, 4)


def _role(metrics: Metrics, one: Measured) -> Role:
    if one.name == metrics.winner:
        return "winner"
    return "baseline" if one.name == metrics.baseline else "other"


def _label(metrics: Metrics, one: Measured) -> str:
    if one.name == metrics.winner:
        return _("%(name)s (winner)") % {"name": short(one.name)}
    if one.name == metrics.baseline:
        return _("%(name)s (to beat)") % {"name": name_of(metrics, one.name)}
    return short(one.name)
