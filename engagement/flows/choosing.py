"""From candidates to a shelf: what is on sale, one variant of each, diverse, pins in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engagement.flows.pool import Candidate, Pool
from engagement.flows.rules import kind
from engagement.flows.visit import Visit
from engagement.learning.recommenders.ranking import diversify


def draw(pool: Pool, n: int) -> None:
    """Draw enough candidates for a shelf of ``n``."""
    # More than twice as many as shown: some are sold out, some are variants of each other.
    pool.grow(2 * n + 6, enough=2 * n)


def choose(visit: Visit, pool: Pool, n: int) -> list[tuple[Candidate, bool]]:
    """Return up to ``n`` live candidates in their order, each with whether it is pinned."""
    if n == 0:
        return []
    draw(pool, n)
    # Room to choose from, where the best ones alone would not be diverse.
    wanted = n if pool.config.diversity == 0 else 2 * n
    while True:
        known = _asked_for(visit, pool)
        live = _live(visit, known)
        unasked = [key for key in pool.drawn() if key not in visit.asked]
        if unasked and (len(live) < wanted or any(key in unasked for key in _pinned(pool))):
            visit.resolve([*unasked, *pool.ask.context, *pool.ask.cart])
        elif len(live) >= n or pool.exhausted:
            return _select(visit, pool, live, n)
        else:
            drawn = len(pool.candidates)
            pool.grow(4 * drawn + n, enough=4 * drawn + n)


def _pinned(pool: Pool) -> list[str]:
    return [candidate.key for _, tries in pool.pins for candidate in tries]


def _asked_for(visit: Visit, pool: Pool) -> list[Candidate]:
    """Return the candidates before the first of which the shop has not been asked yet."""
    for place, candidate in enumerate(pool.candidates):
        if candidate.key not in visit.asked:
            return pool.candidates[:place]
    return pool.candidates


def _live(visit: Visit, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return what may be sold right now, one variant of each group."""
    live: list[Candidate] = []
    groups: set[str] = set()
    for candidate in candidates:
        if candidate.key in visit.objects and candidate.group not in groups:
            live.append(candidate)
            if candidate.group:
                groups.add(candidate.group)
    return live


def _select(
    visit: Visit, pool: Pool, live: list[Candidate], n: int
) -> list[tuple[Candidate, bool]]:
    pins = _pins(visit, pool, live, n)
    taken = {candidate.key for _, candidate in pins}
    groups = {candidate.group for _, candidate in pins} - {""}
    rest = [one for one in live if one.key not in taken and one.group not in groups]
    chosen = [(one, False) for one in _diverse(rest, pool.config.diversity, n - len(pins))]
    for position, candidate in pins:
        chosen.insert(position - 1, (candidate, True))
    return chosen


def _pins(visit: Visit, pool: Pool, live: list[Candidate], n: int) -> list[tuple[int, Candidate]]:
    """Return which live item takes which pinned position."""
    ranked = {candidate.key: candidate for candidate in live}
    taken: dict[str, tuple[int, Candidate]] = {}
    for position, tries in sorted(pool.pins, key=lambda pin: pin[0]):
        for candidate in tries:
            if candidate.key in visit.objects and candidate.key not in taken:
                # With the score that the strategies gave it, if any did.
                taken[candidate.key] = (position, ranked.get(candidate.key, candidate))
                break
    return list(taken.values())[:n]


def _diverse(candidates: list[Candidate], strength: float, n: int) -> list[Candidate]:
    """Return ``n`` candidates, strategy after strategy; diverse within each."""
    if strength == 0:
        return candidates[:n]
    chosen: list[Candidate] = []
    for step in dict.fromkeys(candidate.step for candidate in candidates):
        if len(chosen) >= n:
            break
        group = [candidate for candidate in candidates if candidate.step == step]
        scores = np.array([candidate.score for candidate in group], dtype=np.float32)
        positions = np.arange(len(group))
        order = diversify(positions, scores, _kinds(group), strength, n - len(chosen))
        chosen += [group[place] for place in order]
    return chosen


def _kinds(candidates: list[Candidate]) -> NDArray[np.int64]:
    """Return a number for the kind of each candidate, −1 without a category."""
    numbers: dict[str, int] = {"": -1}
    kinds = [kind(candidate.category) for candidate in candidates]
    return np.array([numbers.setdefault(one, len(numbers)) for one in kinds], dtype=np.int64)
