"""Which of several lists of strategies fills a shelf: drawn by a policy, rewarded like an offer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engagement.flows import faults
from engagement.flows.deciding import contexts, drawing, facts, keeping
from engagement.flows.deciding.running import RunningPoint
from engagement.flows.serving.visit import Visit
from engagement.models import Decision, DecisionPoint


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided for a shelf; ``row`` is stored once the shelf is shown."""

    point: RunningPoint
    arm: str
    strategies: tuple[str, ...]
    row: Decision | None = None

    @property
    def label(self) -> str:
        return f"policy:{self.arm}"

    def note(self) -> None:
        """Write down what is shown now. Never raises: what is not in the log teaches nothing."""
        if self.row is None or self.row.pk is not None:
            return
        try:
            keeping.write(self.row, self.point)
        except Exception:
            faults.report("decision", "What was decided cannot be written down")


def ruling(visit: Visit, placement: str) -> Ruling | None:
    """
    Return what a policy decides for a shelf of this visitor; None where none does.

    One query at most beside the visitor's events. The chance of the draw follows from the
    decision's key: pages that are loaded at once are filled alike.
    """
    point = visit.state.point(visit.channel, placement, DecisionPoint.Kind.STRATEGIES)
    if point is None or point.live is None or not point.arms:
        return None
    with faults.contained():
        visitor = keeping.visitor_of(visit.person)
        if visitor is None:
            return None
        kept = keeping.last(point, visitor, at=visit.at)
        if kept is not None and kept.holds(point, visit.at) and kept.arm in point.arms:
            return Ruling(point, kept.arm, point.arms[kept.arm])
        version = drawing.version_for(point, visit.person, at=visit.at)
        if version is None:
            return None
        known = contexts.context(facts.of_visit(visit), at=visit.at)
        chance = np.random.default_rng(keeping.next_key(point, visitor, kept).int)
        drawn = drawing.draw(version, tuple(point.arms), known, rng=chance)
        row = drawing.row_of(drawn, point, version, visitor, kept, known, at=visit.at)
    return Ruling(point, drawn.arm, point.arms[drawn.arm], row)
