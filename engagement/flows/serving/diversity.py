"""How the items of a shelf are kept from being all alike, in the way its placement asks for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engagement.conf import app_settings
from engagement.flows.serving.candidates import Candidate
from engagement.flows.serving.placements import PlacementConfig
from engagement.flows.serving.rules import kind
from engagement.flows.serving.table import SEPARATOR
from engagement.flows.serving.visit import Visit
from engagement.learning.recommenders.ranking import calibrate, diversify, spread
from engagement.models import Placement

Codes = NDArray[np.int64]


def diverse(
    visit: Visit, config: PlacementConfig, candidates: Sequence[Candidate], n: int
) -> list[Candidate]:
    """Return ``n`` candidates, strategy after strategy; diverse within each."""
    if config.diversity == 0:
        return list(candidates[:n])
    chosen: list[Candidate] = []
    for step in dict.fromkeys(candidate.step for candidate in candidates):
        if len(chosen) >= n:
            break
        group = [candidate for candidate in candidates if candidate.step == step]
        scores = np.array([candidate.score for candidate in group], dtype=np.float32)
        order = _order(visit, config, group, scores, n - len(chosen))
        chosen += [group[place] for place in order]
    return chosen


def _order(
    visit: Visit,
    config: PlacementConfig,
    group: Sequence[Candidate],
    scores: NDArray[np.float32],
    n: int,
) -> list[int]:
    match config.diversify_by:
        case Placement.Diversity.SPREAD:
            found = spread(scores, _features(group), config.diversity, n)
        case Placement.Diversity.SHARES:
            codes, target = _shares(visit, group)
            found = calibrate(scores, codes, target, config.diversity, n)
        case _:
            codes, _names = _kinds(group)
            found = diversify(np.arange(len(group)), scores, codes, config.diversity, n)
    return [int(place) for place in found]


def _kinds(candidates: Sequence[Candidate]) -> tuple[Codes, dict[str, int]]:
    """Return a number for the kind of each candidate, −1 without a category, and the numbers."""
    numbers: dict[str, int] = {}
    codes = [
        numbers.setdefault(kind(one.category), len(numbers)) if one.category else -1
        for one in candidates
    ]
    return np.array(codes, dtype=np.int64), numbers


def _features(candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """
    Return what each candidate is, as rows of length one: itself, and each level of its category.

    Items of one narrow category have most in common, of one department a little; no two are the
    same, so that something new is always left to choose.
    """
    numbers: dict[str, int] = {}
    entries = []
    for place, one in enumerate(candidates):
        path = one.category.split(SEPARATOR) if one.category else []
        levels = [SEPARATOR.join(path[: depth + 1]) for depth in range(len(path))]
        entries += [(place, numbers.setdefault(level, len(numbers))) for level in levels]
    n = len(candidates)
    table = np.zeros((n, n + len(numbers)))
    table[np.arange(n), np.arange(n)] = 1.0
    for place, number in entries:
        table[place, n + number] = 1.0
    return np.asarray(table / np.linalg.norm(table, axis=1, keepdims=True))


def _shares(visit: Visit, candidates: Sequence[Candidate]) -> tuple[Codes, NDArray[np.float64]]:
    """Return the kinds of the candidates, and each kind's share in what the visitor did."""
    codes, numbers = _kinds(candidates)
    told = visit.history.weighted(app_settings.EVENT_WEIGHTS)
    target = np.zeros(len(numbers))
    for past, weight in told:
        number = numbers.get(kind(past.category)) if past.category else None
        if number is not None:
            target[number] += weight
    total = target.sum()
    return codes, target / total if total > 0 else target
