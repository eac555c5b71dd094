"""Which of the best items a shelf does not show, and why not: for the admin's preview."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.collecting.identity import Person
from engagement.flows.serving import rules, strategies
from engagement.flows.serving.placements import BUILT_IN, PlacementConfig, Rule
from engagement.flows.serving.recommend import Shelf
from engagement.flows.serving.rules import Action, Limits
from engagement.flows.serving.strategies import Ranking
from engagement.flows.serving.table import Mask
from engagement.flows.serving.visit import Ask, Visit

# How far down each strategy's own ranking this looks.
DEPTH = 40


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An item that ``strategy`` would have ranked ``rank``-th."""

    key: str
    title: str
    strategy: str
    rank: int
    why: str


def of(
    config: PlacementConfig,
    *,
    shelf: Shelf,
    person: Person | None,
    at: datetime,
    context: Iterable[str] = (),
    cart: Iterable[str] = (),
    category: str = "",
    n: int = 12,
) -> list[LeftOut]:
    """Return up to ``n`` items that rank above the shelf's last and are not on it. Never raises."""
    try:
        visit = Visit(person, at=at)
        ask = Ask(tuple(context), tuple(cart), frozenset(), category)
        return _left_out(visit, config, ask, {item.key for item in shelf.items}, n)
    except Exception:
        faults.report("left_out", "Cannot say what %r leaves out", config.name)
        return []


def _left_out(
    visit: Visit, config: PlacementConfig, ask: Ask, shown: set[str], n: int
) -> list[LeftOut]:
    found: dict[str, LeftOut] = {}
    for strategy in config.strategies:
        if strategy not in BUILT_IN and strategy not in app_settings.RECOMMENDERS:
            continue
        ranking = strategies.rank(visit, strategy, ask)
        if ranking is None:
            continue
        for place, key, why in _reasons(visit, config, ask, ranking, shown):
            if key not in shown and key not in found:
                title = visit.mirror([key])[0].title or key
                found[key] = LeftOut(key, title, strategy, place + 1, why)
            if len(found) == n:
                return list(found.values())
    return list(found.values())


def _reasons(
    visit: Visit, config: PlacementConfig, ask: Ask, ranking: Ranking, shown: set[str]
) -> list[tuple[int, str, str]]:
    """Return place, key and reason of what is refused among the best of ``ranking``."""
    best = ranking.positions[:DEPTH].tolist()
    keys = [ranking.table.key(position) for position in best]
    visit.resolve(keys)
    refusals = _refusals(visit, config, ask, ranking)
    same = _of_the_same_sort(config, ranking, shown)
    found = []
    for place, (position, key) in enumerate(zip(best, keys, strict=True)):
        why = next((text for text, keep in refusals if not keep[position]), "")
        if not why and key not in visit.objects:
            why = _("sold out or hidden in the shop")
        if not why and same[position]:
            why = _("is another variant or size of an item that is shown")
        if why:
            found.append((place, key, why))
    return found


def _of_the_same_sort(config: PlacementConfig, ranking: Ranking, shown: set[str]) -> Mask:
    """Return the items of which the shelf shows another one."""
    table = ranking.table
    positions = table.positions_of(shown)
    positions = positions[positions >= 0]
    same = table.variants_of(positions)
    if config.one_of_each:
        same = same | table.looking_like(positions)
    return same


def _refusals(
    visit: Visit, config: PlacementConfig, ask: Ask, ranking: Ranking
) -> list[tuple[str, Mask]]:
    """Return each of the placement's wishes alone: what it is called, and what it lets through."""
    table, channel, past = ranking.table, visit.channel, visit.history
    bare = replace(config, same_category=False, other_category=False)

    def without(keys: Iterable[str]) -> Mask:
        return rules.allowed(table, bare, [], Limits(excluded=frozenset(keys)), channel)

    answers = [
        (_("is the item on the page"), without(ask.context)),
        (_("the visitor asked not to see it again"), without(past.hidden)),
    ]
    if config.exclude_in_cart:
        answers.append((_("is in the cart"), without(ask.cart)))
    if config.exclude_bought:
        answers.append((_("was bought before"), without(past.bought)))
    if ask.category:
        answers.append(
            (
                _("is not in the page's category"),
                rules.allowed(table, bare, [], Limits(category=ask.category), channel),
            )
        )
    if config.same_category or config.other_category:
        text = (
            _("is of another category than the item on the page")
            if config.same_category
            else _("is of the same category as the item on the page")
        )
        limits = Limits(context_categories=_paths(visit, ask))
        answers.append((text, rules.allowed(table, config, [], limits, channel)))
    held = [rule for rule in config.rules if rule.holds(visit.at)]
    answers += _of_rules(table, bare, held, channel)
    return answers


def _paths(visit: Visit, ask: Ask) -> tuple[str, ...]:
    keys = ask.context or ask.cart
    return tuple(item.category for item in visit.mirror(keys) if item.category)


def _of_rules(
    table: Any, bare: PlacementConfig, held: Sequence[Rule], channel: str
) -> list[tuple[str, Mask]]:
    only = [rule for rule in held if rule.action == Action.ONLY]
    answers = []
    if only:
        said = ", ".join(rule.value for rule in only)
        answers.append(
            (
                _("rule: show nothing but %(what)s") % {"what": said},
                rules.allowed(table, bare, only, Limits(), channel),
            )
        )
    for rule in held:
        if rule.action == Action.HIDE:
            answers.append(
                (
                    _("rule: never show %(what)s") % {"what": rule.value},
                    rules.allowed(table, bare, [rule], Limits(), channel),
                )
            )
    return answers
