"""Decisions with what came of them, as arrays: a point's own, or those in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engagement.flows.deciding import contexts
from engagement.flows.importing.formats import open_table
from engagement.flows.importing.mapping import BadPlan
from engagement.flows.importing.tables import Batch
from engagement.learning.evaluation.off_policy import Log
from engagement.models import Decision, DecisionPoint

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# As many of the latest as are judged within a page.
MOST = 20_000
CONTEXT = "context_"


@dataclass(frozen=True)
class DecisionLog:
    """
    Decisions in the order they are learnt in, as parallel arrays of length n.

    ``shown``: which of ``arms`` it was; ``chances``: n × arms, of arms other than the one shown
    only where the log tells them; ``allowed``: n × arms, what could have been; ``known``: n ×
    features.
    """

    arms: list[str]
    shown: Int64
    chances: Float64
    allowed: NDArray[np.bool_]
    rewards: Float64
    features: list[str]
    known: Float64
    visitors: Int64 | None = None

    def __len__(self) -> int:
        return len(self.shown)

    def part(self, rows: slice) -> DecisionLog:
        return replace(
            self,
            shown=self.shown[rows],
            chances=self.chances[rows],
            allowed=self.allowed[rows],
            rewards=self.rewards[rows],
            known=self.known[rows],
            visitors=None if self.visitors is None else self.visitors[rows],
        )

    def seen_as(self, names: Sequence[str]) -> Float64:
        """Return the contexts as a policy of these features sees them; 0 where not logged."""
        rows = (dict(zip(self.features, row, strict=True)) for row in self.known.tolist())
        return contexts.matrix(list(rows), names)

    @property
    def propensities(self) -> Float64:
        return np.asarray(self.chances[np.arange(len(self)), self.shown])

    def told(self) -> Log:
        """Return what estimators need to know."""
        return Log(self.shown, np.minimum(self.propensities, 1.0), self.rewards, self.visitors)


def of_point(point: DecisionPoint, *, most: int = MOST) -> DecisionLog:
    """Return the latest ``most`` decisions that were learnt from."""
    rows = (
        Decision.objects.filter(point=point, settled_number__isnull=False)
        .order_by("-settled_number")
        .values_list("arm", "arms", "probabilities", "context", "reward", "visitor_id")[:most]
    )
    found = list(rows)[::-1]
    arms = list(dict.fromkeys(arm for row in found for arm in row[1]))
    place = {arm: number for number, arm in enumerate(arms)}
    chances = np.zeros((len(found), len(arms)))
    for number, (_arm, own, told, *_rest) in enumerate(found):
        chances[number, [place[arm] for arm in own]] = told
    features = list(
        dict.fromkeys([*contexts.NAMES, *(name for row in found for name in sorted(row[3]))])
    )
    return DecisionLog(
        arms=arms,
        shown=np.array([place[row[0]] for row in found], dtype=np.int64),
        chances=chances,
        allowed=chances > 0,
        rewards=np.array([row[4] for row in found], dtype=np.float64),
        features=features,
        known=contexts.matrix([row[3] for row in found], features),
        visitors=np.array([row[5] for row in found], dtype=np.int64),
    )


# -- files ----------------------------------------------------------------------------------
def of_file(path: Path, **how: Any) -> DecisionLog:
    """
    Return the decisions in a file: CSV, JSON lines or Parquet, oldest first.

    Columns: ``arm``, ``propensity``, ``reward``, perhaps ``visitor``, and ``context_…`` for all
    that was known, as numbers; these are centred and scaled by their first half. Raises CannotRead
    or BadPlan with the line that is wrong.
    """
    table = open_table(path, **how)
    missing = [name for name in ("arm", "propensity", "reward") if name not in table.columns]
    if missing:
        raise BadPlan(
            f"{path.name} has no column {', '.join(missing)}; it has {', '.join(table.columns)}."
        )
    features = [name for name in table.columns if name.startswith(CONTEXT)]
    columns: dict[str, list[Any]] = {name: [] for name in ("arm", "visitor")}
    numbers: dict[str, list[float]] = {name: [] for name in ("propensity", "reward", *features)}
    for batch in table.batches():
        if batch.broken:
            index, why = next(iter(batch.broken.items()))
            raise BadPlan(f"{path.name}, line {batch.lines[index]}: {why}")
        for name, values in columns.items():
            values += [str(value) for value in batch.columns.get(name, ())]
        for name, read in numbers.items():
            read += _numbers(batch, name, path)
    if not columns["arm"]:
        raise BadPlan(f"{path.name} holds no decision.")
    return _assembled(columns, numbers, features, path)


def _numbers(batch: Batch, name: str, path: Path) -> list[float]:
    found = []
    for line, value in zip(batch.lines, batch.columns[name], strict=True):
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not np.isfinite(number):
            raise BadPlan(f"{path.name}, line {line}: {name} is {value!r}, which is no number.")
        found.append(number)
    return found


def _assembled(
    columns: Mapping[str, Sequence[str]],
    numbers: Mapping[str, Sequence[float]],
    features: Sequence[str],
    path: Path,
) -> DecisionLog:
    arms, shown = np.unique(np.array(columns["arm"]), return_inverse=True)
    propensities = np.array(numbers["propensity"])
    if not ((propensities > 0) & (propensities <= 1)).all():
        raise BadPlan(f"{path.name}: a propensity lies above 0 and not above 1.")
    chances = np.zeros((len(shown), len(arms)))
    chances[np.arange(len(shown)), shown] = propensities
    known = np.array([numbers[name] for name in features]).reshape(len(features), len(shown)).T
    first = known[: max(len(known) // 2, 1)]
    spread = first.std(axis=0)
    scaled = (known - first.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    visitors = None
    if columns["visitor"]:
        visitors = np.unique(np.array(columns["visitor"]), return_inverse=True)[1]
    return DecisionLog(
        arms=[str(arm) for arm in arms],
        shown=shown.astype(np.int64),
        chances=chances,
        allowed=np.ones_like(chances, dtype=bool),
        rewards=np.array(numbers["reward"]),
        features=[name.removeprefix(CONTEXT) for name in features],
        known=scaled,
        visitors=visitors,
    )
