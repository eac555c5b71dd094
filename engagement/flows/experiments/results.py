"""What came of an experiment: effects that may be looked at any day, and a conclusion in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from engagement.flows.experiments import steering
from engagement.flows.metrics import moments
from engagement.learning.experiments import Effect, Moments, Ratio, effect, sample_ratio
from engagement.models import Experiment, ExperimentVariant, Measure

ALPHA = 0.05
GLARING = 1e-6
# So many moments of an experiment are looked at for its chart.
MOST_POINTS = 24


@dataclass(frozen=True)
class Result:
    """One variant against the control: the effect on each measure that is watched."""

    variant: ExperimentVariant
    n: int
    effects: dict[str, Effect]


@dataclass(frozen=True)
class Results:
    """``results`` leaves out the control. ``ratio`` is None before anybody met the experiment."""

    experiment: Experiment
    control: ExperimentVariant | None
    n_control: int
    results: list[Result]
    ratio: Ratio | None
    n_in_two: int
    until: date

    @property
    def is_broken(self) -> bool:
        # The sequential test is slow to speak in small experiments; a p-value as small as this
        # one raises a false alarm in a thousandth of experiments even if looked at 1,000 times.
        return self.ratio is not None and (self.ratio.is_broken() or self.ratio.p_value < GLARING)

    @property
    def conclusion(self) -> str:
        return _conclude(self)


def read(experiment: Experiment, *, at: datetime) -> Results:
    """Return the state of an experiment on the day of ``at``, or when it ended."""
    last = timezone.localdate(min(experiment.ended_at or at, at))
    watched = list(dict.fromkeys([experiment.decision_metric, *_rails(experiment)]))
    variants = list(experiment.variants.all())
    sums = moments.of_experiment(experiment, until=last, measures=watched)
    control = variants[0] if variants else None
    n = {one.pk: int(_of(sums, one, watched[0]).n) for one in variants}
    results = [
        Result(
            one,
            n[one.pk],
            {
                measure: effect(
                    _of(sums, control, measure),
                    _of(sums, one, measure),
                    # One error rate for the whole experiment, however many variants it has.
                    alpha=ALPHA / max(len(variants) - 1, 1),
                )
                for measure in watched
            },
        )
        for one in variants[1:]
        if control is not None
    ]
    ratio = None
    if len(variants) > 1 and any(n.values()):
        # A stopped variant takes in nobody any more; the others keep their weights.
        told = [one for one in variants if one.stopped_at is None]
        if len(told) > 1:
            ratio = sample_ratio([n[one.pk] for one in told], [one.weight for one in told])
    n_in_two = moments.n_in_two(experiment, until=last)
    return Results(
        experiment, control, n[control.pk] if control else 0, results, ratio, n_in_two, last
    )


def over_time(experiment: Experiment, *, at: datetime) -> list[tuple[date, dict[int, Effect]]]:
    """Return the effect on the decision metric by variant id, at moments since the start."""
    if experiment.started_at is None:
        return []
    first = timezone.localdate(experiment.started_at)
    last = timezone.localdate(min(experiment.ended_at or at, at))
    span = (last - first).days
    step = max(1, -(-span // MOST_POINTS))
    days = sorted({last, *(first + timedelta(days=n) for n in range(0, span + 1, step))})
    control, *others = list(experiment.variants.all())
    metric = experiment.decision_metric
    found = []
    for day in days:
        sums = moments.of_experiment(experiment, until=day, measures=[metric])
        effects = {
            one.pk: effect(
                _of(sums, control, metric), _of(sums, one, metric), alpha=ALPHA / len(others)
            )
            for one in others
        }
        found.append((day, effects))
    return found


def guard(*, channel: str, at: datetime) -> list[ExperimentVariant]:
    """Stop every variant that is shown to harm a guard rail; return which."""
    stopped = []
    rows = Experiment.objects.filter(channel=channel, status=Experiment.Status.RUNNING)
    for experiment in rows.prefetch_related("variants"):
        if not _rails(experiment):
            continue
        for result in read(experiment, at=at).results:
            harmed = [one for one in _rails(experiment) if result.effects[one].is_worse]
            if harmed and steering.stop_variant(result.variant, measure=harmed[0], at=at):
                stopped.append(result.variant)
    return stopped


def _rails(experiment: Experiment) -> list[str]:
    return [str(one) for one in experiment.guard_rails or () if one in Measure.values]


def _of(sums: dict[int, moments.Sums], variant: ExperimentVariant | None, measure: str) -> Moments:
    return sums.get(variant.pk if variant else 0, {}).get(measure, Moments())


# -- in words -------------------------------------------------------------------------------
def _conclude(found: Results) -> str:
    experiment = found.experiment
    measure = str(Measure(experiment.decision_metric).label)
    if experiment.status == Experiment.Status.DRAFT:
        return _("Not started yet.")
    if found.is_broken:
        return _(
            "Believe nothing of this: the variants did not get their shares of visitors. Something "
            "keeps visitors of one variant from being counted."
        )
    told = [one for one in found.results if _is_told(one.effects[experiment.decision_metric])]
    if not told:
        return _("Too early to say: each variant needs a hundred visitors at least.")
    said = [_of_variant(one, measure, experiment.decision_metric) for one in told]
    return " ".join(said)


def _is_told(found: Effect) -> bool:
    return math.isfinite(found.low)


def _of_variant(result: Result, measure: str, metric: str) -> str:
    found = result.effects[metric]
    words = {
        "variant": result.variant.name,
        "measure": measure,
        "low": f"{found.low:+.3g}",
        "high": f"{found.high:+.3g}",
    }
    if result.variant.stopped_at is not None:
        harmed = result.variant.stopped_by
        label = Measure(harmed).label if harmed in Measure.values else harmed
        return _("%(variant)s was stopped: it harmed “%(rail)s”.") % {**words, "rail": label}
    if found.is_better:
        return _("%(variant)s is better: “%(measure)s” %(low)s to %(high)s.") % words
    if found.is_worse:
        return _("%(variant)s is worse: “%(measure)s” %(low)s to %(high)s.") % words
    return (
        _("%(variant)s: no difference can be told yet, “%(measure)s” %(low)s to %(high)s.") % words
    )
