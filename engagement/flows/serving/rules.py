"""Which items a placement may show, and how much its rules raise or lower them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engagement.flows.serving import facts
from engagement.flows.serving.placements import PlacementConfig, Rule
from engagement.flows.serving.table import SEPARATOR, Mask, Positions, Table
from engagement.models import Placement, PlacementRule

Action = PlacementRule.Action
Field = PlacementRule.Field
Objective = Placement.Objective
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question leaves out or asks for, beyond the placement's own rules."""

    # Keys that must not be shown, and groups whose variants must not be shown either.
    excluded: frozenset[str] = frozenset()
    excluded_groups: frozenset[str] = frozenset()
    # Category paths of the item on the page, for substitutes and complements.
    context_categories: tuple[str, ...] = ()
    # The category of the page.
    category: str = ""


def allowed(
    table: Table, config: PlacementConfig, rules: Sequence[Rule], limits: Limits, channel: str
) -> Mask:
    """Return which items of ``table`` may be shown; ``rules`` are those that hold now."""
    keep = np.ones(len(table), dtype=bool)
    _exclude(keep, table, config, limits)
    if limits.category:
        keep &= table.in_category(limits.category)
    if config.same_category or config.other_category:
        kinds = [table.in_category(kind(path)) for path in limits.context_categories if path]
        if kinds:
            same = np.logical_or.reduce(kinds)
            keep &= same if config.same_category else ~same
    only = [mask(rule, table, channel) for rule in rules if rule.action == Action.ONLY]
    if only:
        keep &= np.logical_or.reduce(only)
    for rule in rules:
        if rule.action == Action.HIDE:
            keep &= ~mask(rule, table, channel)
    return keep


def _exclude(keep: Mask, table: Table, config: PlacementConfig, limits: Limits) -> None:
    positions = table.positions_of(limits.excluded)
    positions = positions[positions >= 0]
    keep[positions] = False
    if config.one_of_each and len(positions):
        keep &= ~table.looking_like(positions)
    if table.has_groups and (len(positions) or limits.excluded_groups):
        keep &= ~table.variants_of(positions, limits.excluded_groups)


def factors(table: Table, rules: Iterable[Rule], channel: str) -> Scores | None:
    """Return what each item's score is multiplied by; None where nothing is boosted or buried."""
    boosts = [rule for rule in rules if rule.action == Action.BOOST]
    if not boosts:
        return None
    product = np.ones(len(table), dtype=np.float32)
    for rule in boosts:
        product[mask(rule, table, channel)] *= np.float32(rule.factor)
    return product


# How far the worth of an item may move it: scores are no probabilities, and one diamond must not
# fill the shelves of a grocer.
LEAST_WORTH, MOST_WORTH = 0.05, 20.0


def worth(table: Table, positions: Positions, objective: str, channel: str) -> Scores | None:
    """
    Return what each item is worth beside the mean of those at ``positions``, for all of ``table``.

    None where the objective is not money, or where nothing is known of prices. An item whose worth
    is unknown counts as the mean.
    """
    if objective not in (Objective.REVENUE, Objective.MARGIN):
        return None
    read = facts.prices if objective == Objective.REVENUE else facts.margins
    values = read(channel, table.item_ids)
    known = values[positions][np.isfinite(values[positions])]
    mean = float(known.mean()) if len(known) else 0.0
    if mean <= 0.0:
        return None
    relative = np.clip(values / mean, LEAST_WORTH, MOST_WORTH)
    return np.where(np.isfinite(relative), relative, 1.0).astype(np.float32)


def mask(rule: Rule, table: Table, channel: str) -> Mask:
    """Return the items that a rule is about. An unreadable rule is about none."""
    match rule.field:
        case Field.KEY:
            return table.with_key(rule.value)
        case Field.CATEGORY:
            return table.in_category(rule.value)
        case Field.GROUP:
            return table.in_group(rule.value)
        case Field.PRICE_BELOW | Field.PRICE_ABOVE:
            return _price_mask(rule, table, channel)
        case Field.ATTRIBUTE:
            name, _, value = rule.value.partition("=")
            wanted = value.strip()
            return facts.having(
                channel, table.item_ids, name.strip(), lambda found: _has(found, wanted)
            )
    return np.zeros(len(table), dtype=bool)


def _price_mask(rule: Rule, table: Table, channel: str) -> Mask:
    try:
        bound = float(rule.value)
    except ValueError:
        return np.zeros(len(table), dtype=bool)
    prices = facts.prices(channel, table.item_ids)
    # Comparing with NaN is False: an item without a price matches neither.
    return prices < bound if rule.field == Field.PRICE_BELOW else prices > bound


def _has(found: object, wanted: str) -> bool:
    if isinstance(found, list | tuple):
        return any(_has(one, wanted) for one in found)
    if isinstance(found, bool):
        return str(found).lower() == wanted.lower()
    return found is not None and str(found) == wanted


def kind(path: str) -> str:
    """
    Return the part of a category path within which items replace each other.

    Two levels: of ``Drinks > Juice > Orange, 1 l`` that is ``Drinks > Juice``. The department
    alone is too wide for substitutes, the narrowest level too narrow to keep complements apart.
    """
    return SEPARATOR.join(path.split(SEPARATOR)[:2])
