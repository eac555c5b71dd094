"""Items that may be shown, with what speaks for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engagement.flows.serving.strategies import Ranking
from engagement.flows.serving.table import Positions

Scores = NDArray[np.float32]

PINNED = "pin"
EXPLORED = "explore"


@dataclass(frozen=True, slots=True)
class Reason:
    """One contribution to a score. ``key`` is the item it comes from, if one."""

    code: str
    text: str
    weight: float = 0.0
    key: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Candidate:
    """An item that may be shown, if the shop says so. ``step`` is its strategy's place in line."""

    key: str
    score: float
    source: str
    step: int
    category: str = ""
    group: str = ""
    lookalike: int = 0
    # What the score was multiplied by: the shop's rules, and what the item is worth.
    factor: float = 1.0
    worth: float = 1.0
    ranking: Ranking | None = None
    column: int = -1
    # The model behind the score, if one: its id and what it is called.
    artifact_id: int | None = None
    version: str = ""
    # The main reason, where it was found earlier.
    why: Reason | None = None
    # With what chance it came to its place, where chance had a say.
    propensity: float | None = None

    def sorts(self, *, one_of_each: bool) -> list[str | int]:
        """Return of what a shelf shows one: the group of variants, and what differs in size."""
        found: list[str | int] = [self.group] if self.group else []
        if one_of_each and self.lookalike:
            found.append(self.lookalike)
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Drawn:
    """What a strategy may show: positions in its table, best first."""

    step: int
    ranking: Ranking
    positions: Positions
    scores: Scores
    # Of every item of the table.
    factors: Scores | None = None
    worth: Scores | None = None

    def candidate(self, place: int) -> Candidate:
        table, position = self.ranking.table, int(self.positions[place])
        served = self.ranking.served
        return Candidate(
            key=table.key(position),
            score=float(self.scores[place]),
            source=self.ranking.strategy,
            step=self.step,
            category=table.category(position),
            group=table.group(position) if table.has_groups else "",
            lookalike=table.lookalike(position),
            factor=1.0 if self.factors is None else float(self.factors[position]),
            worth=1.0 if self.worth is None else float(self.worth[position]),
            ranking=self.ranking,
            column=position,
            artifact_id=served.artifact.pk if served else None,
            version=served.version if served else "",
        )

    def weighed(self, factors: Scores | None, worth: Scores | None) -> Drawn:
        """Multiply the scores by the shop's rules and by what items are worth."""
        if factors is None and worth is None:
            return self
        scores = self.scores
        for one in (factors, worth):
            if one is not None:
                scores = scores * one[self.positions]
        order = np.argsort(-scores, kind="stable")
        return replace(
            self,
            positions=self.positions[order],
            scores=scores[order],
            factors=factors,
            worth=worth,
        )

    def closest_first(self, paths: tuple[str, ...]) -> Drawn:
        """Put the items of the very same category first, those of its neighbours after them."""
        if not paths:
            return self
        same = np.logical_or.reduce([self.ranking.table.of_category(path) for path in paths])
        order = np.argsort(~same[self.positions], kind="stable")
        return replace(self, positions=self.positions[order], scores=self.scores[order])
