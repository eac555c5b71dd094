"""What fills a placement for this visitor: as the shop set it up, as a variant, or held out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.deciding import shelves
from engagement.flows.deciding.shelves import Ruling
from engagement.flows.experiments import assigning, exposures, holdout
from engagement.flows.experiments.running import RunningExperiment, RunningVariant
from engagement.flows.serving.placements import BEST_SELLERS, BUILT_IN, NEWEST, PlacementConfig
from engagement.flows.serving.visit import Visit
from engagement.models import Placement

# What a shelf of the hold-out says in place of a variant.
HOLDOUT = "holdout"


@dataclass(frozen=True, slots=True)
class Trial:
    """A placement as one visitor gets it. ``label`` is "" where nothing is tried out."""

    config: PlacementConfig
    label: str = ""
    experiment: RunningExperiment | None = None
    variant: RunningVariant | None = None
    ruling: Ruling | None = None

    def note(self, visit: Visit) -> None:
        """Write down that the visitor met the experiment, or what a policy has decided."""
        if self.experiment is not None and self.variant is not None:
            exposures.note(self.experiment, self.variant, visit.person, at=visit.at)
        if self.ruling is not None:
            self.ruling.note()


def of(visit: Visit, name: str) -> Trial | None:
    """
    Return the placement ``name`` for this visitor; worked out once a visit, without queries unless
    a policy decides there.
    """
    if name not in visit.trials:
        config = visit.state.placement(visit.channel, name)
        visit.trials[name] = None if config is None else _trial(visit, config)
    trial: Trial | None = visit.trials[name]
    return trial


def _trial(visit: Visit, config: PlacementConfig) -> Trial:
    person = visit.person
    # A key that no browser holds yet is another one on the next page.
    if person is None or not person.keys or person.keys[0] not in person.known_keys:
        return Trial(config)
    try:
        if holdout.is_held_out(person):
            return Trial(impersonal(config), HOLDOUT)
        for experiment in visit.state.experiments.values():
            if experiment.placement != config.name or experiment.channel != visit.channel:
                continue
            variant = assigning.of(experiment, person) if person.may_store else None
            if variant is None or variant.is_stopped:
                continue
            return Trial(
                _with(config, variant.strategies),
                f"{experiment.name}:{variant.name}",
                experiment,
                variant,
            )
        ruling = shelves.ruling(visit, config.name)
        if ruling is not None:
            return Trial(_with(config, ruling.strategies), ruling.label, ruling=ruling)
    except Exception:
        faults.report(
            f"trial:{config.name}"[:80], "The shelf %r takes part in nothing", config.name
        )
    return Trial(config)


def _with(config: PlacementConfig, strategies: tuple[str, ...]) -> PlacementConfig:
    known = tuple(one for one in strategies if is_known(one))
    return replace(config, strategies=known) if known else config


def is_known(strategy: str) -> bool:
    return strategy in BUILT_IN or strategy in app_settings.RECOMMENDERS


def impersonal(config: PlacementConfig) -> PlacementConfig:
    """
    Return a placement without anything that is learnt of its visitor, or from what is on the page.

    What promises the visitor's own past («buy again», «recently viewed») does not show at all.
    """
    if not config.falls_back:
        return replace(config, is_active=False)
    kept = tuple(one for one in config.strategies if _is_for_everyone(one))
    return replace(
        config,
        strategies=kept or (BEST_SELLERS,),
        # The visitor's own mix of categories, and chance for what is new, are learning too.
        diversify_by=(
            Placement.Diversity.TURNS.value
            if config.diversify_by == Placement.Diversity.SHARES
            else config.diversify_by
        ),
        exploration=0.0,
        exclude_bought=False,
    )


def _is_for_everyone(strategy: str) -> bool:
    if strategy in (NEWEST, BEST_SELLERS):
        return True
    return str(app_settings.RECOMMENDERS.get(strategy, {}).get("INPUT", "")) == "nothing"
