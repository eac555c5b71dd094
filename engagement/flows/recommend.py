"""
Fill a shelf: rank, apply the shop's rules, ask the shop what can be sold right now.

Whatever breaks on the way costs at most this shelf; the next best source fills it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from engagement.flows import faults, reasons, telemetry, tokens
from engagement.flows.choosing import choose, draw
from engagement.flows.identity import Person
from engagement.flows.placements import PlacementConfig
from engagement.flows.pool import Candidate, Pool
from engagement.flows.reasons import Reason
from engagement.flows.visit import Ask, Visit, card

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
    object: Any

    @functools.cached_property
    def card(self) -> Mapping[str, Any]:
        """What a card shows: ``title``, ``url``, ``image_url``, ``price``."""
        return card(self.object)


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
) -> Shelf:
    """
    Return the shelf of ``placement`` for ``person``; an empty one when nothing can be shown.

    ``context`` is what the page is about, ``cart`` what the visitor is about to buy (default: what
    the adapter says), both as item keys. ``whole_page`` prepares the other placements of the
    same page with it, so that all of them cost one question to the shop. Never raises.
    """
    name = placement if isinstance(placement, str) else placement.name
    try:
        visit = Visit.of(request, person, at=at)
        config = _config(visit, placement)
        if config is None:
            faults.report(f"placement:{name}"[:80], "There is no placement %r", name)
            return Shelf(name)
        with telemetry.timed(name):
            ask = _ask(visit, config, context, cart, exclude, category, whole_page)
            shelf = _fill(visit, config, ask, n, explain=explain, whole_page=whole_page)
        telemetry.count_shelf(name, shelf.items[0].source if shelf.items else "")
        return shelf
    except Exception:
        faults.report(f"recommend:{name}"[:80], "The shelf %r cannot be filled", name)
        return Shelf(name)


def _config(visit: Visit, placement: str | PlacementConfig) -> PlacementConfig | None:
    if isinstance(placement, PlacementConfig):
        return placement
    return visit.state.placement(visit.channel, placement)


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
    title = config.title()
    if not config.is_active:
        return Shelf(config.name, title, config=config)
    if whole_page and config.page not in visit.prepared:
        visit.prepared.add(config.page)
        _prepare(visit, config, ask)
    n = max(0, min(config.n if n is None else n, MAX_ITEMS))
    chosen = choose(visit, _pool(visit, config, ask), n)
    if len(chosen) < max(config.min_items, 1):
        return Shelf(config.name, title, config=config)
    return _shelf(visit, config, title, chosen, explain=explain)


def _pool(visit: Visit, config: PlacementConfig, ask: Ask) -> Pool:
    name = (config.name, ask)
    if name not in visit.pools:
        visit.pools[name] = Pool(visit, config, ask)
    pool: Pool = visit.pools[name]
    return pool


def _prepare(visit: Visit, config: PlacementConfig, ask: Ask) -> None:
    """Ask the shop about the candidates of all shelves of the page at once."""
    keys: list[str] = list(ask.context or ask.cart)
    for other in visit.state.page(visit.channel, config.page):
        try:
            pool = _pool(visit, other, ask)
            draw(pool, other.n)
            keys += pool.drawn()
        except Exception:
            faults.report(f"prepare:{other.name}", "The shelf %r cannot be prepared", other.name)
    visit.resolve(keys)


# -- the answer ---------------------------------------------------------------------------------


def _shelf(
    visit: Visit,
    config: PlacementConfig,
    title: str,
    chosen: list[tuple[Candidate, bool]],
    *,
    explain: bool,
) -> Shelf:
    why = reasons.of(visit, chosen, explain=explain)
    items = tuple(
        Recommended(
            key=candidate.key,
            score=candidate.score,
            rank=rank,
            source="pin" if candidate.ranking is None else candidate.source,
            reasons=why[rank - 1],
            pinned=pinned,
            object=visit.objects[candidate.key],
        )
        for rank, (candidate, pinned) in enumerate(chosen, start=1)
    )
    served = next(
        (one.ranking.served for one, _ in chosen if one.ranking and one.ranking.served), None
    )
    return Shelf(
        placement=config.name,
        title=title,
        recommendation_id=_token(visit, config, served.artifact.pk if served else None),
        model_version=served.version if served else "",
        items=items,
        config=config,
    )


def _token(visit: Visit, config: PlacementConfig, artifact_id: int | None) -> str:
    try:
        return tokens.issue(
            placement=config.name, artifact_id=artifact_id, person=visit.person, at=visit.at
        )
    except Exception:
        faults.report("token", "A recommendation id cannot be made; clicks will not be attributed")
        return ""
