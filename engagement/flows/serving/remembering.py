"""
Ranked keys of one shelf, kept for a few minutes: what it would be filled with, before stock.

A shelf is found again while nothing that it rests on has changed: the models, the placement, the
question, and what the visitor did. Availability is asked after the cache, each time.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.utils.translation import get_language

import engagement
from engagement.conf import app_settings
from engagement.flows.serving import caching, reasons
from engagement.flows.serving.candidates import Candidate, Reason
from engagement.flows.serving.mirror import Mirrored
from engagement.flows.serving.placements import BUILT_IN, RECENTLY_VIEWED, PlacementConfig
from engagement.flows.serving.pool import Pool
from engagement.flows.serving.visit import Ask, Visit

Row = tuple[Any, ...]


def place_of(visit: Visit, config: PlacementConfig, ask: Ask, n: int) -> str:
    """Return the key under which a shelf may be kept; "" where it may not."""
    if not is_kept(config):
        return ""
    personal = _is_personal(config)
    if personal:
        past = visit.reading.signature
        if past and is_alone():
            # 300 entries a process, by Django's default: visitors would push out all else.
            return ""
    else:
        refused = visit.reading.refused(bought=config.exclude_bought)
        past = repr(sorted(refused)) if refused else ""
    person = visit.person
    parts = (
        engagement.__version__,
        *question(visit, config, ask, n),
        person.keys if past and personal and person is not None else (),
        past,
    )
    name = hashlib.blake2b(repr(parts).encode(), digest_size=20).hexdigest()
    return f"engagement:shelf:2:{name}"


def is_kept(config: PlacementConfig) -> bool:
    """Return whether a shelf of this placement may be kept at all."""
    # Best sellers and newcomers are kept where they are read: newer than a shelf would be.
    is_built_in = set(config.strategies) <= set(BUILT_IN)
    return int(app_settings.SHELF_CACHE_SECONDS) > 0 and not is_built_in


def is_alone() -> bool:
    """Return whether the cache is that of one process."""
    return isinstance(caches[app_settings.CACHE], LocMemCache)


def question(visit: Visit, config: PlacementConfig, ask: Ask, n: int) -> tuple[Any, ...]:
    """Return all that a shelf rests on but its visitor; to be compared, or read as a text."""
    return (
        visit.channel,
        config.name,
        n,
        visit.state.signature,
        # The placement's row is in the signature; a variant of it differs in these.
        config.strategies,
        config.diversify_by,
        config.exclude_bought,
        config.exploration,
        tuple(_digest(visit, strategy) for strategy in config.strategies),
        tuple(rule.holds(visit.at) for rule in config.rules),
        ask.context,
        ask.cart,
        tuple(sorted(ask.exclude)),
        ask.category,
        visit.objects_wanted,
        get_language(),
        int(visit.at.timestamp()) // int(app_settings.SHELF_CACHE_SECONDS),
    )


def _is_personal(config: PlacementConfig) -> bool:
    return any(
        strategy == RECENTLY_VIEWED
        or (
            strategy not in BUILT_IN
            and app_settings.RECOMMENDERS.get(strategy, {}).get("INPUT", "visitor")
            not in ("context", "nothing")
        )
        for strategy in config.strategies
    )


def _digest(visit: Visit, strategy: str) -> str:
    """Return which model answers in this process: the live one may be unreadable here."""
    if strategy in BUILT_IN:
        return ""
    served = visit.model(strategy)
    return served.artifact.manifest_sha256[:16] if served else ""


class Remembered(Pool):
    """A pool that was drawn earlier. Asked for more, it is drawn anew."""

    def __init__(self, visit: Visit, config: PlacementConfig, ask: Ask, kept: Any) -> None:
        self.visit, self.config, self.ask = visit, config, ask
        rows, pins, self.exhausted, cards = kept
        self.cards = {key: Mirrored(*card) for key, card in cards.items()}
        self.candidates = [_candidate(row) for row in rows]
        self.pins = [(position, [_candidate(row) for row in tries]) for position, tries in pins]
        self.explored, self.open_places = [], None
        if config.exploration > 0.0:
            self.rules = config.rules_at(visit.at)
            self._excluded = self._find_excluded()

    def grow(self, wanted: int, *, enough: int) -> None:
        if len(self.candidates) >= wanted or self.exhausted:
            return
        drawn = len(self.candidates)
        super().__init__(self.visit, self.config, self.ask)
        super().grow(max(wanted, drawn), enough=max(enough, drawn))


def recall(visit: Visit, config: PlacementConfig, ask: Ask, place: str) -> Remembered | None:
    """Return what is kept under ``place``."""
    kept = caching.get(place) if place else None
    return None if kept is None else Remembered(visit, config, ask, kept)


def remember(visit: Visit, pool: Pool, place: str) -> dict[str, Candidate]:
    """
    Keep what a pool has drawn, each with its main reason and, for JSON, with its looks.

    Returns the candidates by key, with their reasons.
    """
    drawn = [*pool.candidates, *(one for _, tries in pool.pins for one in tries)]
    found = reasons.of(visit, [(one, False) for one in drawn], explain=False)
    known = {id(one): replace(one, why=reason[0]) for one, reason in zip(drawn, found, strict=True)}
    rows = [_row(known[id(one)]) for one in pool.candidates]
    pins = [(position, [_row(known[id(one)]) for one in tries]) for position, tries in pool.pins]
    cards = (
        {} if visit.objects_wanted else {one.key: tuple(visit.mirrored(one.key)) for one in drawn}
    )
    kept = (rows, pins, pool.exhausted, cards)
    caching.put(place, kept, seconds=app_settings.SHELF_CACHE_SECONDS)
    # What was ranked comes last: its score and reason go before those of a bare pin.
    return {one.key: known[id(one)] for one in [*drawn[::-1], *pool.candidates]}


def _row(one: Candidate) -> Row:
    why = one.why
    return (
        one.key,
        one.score,
        one.source,
        one.step,
        one.category,
        one.group,
        one.lookalike,
        one.factor,
        one.worth,
        one.artifact_id,
        one.version,
        why and (why.code, why.text, why.weight, why.key),
    )


def _candidate(row: Row) -> Candidate:
    (key, score, source, step, category, group, lookalike, factor, worth, model, version, why) = row
    return Candidate(
        key,
        score,
        source,
        step,
        category,
        group,
        lookalike,
        factor,
        worth,
        artifact_id=model,
        version=version,
        why=why and Reason(*why),
    )
