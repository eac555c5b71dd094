"""From candidates to a shelf: what is on sale, one variant of each, diverse, pins in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engagement.flows.serving.candidates import Candidate
from engagement.flows.serving.diversity import diverse
from engagement.flows.serving.pool import Pool
from engagement.flows.serving.visit import Visit


def draw(pool: Pool, n: int) -> None:
    """Draw enough candidates for a shelf of ``n``."""
    # More than twice as many as shown: some are sold out, some are variants of each other.
    pool.grow(2 * n + 6, enough=2 * n)
    pool.explore(n)


def choose(visit: Visit, pool: Pool, n: int) -> list[tuple[Candidate, bool]]:
    """Return up to ``n`` live candidates in their order, each with whether it is pinned."""
    if n == 0:
        return []
    draw(pool, n)
    # Room to choose from, where the best ones alone would not be diverse.
    wanted = n if pool.config.diversity == 0 else 2 * n
    while True:
        known = _asked_for(visit, pool)
        live = _live(visit, pool, known)
        unasked = [key for key in pool.drawn() if key not in visit.asked]
        if unasked and (len(live) < wanted or any(key in unasked for key in _wanted(pool))):
            # What the page is about as well, for the words of reasons.
            about = (*pool.ask.context, *pool.ask.cart) if visit.objects_wanted else ()
            visit.resolve([*unasked, *about])
        elif len(live) >= n or pool.exhausted:
            return _select(visit, pool, live, n)
        else:
            drawn = len(pool.candidates)
            pool.grow(4 * drawn + n, enough=4 * drawn + n)


def _wanted(pool: Pool) -> list[str]:
    """Return what is shown whatever else is on sale."""
    pinned = [candidate.key for _, tries in pool.pins for candidate in tries]
    return pinned + [candidate.key for candidate in pool.explored]


def _asked_for(visit: Visit, pool: Pool) -> list[Candidate]:
    """Return the candidates before the first of which the shop has not been asked yet."""
    for place, candidate in enumerate(pool.candidates):
        if candidate.key not in visit.asked:
            return pool.candidates[:place]
    return pool.candidates


def _live(visit: Visit, pool: Pool, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return what may be sold right now, one of each sort."""
    live: list[Candidate] = []
    sorts: set[str | int] = set()
    for candidate in candidates:
        own = candidate.sorts(one_of_each=pool.config.one_of_each)
        if candidate.key in visit.objects and sorts.isdisjoint(own):
            live.append(candidate)
            sorts.update(own)
    return live


def _select(
    visit: Visit, pool: Pool, live: list[Candidate], n: int
) -> list[tuple[Candidate, bool]]:
    one_of_each = pool.config.one_of_each
    pins = _pins(visit, pool, live, n)
    taken = {candidate.key for _, candidate in pins}
    sorts = {sort for _, one in pins for sort in one.sorts(one_of_each=one_of_each)}
    rest = [
        one
        for one in live
        if one.key not in taken and sorts.isdisjoint(one.sorts(one_of_each=one_of_each))
    ]
    best = diverse(visit, pool.config, rest, n - len(pins))
    best = _with_explored(visit, pool, best, taken, sorts)
    chosen = [(one, False) for one in best]
    for position, candidate in pins:
        chosen.insert(position - 1, (candidate, True))
    return chosen


def _with_explored(
    visit: Visit, pool: Pool, best: list[Candidate], taken: set[str], sorts: set[str | int]
) -> list[Candidate]:
    """Give new items the places that chance gave them; what stood there is not shown."""
    if pool.config.exploration <= 0.0:
        return best
    one_of_each = pool.config.one_of_each
    shown = taken | {one.key for one in best}
    sorts = sorts | {sort for one in best for sort in one.sorts(one_of_each=one_of_each)}
    fresh = iter(
        [
            one
            for one in _live(visit, pool, pool.explored)
            if one.key not in shown and sorts.isdisjoint(one.sorts(one_of_each=one_of_each))
        ]
    )
    places = set(pool.open_places or ())
    kept = 1.0 - pool.config.exploration
    found = []
    for place, one in enumerate(best):
        new = next(fresh, None) if place in places else None
        found.append(new or replace(one, propensity=kept))
    return found


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
