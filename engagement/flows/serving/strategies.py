"""One strategy's answer: every item it speaks for, best first, and what it was asked with."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engagement.conf import app_settings
from engagement.flows.serving import caching, popular
from engagement.flows.serving.live import Served
from engagement.flows.serving.placements import BEST_SELLERS, NEWEST, RECENTLY_VIEWED
from engagement.flows.serving.table import Positions, Table
from engagement.flows.serving.visit import Ask, Visit
from engagement.learning.interactions import Histories
from engagement.models import EventName

# More than any shelf needs after exclusions; a placement that shows a corner of the catalogue
# only asks again without a limit.
MOST = 1000

VERBS = {event.value: event.code for event in EventName}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one event of the question was: an item, and what the visitor did with it."""

    key: str
    title: str
    verb: str


@dataclass(frozen=True, eq=False)
class Ranking:
    """Positions in ``table``, best first, with their scores."""

    strategy: str
    table: Table
    positions: Positions
    scores: NDArray[np.float32]
    # Whether every item with a score is among the positions.
    complete: bool = True
    served: Served | None = None
    histories: Histories | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def objective(self) -> str:
        """Return what the model itself was trained for, where it says: then money is in it."""
        return str(getattr(self.served.recommender, "objective", "") or "") if self.served else ""

    @functools.cached_property
    def evidence_keys(self) -> tuple[list[str], NDArray[np.int64]]:
        """Return the items that the evidence is about, in order, and which each piece is about."""
        places: dict[str, int] = {}
        numbers = [places.setdefault(one.key, len(places)) for one in self.evidence]
        return list(places), np.array(numbers, dtype=np.int64)


def rank(visit: Visit, strategy: str, ask: Ask) -> Ranking | None:
    """Return the ranking of a strategy, None where it has nothing to go by."""
    if strategy == RECENTLY_VIEWED:
        return _once(visit, strategy, lambda: _recently_viewed(visit))
    if strategy == NEWEST:
        return _popular(strategy, popular.newest(visit.channel))
    if strategy == BEST_SELLERS:
        return _popular(strategy, popular.best_sellers(visit.channel, at=visit.at))
    source = app_settings.RECOMMENDERS[strategy].get("INPUT", "visitor")
    asked_with = (ask.context or ask.cart) if source == "context" else ()
    return _once(visit, (strategy, asked_with), lambda: _of_model(visit, strategy, ask))


def whole(ranking: Ranking) -> Ranking:
    """Return the same ranking with every item that has a score."""
    if ranking.complete or ranking.served is None or ranking.histories is None:
        return ranking
    spoken = ranking.served.recommender.speak(ranking.histories)
    positions, scores = spoken.best_first(spoken.n)
    return replace(ranking, positions=positions, scores=scores, complete=True)


def _once(visit: Visit, name: Any, compute: Any) -> Ranking | None:
    if name not in visit.rankings:
        visit.rankings[name] = compute()
    ranking: Ranking | None = visit.rankings[name]
    return ranking


# -- without a model ------------------------------------------------------------------------


def _recently_viewed(visit: Visit) -> Ranking | None:
    viewed = visit.history.viewed()
    if not viewed:
        return None
    table = Table.of(
        [past.item_id for past in viewed],
        [past.key for past in viewed],
        [past.category for past in viewed],
        [past.group for past in viewed],
    )
    return Ranking(RECENTLY_VIEWED, table, *_in_order(len(viewed)))


def _in_order(n: int) -> tuple[Positions, NDArray[np.float32]]:
    positions = np.arange(n, dtype=np.int64)
    return positions, (1.0 / (1.0 + positions)).astype(np.float32)


def _popular(strategy: str, answer: popular.Popular) -> Ranking | None:
    if not answer.counts:
        return None
    positions = np.arange(len(answer.counts), dtype=np.int64)
    return Ranking(strategy, answer.table, positions, np.asarray(answer.counts, dtype=np.float32))


# -- with a model -----------------------------------------------------------------------------


def _of_model(visit: Visit, alias: str, ask: Ask) -> Ranking | None:
    served = visit.model(alias)
    if served is None:
        return None
    spec = app_settings.RECOMMENDERS[alias]
    source = spec.get("INPUT", "visitor")
    if source == "nothing":
        columns, weights, moments, evidence = _nothing()
    elif source == "context":
        columns, weights, moments, evidence = _context(visit, served, ask)
    else:
        columns, weights, moments, evidence = _past(visit, served, spec)
    if source != "nothing" and not (columns >= 0).any():
        return None
    histories = Histories.of(
        columns, moments=moments, weights=weights, now=int(visit.at.timestamp())
    )
    # What a visitor did changes with every click: such a ranking would never be read again.
    key = _cache_key(visit, served, columns) if source in ("nothing", "context") else ""
    positions, scores = _cached(served, histories, key)
    return Ranking(
        strategy=alias,
        table=served.table,
        positions=positions,
        scores=scores,
        complete=len(positions) < MOST,
        served=served,
        histories=histories,
        evidence=evidence,
    )


Question = tuple[NDArray[Any], NDArray[Any], NDArray[Any], tuple[Evidence, ...]]


def _nothing() -> Question:
    return np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.int64), ()


def _context(visit: Visit, served: Served, ask: Ask) -> Question:
    keys = ask.context or ask.cart
    verb = "context" if ask.context else "cart"
    columns = served.table.positions_of(keys).astype(np.int32)
    now = np.full(len(columns), int(visit.at.timestamp()), dtype=np.int64)
    evidence = tuple(Evidence(key, "", verb) for key in keys)
    return columns, np.ones(len(columns), np.float32), now, evidence


def _past(visit: Visit, served: Served, spec: Any) -> Question:
    weights = dict(app_settings.EVENT_WEIGHTS)
    if spec.get("EVENTS"):
        weights = {code: weights.get(code, 1.0) for code in spec["EVENTS"]}
    if spec.get("INPUT") == "purchases":
        weights = {"purchase": weights.get("purchase", 1.0)}
    told = visit.history.weighted(weights)
    if not told:
        return _nothing()
    columns = served.table.positions_of_ids([past.item_id for past, _ in told])
    evidence = tuple(Evidence(past.key, past.title, VERBS[past.event]) for past, _ in told)
    return (
        columns.astype(np.int32),
        np.array([weight for _, weight in told], dtype=np.float32),
        np.array([past.moment for past, _ in told], dtype=np.int64),
        evidence,
    )


def _cache_key(visit: Visit, served: Served, columns: NDArray[Any]) -> str:
    fingerprint = hashlib.blake2b(columns.tobytes(), digest_size=16).hexdigest()
    # The model's own digest: ids begin again when a database is made anew.
    model = f"{served.artifact.pk}:{served.artifact.manifest_sha256[:12]}"
    period = max(int(app_settings.SHELF_CACHE_SECONDS), 1)
    moment = int(visit.at.timestamp()) // period
    return f"engagement:ranked:1:{model}:{moment}:{fingerprint}"


def _cached(
    served: Served, histories: Histories, key: str
) -> tuple[Positions, NDArray[np.float32]]:
    found = caching.get(key) if key else None
    if found is not None:
        positions, scores = found
        return np.frombuffer(positions, np.int64), np.frombuffer(scores, np.float32)
    found, scores = served.recommender.speak(histories).best_first(MOST)
    positions = np.asarray(found, dtype=np.int64)
    best = np.asarray(scores, dtype=np.float32)
    if key:
        value = (positions.tobytes(), best.tobytes())
        caching.put(key, value, seconds=app_settings.SHELF_CACHE_SECONDS)
    return positions, best
