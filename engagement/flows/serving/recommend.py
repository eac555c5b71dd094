"""
Fill a shelf: rank, apply the shop's rules, ask the shop what can be sold right now.

Whatever breaks on the way costs at most this shelf; the next best source fills it.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from engagement.flows import faults, telemetry
from engagement.flows.collecting import tokens
from engagement.flows.collecting.identity import Person
from engagement.flows.serving import answers, pages, reasons, remembering, trials
from engagement.flows.serving.candidates import EXPLORED, Candidate
from engagement.flows.serving.choosing import choose, draw
from engagement.flows.serving.mirror import Mirrored
from engagement.flows.serving.placements import PlacementConfig
from engagement.flows.serving.pool import Pool
from engagement.flows.serving.reasons import Reason
from engagement.flows.serving.visit import Ask, Visit, card

MAX_ITEMS = 100


@dataclass(frozen=True)
class Recommended:
    """One item of a shelf: the shop's own ``object``, and why it is here."""

    key: str
    score: float
    rank: int
    source: str
    reasons: tuple[Reason, ...]
    pinned: bool
    # None where the catalogue mirror describes the item; see ``described``.
    object: Any
    described: Mirrored | None = field(default=None, repr=False, compare=False)
    # With what chance it came to its place, where the placement lets chance have a share.
    propensity: float | None = None

    @functools.cached_property
    def card(self) -> Mapping[str, Any]:
        """What a card shows: ``title``, ``url``, ``image_url``, ``price``."""
        return card(self.object) if self.described is None else self.described.card


@dataclass(frozen=True)
class Shelf:
    """What fills a placement. False when there is nothing to show."""

    placement: str
    title: str = ""
    recommendation_id: str = ""
    model_version: str = ""
    variant: str = ""
    items: tuple[Recommended, ...] = ()
    config: PlacementConfig | None = field(default=None, repr=False, compare=False)
    # Where an interface may keep what it has made of all but the id, as long as that is shown.
    texts: MutableMapping[Hashable, Any] | None = field(default=None, repr=False, compare=False)

    def __iter__(self) -> Iterator[Recommended]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def objects(self) -> list[Any]:
        """Return the shop's own objects in the order of the shelf."""
        return [item.object for item in self.items]


def recommend(
    *,
    placement: str | PlacementConfig,
    person: Person | None,
    at: datetime,
    n: int | None = None,
    context: Iterable[str] = (),
    cart: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    category: str = "",
    request: HttpRequest | None = None,
    explain: bool = False,
    whole_page: bool = False,
    objects_wanted: bool = True,
) -> Shelf:
    """
    Return the shelf of ``placement`` for ``person``; an empty one when nothing can be shown.

    ``context`` is what the page is about, ``cart`` what the visitor is about to buy (default: what
    the adapter says), both as item keys. ``whole_page`` prepares the other placements that
    this page is known to show, so that all of them cost one question to the shop. Without
    ``objects_wanted`` the mirror may describe the items in place of the shop's own objects. Never
    raises.
    """
    name = placement if isinstance(placement, str) else placement.name
    try:
        visit = Visit.of(request, person, at=at, objects_wanted=objects_wanted)
        trial = _trial(visit, placement)
        if trial is None:
            faults.report(f"placement:{name}"[:80], "There is no placement %r", name)
            return Shelf(name)
        with telemetry.timed(name):
            ask = _ask(visit, trial.config, context, cart, exclude, category, whole_page)
            shelf = _fill(visit, trial.config, ask, n, explain=explain, whole_page=whole_page)
        trial.note(visit)
        telemetry.count_shelf(name, shelf.items[0].source if shelf.items else "")
        return replace(shelf, variant=trial.label) if trial.label else shelf
    except Exception:
        faults.report(f"recommend:{name}"[:80], "The shelf %r cannot be filled", name)
        return Shelf(name)


def _trial(visit: Visit, placement: str | PlacementConfig) -> trials.Trial | None:
    if isinstance(placement, PlacementConfig):
        return trials.Trial(placement)
    return trials.of(visit, placement)


def _ask(
    visit: Visit,
    config: PlacementConfig,
    context: Iterable[str],
    cart: Iterable[str] | None,
    exclude: Iterable[str],
    category: str,
    whole_page: bool,
) -> Ask:
    keys = tuple(dict.fromkeys(context))
    if whole_page:
        # The page is about what its first shelf was told: a later one must not show it either.
        keys = keys or visit.contexts.get(config.page, ())
        visit.contexts[config.page] = keys
    in_cart = visit.cart if cart is None else tuple(dict.fromkeys(cart))
    return Ask(keys, in_cart, frozenset(exclude), category)


def _fill(
    visit: Visit,
    config: PlacementConfig,
    ask: Ask,
    n: int | None,
    *,
    explain: bool,
    whole_page: bool,
) -> Shelf:
    if not config.is_active:
        return Shelf(config.name, config.title(), config=config)
    n = max(0, min(config.n if n is None else n, MAX_ITEMS))
    if whole_page:
        _prepare(visit, config, ask, n)
    name = None if explain or whole_page else _name(visit, config, ask, n)
    known = answers.find(visit, name) if name else None
    if known is not None and known.shelf is not None:
        token = _token(visit, config, known.shelf.items, known.artifact_id)
        return replace(known.shelf, recommendation_id=token)
    title = config.title()
    filling = _filling(visit, config, ask, n, keep=not explain)
    chosen = choose(visit, filling.pool, n)
    if len(chosen) < max(config.min_items, 1):
        return Shelf(config.name, title, config=config)
    _look_up(visit, filling.pool, chosen)
    if filling.place and not filling.is_kept:
        filling.is_kept = True
        why = remembering.remember(visit, filling.pool, filling.place)
        chosen = [
            (replace(one, why=why[one.key].why) if one.key in why else one, pinned)
            for one, pinned in chosen
        ]
    return _shelf(visit, config, title, chosen, name, explain=explain)


def _name(visit: Visit, config: PlacementConfig, ask: Ask, n: int) -> Hashable:
    return answers.name_of(visit, config, ask, n) if _is_stored(visit, config) else None


def _is_stored(visit: Visit, config: PlacementConfig) -> bool:
    """Return whether this is what visitors get: what is tried out in the admin is nobody else's."""
    stored = trials.of(visit, config.name)
    return stored is not None and config is stored.config


@dataclass(slots=True)
class _Filling:
    """What a shelf is filled from; ``place`` is where the cache keeps it, "" for nowhere."""

    pool: Pool
    place: str = ""
    is_kept: bool = False


def _filling(visit: Visit, config: PlacementConfig, ask: Ask, n: int, *, keep: bool) -> _Filling:
    name = (config.name, ask, n)
    known: _Filling | None = visit.pools.get(name)
    if known is None or (not keep and known.is_kept):
        keep = keep and _is_stored(visit, config)
        place = remembering.place_of(visit, config, ask, n) if keep else ""
        found = remembering.recall(visit, config, ask, place)
        known = _Filling(found or Pool(visit, config, ask), place, is_kept=found is not None)
        visit.pools[name] = known
    return known


def _prepare(visit: Visit, config: PlacementConfig, ask: Ask, n: int) -> None:
    """Ask the shop about the candidates of all shelves that the page is known to show at once."""
    is_first = config.page not in visit.prepared
    visit.prepared.add(config.page)
    others = pages.shown_with(visit, config.page, config.name, n, is_first=is_first)
    if not is_first:
        return
    keys: list[str] = list(ask.context or ask.cart)
    for name, size in others.items():
        trial = trials.of(visit, name)
        if trial is None or not trial.config.is_active:
            continue
        try:
            pool = _filling(visit, trial.config, ask, size, keep=True).pool
            draw(pool, size)
            keys += pool.drawn()
        except Exception:
            faults.report(f"prepare:{name}", "The shelf %r cannot be prepared", name)
    visit.resolve(keys)


# -- the answer ---------------------------------------------------------------------------------


def _shelf(
    visit: Visit,
    config: PlacementConfig,
    title: str,
    chosen: list[tuple[Candidate, bool]],
    name: Hashable,
    *,
    explain: bool,
) -> Shelf:
    why = reasons.of(visit, chosen, explain=explain)
    items = tuple(
        Recommended(
            key=candidate.key,
            score=candidate.score,
            rank=rank,
            source=candidate.source,
            reasons=why[rank - 1],
            pinned=pinned,
            object=visit.objects[candidate.key],
            described=visit.described(candidate.key),
            propensity=None if pinned else candidate.propensity,
        )
        for rank, (candidate, pinned) in enumerate(chosen, start=1)
    )
    model = next((one for one, _ in chosen if one.artifact_id is not None), None)
    artifact_id = model.artifact_id if model else None
    shelf = Shelf(
        placement=config.name,
        title=title,
        model_version=model.version if model else "",
        items=items,
        config=config,
    )
    if name:
        shelf = answers.keep(visit, name, shelf, artifact_id)
    return replace(shelf, recommendation_id=_token(visit, config, items, artifact_id))


def _look_up(visit: Visit, pool: Pool, chosen: list[tuple[Candidate, bool]]) -> None:
    """Ask the mirror about what the shop's own objects were not fetched for."""
    if visit.objects_wanted:
        return
    visit.know(pool.cards)
    keys = [one.key for one, _ in chosen]
    if any(not one.why for one, _ in chosen):
        # The others that were drawn, and what the reasons speak of, with the same question.
        keys = [*pool.drawn(), *pool.ask.context, *pool.ask.cart]
    visit.describe(keys)


def _token(
    visit: Visit,
    config: PlacementConfig,
    items: Sequence[Recommended],
    artifact_id: int | None,
) -> str:
    try:
        return tokens.issue(
            placement=config.name,
            artifact_id=artifact_id,
            person=visit.person,
            at=visit.at,
            usual=1.0 - config.exploration if config.exploration > 0.0 else None,
            drawn={one.rank: one.propensity for one in items if one.source == EXPLORED},
        )
    except Exception:
        faults.report("token", "A recommendation id cannot be made; clicks will not be attributed")
        return ""
