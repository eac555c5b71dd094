"""Who is in which variant: worked out from the key each time, written down once it was met."""

from __future__ import annotations

from datetime import datetime

from engagement.flows import faults
from engagement.flows.experiments import exposures, holdout
from engagement.flows.experiments.running import RunningExperiment, RunningVariant
from engagement.flows.experiments.units import Someone, unit
from engagement.flows.serving import live
from engagement.learning.experiments import assign, position


def variant(name: str, *, visitor: Someone | None, at: datetime, expose: bool = True) -> str | None:
    """
    Return the name of the visitor's variant of a running experiment; None for those outside it.

    Outside are: an experiment that does not run, visitors beyond its share, in the global hold-out,
    of whom nothing may be known, and in a variant that a guard rail has stopped. Call it
    where the variants begin to differ: asking is what counts as having met the experiment
    (``expose=False`` only looks). Never raises.
    """
    try:
        channel, _key = unit(visitor)
        experiment = live.state().experiments.get((channel, name))
        if experiment is None:
            return None
        found = of(experiment, visitor)
        if found is None or found.is_stopped:
            return None
        if expose:
            exposures.note(experiment, found, visitor, at=at)
        return found.name
    except Exception:
        faults.report(f"experiment:{name}"[:80], "Experiment %r cannot assign anybody", name)
        return None


def of(experiment: RunningExperiment, visitor: Someone | None) -> RunningVariant | None:
    """Return the variant that a visitor belongs to, a stopped one too; None outside."""
    key = unit(visitor)[1]
    if not key or not experiment.variants or holdout.is_held_out(visitor):
        return None
    share = experiment.share
    if experiment.layer:
        place = position(key, f"layer/{experiment.layer}")
        if not experiment.layer_start <= place < experiment.layer_start + share:
            return None
        share = 1.0
    weights = [one.weight for one in experiment.variants]
    number = assign(key, experiment.salt, weights, share=share)
    return None if number is None else experiment.variants[number]
