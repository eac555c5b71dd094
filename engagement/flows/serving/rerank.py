"""The shop's own list, as a search gives it, in the order that suits this visitor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from django.http import HttpRequest
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from engagement.conf import app_settings
from engagement.flows import faults, telemetry
from engagement.flows.collecting.identity import Person
from engagement.flows.serving import reasons, rules, strategies, trials
from engagement.flows.serving.candidates import Candidate, Reason
from engagement.flows.serving.placements import BUILT_IN, PlacementConfig
from engagement.flows.serving.strategies import Ranking
from engagement.flows.serving.visit import Ask, Visit

RESULTS = "search.results"
# Nobody looks further down a list; what follows keeps its order.
MOST_KEYS = 500


@dataclass(frozen=True, slots=True)
class Reranked:
    """An item of the list: its place now, and the one it came with; both count from 1."""

    key: str
    rank: int
    was: int
    score: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """The list in its new order, and which model had a say in it ("" for none)."""

    items: tuple[Reranked, ...] = ()
    model_version: str = ""


def rerank(
    *,
    keys: Iterable[str],
    person: Person | None,
    at: datetime,
    placement: str = RESULTS,
    strength: float = 0.5,
    request: HttpRequest | None = None,
    explain: bool = False,
) -> Order:
    """
    Return the same keys, each once, in another order. Never raises; the given order is the worst.

    An item's score is ``(1 - strength) / log2(1 + its place)`` plus ``strength`` times what the
    first strategy of the placement that knows the visitor says of it, the best of the list being
    one. Boosts of the placement multiply the latter; what the visitor hid comes last. Nothing is
    added or left out: which items match is the shop's to say.
    """
    given = list(dict.fromkeys(keys))
    try:
        visit = Visit.of(request, person, at=at)
        trial = trials.of(visit, placement)
        config = None if trial is None else trial.config
        if trial is not None and trial.label == trials.HOLDOUT:
            return _as_given(given)
        if config is None or not config.is_active:
            raise LookupError(f"There is no active placement {placement!r}")
        with telemetry.timed(placement):
            return _order(visit, config, given, min(max(strength, 0.0), 1.0), explain=explain)
    except Exception:
        faults.report(f"rerank:{placement}"[:80], "A list cannot be put into order; it stays")
        return _as_given(given)


def _as_given(given: list[str]) -> Order:
    return Order(tuple(Reranked(key, n, n, 0.0) for n, key in enumerate(given, start=1)))


def _order(
    visit: Visit, config: PlacementConfig, given: list[str], strength: float, *, explain: bool
) -> Order:
    head = given[:MOST_KEYS]
    matched = 1.0 / np.log2(np.arange(len(head)) + 2.0)
    candidates, model = _liked(visit, config, head)
    liked = np.array([one.score for one in candidates])
    best = float(liked.max()) if len(liked) and liked.max() > 0.0 else 1.0
    scores = (1.0 - strength) * matched + strength * liked / best
    hidden = np.array([key in visit.history.hidden for key in head], dtype=bool)
    order = np.lexsort((-scores, hidden)).tolist()
    why = _reasons(visit, candidates, matched, scores, strength / best, explain=explain)
    moved = [
        Reranked(head[place], rank, place + 1, float(scores[place]), why[place])
        for rank, place in enumerate(order, start=1)
    ]
    rest = [
        Reranked(key, n, n, 0.0) for n, key in enumerate(given[MOST_KEYS:], start=len(head) + 1)
    ]
    return Order((*moved, *rest), model)


def _liked(
    visit: Visit, config: PlacementConfig, keys: Sequence[str]
) -> tuple[list[Candidate], str]:
    """Return what the visitor's own strategies say of each key, zero where that is nothing."""
    for strategy in config.strategies:
        if strategy not in BUILT_IN and strategy not in app_settings.RECOMMENDERS:
            continue
        ranking = strategies.rank(visit, strategy, Ask())
        if ranking is not None:
            found = _said(visit, config, strategies.whole(ranking), keys)
            if any(one.score > 0.0 for one in found):
                return found, ranking.served.version if ranking.served else ""
    return [Candidate(key, 0.0, RESULTS, step=0) for key in keys], ""


def _said(
    visit: Visit, config: PlacementConfig, ranking: Ranking, keys: Sequence[str]
) -> list[Candidate]:
    table = ranking.table
    scores: NDArray[np.float32] = np.zeros(len(table), dtype=np.float32)
    scores[ranking.positions] = np.maximum(ranking.scores, 0.0)
    factors = rules.factors(table, config.rules_at(visit.at), visit.channel)
    found = []
    for key, place in zip(keys, table.positions_of(keys).tolist(), strict=True):
        one = Candidate(key, 0.0, ranking.strategy, step=0, ranking=ranking, column=place)
        if place >= 0:
            factor = 1.0 if factors is None else float(factors[place])
            one = replace(one, score=float(scores[place]) * factor, factor=factor)
        found.append(one)
    return found


def _reasons(
    visit: Visit,
    candidates: Sequence[Candidate],
    matched: NDArray[np.float64],
    scores: NDArray[np.float64],
    scale: float,
    *,
    explain: bool,
) -> list[tuple[Reason, ...]]:
    """Return why each item is where it is; with ``explain`` the weights sum to its score."""
    liked = [one for one in candidates if one.score > 0.0]
    told = dict(
        zip(
            [one.key for one in liked],
            reasons.of(visit, [(one, False) for one in liked], explain=explain),
            strict=True,
        )
    )
    found = []
    for one, score in zip(candidates, scores.tolist(), strict=True):
        own = [replace(why, weight=why.weight * scale) for why in told.get(one.key, ())]
        match = Reason("match", _("Matches what you searched for"), score - one.score * scale)
        found.append((*own, match) if explain else ((own[0],) if own else (match,)))
    return found
