"""The candidates of one shelf, drawn strategy by strategy and only as many as needed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.serving import exploring, rules, strategies
from engagement.flows.serving.candidates import PINNED, Candidate, Drawn
from engagement.flows.serving.mirror import Mirrored
from engagement.flows.serving.placements import BEST_SELLERS, BUILT_IN, NEWEST, PlacementConfig
from engagement.flows.serving.rules import Action, Field, Limits
from engagement.flows.serving.table import Mask, Table
from engagement.flows.serving.visit import Ask, Visit

# When rules leave fewer than this of a model's best items, all its items are looked at.
FEW = 60
# A pin on a category has this many tries to find something that can be sold.
PIN_TRIES = 10


class Pool:
    """Candidates, best first; :meth:`grow` draws more of them."""

    def __init__(self, visit: Visit, config: PlacementConfig, ask: Ask) -> None:
        self.visit = visit
        self.config = config
        self.ask = ask
        self.rules = config.rules_at(visit.at)
        self.candidates: list[Candidate] = []
        # For each pin: its position on the shelf and who may take it, best first.
        self.pins: list[tuple[int, list[Candidate]]] = []
        self.exhausted = False
        # What is known already of how the candidates look.
        self.cards: dict[str, Mirrored] = {}
        # New items that chance may put on the shelf, and on which of its places.
        self.explored: list[Candidate] = []
        self.open_places: list[int] | None = None
        self._open_pins = [rule for rule in self.rules if rule.action == Action.PIN]
        self._keys: set[str] = set()
        self._excluded = self._find_excluded()
        self._pin_keys()
        self._source = self._draw()

    def grow(self, wanted: int, *, enough: int) -> None:
        """
        Draw until there are ``wanted`` candidates.

        Where a strategy ends and ``enough`` are there, the next one is not asked: that costs time.
        """
        while len(self.candidates) < wanted and not self.exhausted:
            drawn = next(self._source, self)
            if drawn is self:
                self.exhausted = True
            elif isinstance(drawn, Candidate):
                self.candidates.append(drawn)
            elif len(self.candidates) >= enough:
                return

    def explore(self, n: int) -> None:
        """Draw the new items that may take places of a shelf of ``n``, once."""
        if self.open_places is not None:
            return
        self.open_places = []
        if self.config.exploration <= 0.0:
            return
        try:
            with faults.contained():
                self.open_places, self.explored = exploring.draw(
                    self.visit, self.config, n, self._allowed
                )
        except Exception:
            faults.report("explore", "New items cannot be drawn; none get a place")

    def _allowed(self, table: Table) -> Mask:
        """Return what the placement lets through of a table."""
        limits = self._limits(table)
        return rules.allowed(table, self.config, self.rules, limits, self.visit.channel)

    def drawn(self) -> list[str]:
        """Return everything drawn so far, pins first."""
        pinned = [candidate.key for _, tries in self.pins for candidate in tries]
        explored = [candidate.key for candidate in self.explored]
        return pinned + [candidate.key for candidate in self.candidates] + explored

    # -- drawing ----------------------------------------------------------------------------

    def _steps(self) -> list[str]:
        """Return the strategies, then what fills a shelf that they leave empty."""
        steps = list(self.config.strategies)
        if self.config.falls_back:
            known = app_settings.RECOMMENDERS.items()
            steps += [alias for alias, spec in known if spec.get("INPUT") == "nothing"][:1]
            steps += [BEST_SELLERS, NEWEST]
        return list(dict.fromkeys(steps))

    def _draw(self) -> Iterator[Candidate | None]:
        """Yield candidates of one strategy after the other, None at the end of each."""
        for step, strategy in enumerate(self._steps()):
            try:
                with faults.contained():
                    drawn = self._rank(step, strategy)
            except Exception:
                faults.report(
                    f"strategy:{strategy}",
                    "The strategy %r of %s is broken; the next one takes over",
                    strategy,
                    self.config.name,
                )
                continue
            if drawn is not None:
                yield from self._new(drawn)
                yield None

    def _new(self, drawn: Drawn) -> Iterator[Candidate]:
        """Yield what no earlier strategy has named."""
        for place in range(len(drawn.positions)):
            candidate = drawn.candidate(place)
            # An item that was deleted since the training has no key any more.
            if candidate.key and candidate.key not in self._keys:
                self._keys.add(candidate.key)
                yield candidate

    def _rank(self, step: int, strategy: str) -> Drawn | None:
        if strategy not in BUILT_IN and strategy not in app_settings.RECOMMENDERS:
            raise LookupError(f"ENGAGEMENT['RECOMMENDERS'] has no {strategy!r}")
        ranking = strategies.rank(self.visit, strategy, self.ask)
        if ranking is None:
            return None
        table, channel = ranking.table, self.visit.channel
        limits = self._limits(table)
        keep = rules.allowed(table, self.config, self.rules, limits, channel)
        if not ranking.complete and int(keep[ranking.positions].sum()) < FEW:
            ranking = strategies.whole(ranking)
        kept = keep[ranking.positions]
        drawn = Drawn(step, ranking, ranking.positions[kept], ranking.scores[kept])
        worth = None
        if ranking.objective != self.config.objective:
            worth = rules.worth(table, drawn.positions, self.config.objective, channel)
        drawn = drawn.weighed(rules.factors(table, self.rules, channel), worth)
        if self.config.same_category:
            drawn = drawn.closest_first(limits.context_categories)
        self._take_pins(drawn)
        return drawn

    # -- what is left out -------------------------------------------------------------------

    def _find_excluded(self) -> frozenset[str]:
        past = self.visit.history
        keys = {*self.ask.context, *self.ask.exclude, *past.hidden}
        if self.config.exclude_in_cart:
            keys.update(self.ask.cart)
        if self.config.exclude_bought:
            keys |= past.bought
        return frozenset(keys)

    def _limits(self, table: Table) -> Limits:
        past = self.visit.history.events
        groups = {event.group for event in past if event.key in self._excluded}
        categories: tuple[str, ...] = ()
        if self.config.same_category or self.config.other_category:
            categories = self._context_categories(table)
        return Limits(self._excluded, frozenset(groups), categories, self.ask.category)

    def _context_categories(self, table: Table) -> tuple[str, ...]:
        keys = self.ask.context or self.ask.cart
        places = table.positions_of(keys).tolist()
        unknown = [key for key, place in zip(keys, places, strict=True) if place < 0]
        paths = [table.category(place) for place in places if place >= 0]
        if unknown:
            paths += [item.category for item in self.visit.mirror(unknown)]
        return tuple(dict.fromkeys(path for path in paths if path))

    # -- pins -------------------------------------------------------------------------------

    def _pin_keys(self) -> None:
        """Pin the items that rules name; what a rule describes waits for a ranking."""
        hidden = {
            rule.value
            for rule in self.rules
            if rule.action == Action.HIDE and rule.field == Field.KEY
        }
        for rule in [rule for rule in self._open_pins if rule.field == Field.KEY]:
            self._open_pins.remove(rule)
            if rule.value not in hidden | self._excluded:
                pinned = Candidate(rule.value, 0.0, PINNED, step=-1)
                self.pins.append((rule.position or 1, [pinned]))

    def _take_pins(self, drawn: Drawn) -> None:
        """Pin the best items that the open rules describe."""
        for rule in list(self._open_pins):
            mask = rules.mask(rule, drawn.ranking.table, self.visit.channel)
            places = np.flatnonzero(mask[drawn.positions])[:PIN_TRIES]
            if len(places):
                self._open_pins.remove(rule)
                tries = [drawn.candidate(place) for place in places.tolist()]
                self.pins.append((rule.position or 1, tries))
