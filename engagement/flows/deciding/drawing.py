"""One draw: which arm a visitor gets, with what chance, and the row that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from engagement.flows.collecting.identity import Person
from engagement.flows.deciding import standing
from engagement.flows.deciding.keeping import Kept, next_key
from engagement.flows.deciding.running import RunningPoint, RunningVersion
from engagement.flows.experiments import assigning
from engagement.models import Decision, PolicyVersion

# Digits of the chances in the log, and the least of them.
DIGITS = 8
LEAST = 10.0**-DIGITS


@dataclass(frozen=True, slots=True)
class Drawn:
    """Which of ``arms`` it is, and the chances of all of them."""

    arm: str
    arms: tuple[str, ...]
    chances: tuple[float, ...]
    learnt_until: int | None

    @property
    def propensity(self) -> float:
        return self.chances[self.arms.index(self.arm)]


def version_for(
    point: RunningPoint, person: Person | None, *, at: datetime
) -> RunningVersion | None:
    """Return the policy that decides for somebody: that of an experiment's variant, or the live."""
    if not point.experiment:
        return point.live
    return point.version(assigning.variant(point.experiment, visitor=person, at=at))


def draw(
    version: RunningVersion,
    arms: Sequence[str],
    known: Mapping[str, float],
    *,
    rng: np.random.Generator,
) -> Drawn:
    """Return one of ``arms``, drawn as the policy wants it; a broken one draws evenly."""
    policy = standing.of(version)
    chances = tuple(
        max(round(float(chance), DIGITS), LEAST) for chance in policy.chances(known, arms)
    )
    bounds = np.cumsum(chances)
    place = int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))
    return Drawn(arms[min(place, len(arms) - 1)], tuple(arms), chances, policy.learnt_until)


def row_of(
    drawn: Drawn,
    point: RunningPoint,
    version: RunningVersion,
    visitor_id: int,
    before: Kept | None,
    known: Mapping[str, float],
    *,
    at: datetime,
) -> Decision:
    """Return the decision as it is stored; nothing is stored yet."""
    return Decision(
        key=next_key(point, visitor_id, before),
        point_id=point.id,
        version=_reference(version),
        learnt_until=drawn.learnt_until,
        visitor_id=visitor_id,
        decided_at=at,
        arm=drawn.arm,
        arms=list(drawn.arms),
        probabilities=list(drawn.chances),
        propensity=min(drawn.propensity, 1.0),
        context=dict(known),
    )


def _reference(version: RunningVersion) -> Any:
    """Return the row without asking for it: its key and name are all that is needed."""
    return PolicyVersion(pk=version.id, name=version.name, backend=version.backend)
