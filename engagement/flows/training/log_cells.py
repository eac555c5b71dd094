"""The cells of a row of a log: which user, which item, when; or why the row does not count."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from engagement.conf import app_settings
from engagement.flows.collecting.values import Refused
from engagement.flows.importing.import_rows import is_missing, read_when
from engagement.flows.importing.list_table import words_of
from engagement.flows.importing.mapping import Plan
from engagement.flows.importing.tables import Batch
from engagement.flows.training.log_files import Source

REMEMBERED = 100_000
MESSAGES = {
    "no_user": "There is no user.",
    "no_item": "There is no item.",
    "no_target": "There is no item that followed.",
    "no_moment": "There is no moment.",
    "not_a_number": "This must be a number.",
    "returned": "This was given back, or cancelled.",
    "free_of_charge": "Nothing was paid.",
    "not_a_product": "This is no product, by --item-pattern.",
    "other_event": "This is another event than --event names.",
    "low_rating": "This is rated below --min-rating.",
}


class Cells:
    """Takes the rows of a source apart, one after the other."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names = source.columns
        self.wanted = {name.strip().lower() for name in source.events}
        self.weights = {name.lower(): float(w) for name, w in app_settings.EVENT_WEIGHTS.items()}
        plan = Plan({}, date_format=source.date_format, timezone=source.timezone)
        self.when = partial(read_when, plan=plan)
        # Times and items repeat within a file: an order's lines share both more often than not.
        self.known_moments: dict[Any, int] = {}
        self.known_items: dict[str, bool] = {}

    def rows(
        self, batch: Batch, refused: dict[int, Refused]
    ) -> Iterator[tuple[int, str, list[str], int, float, str]]:
        """Yield index, key, items, moment, weight and target; what is wrong goes to ``refused``."""
        for index in range(len(batch)):
            if index in refused:
                continue
            try:
                yield self._row(batch, index)
            except Refused as why:
                refused[index] = why

    def _row(self, batch: Batch, index: int) -> tuple[int, str, list[str], int, float, str]:
        source = self.source
        if source.is_pairs:
            target = key_of(self._cell(batch, index, "target"))
            if not target:
                raise self._refused("no_target", "target")
            items = list_of(self._cell(batch, index, "prefix"))
            return index, "", items, 0, 1.0, target
        key = (
            key_of(self._cell(batch, index, source.row)) if source.row else str(batch.lines[index])
        )
        if not key:
            raise self._refused("no_user", source.row)
        if "items" in self.names:
            return index, key, list_of(self._cell(batch, index, "items")), 0, 1.0, ""
        item = key_of(self._cell(batch, index, "item"))
        if not item:
            raise self._refused("no_item", "item")
        self._check(batch, index, item)
        return index, key, [item], self._moment(batch, index), self._weight(batch, index), ""

    def _check(self, batch: Batch, index: int, item: str) -> None:
        source = self.source
        if source.item_pattern is not None and not self._is_product(item, source.item_pattern):
            raise self._refused("not_a_product", "item")
        if source.refund_pattern is not None and "order" in self.names:
            order = key_of(self._cell(batch, index, "order"))
            if source.refund_pattern.search(order):
                raise self._refused("returned", "order")
        if "quantity" in self.names:
            quantity = self._number(batch, index, "quantity")
            if quantity is not None and quantity <= 0:
                raise self._refused("returned", "quantity")
        if "price" in self.names and not source.keep_free:
            price = self._number(batch, index, "price")
            if price is not None and price <= 0:
                raise self._refused("free_of_charge", "price")

    def _is_product(self, item: str, pattern: re.Pattern[str]) -> bool:
        known = self.known_items.get(item)
        if known is None:
            known = self.known_items[item] = bool(pattern.search(item))
        return known

    def _moment(self, batch: Batch, index: int) -> int:
        if "at" not in self.names:
            return 0
        value = self._cell(batch, index, "at")
        if is_missing(value):
            raise self._refused("no_moment", "at")
        moment = self.known_moments.get(value)
        if moment is None:
            if len(self.known_moments) >= REMEMBERED:
                self.known_moments.clear()
            moment = int(self.when(self.names["at"], value).timestamp())
            self.known_moments[value] = moment
        return moment

    def _weight(self, batch: Batch, index: int) -> float:
        if self.source.min_rating is not None:
            rating = self._number(batch, index, "rating")
            if rating is None or rating < self.source.min_rating:
                raise self._refused("low_rating", "rating")
        if "event" not in self.names:
            return 1.0
        event = key_of(self._cell(batch, index, "event")).lower()
        if self.wanted and event not in self.wanted:
            raise self._refused("other_event", "event")
        return self.weights.get(event, 1.0) if not self.wanted else 1.0

    def _cell(self, batch: Batch, index: int, what: str) -> Any:
        return batch.columns[self.names[what]][index]

    def _number(self, batch: Batch, index: int, what: str) -> float | None:
        value = self._cell(batch, index, what)
        if is_missing(value):
            return None
        number = number_in(value)
        if number is None:
            raise self._refused("not_a_number", what)
        return number

    def _refused(self, code: str, what: str) -> Refused:
        return Refused(code, self.names.get(what, what), MESSAGES[code])


def key_of(value: Any) -> str:
    """Return a key as text: 17850, 17850.0 and " 17850 " are the same one; "" is none."""
    if is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    whole, point, rest = text.partition(".")
    return whole if point and not rest.strip("0") and whole.isdigit() else text


def list_of(value: Any) -> list[str]:
    """Return the keys in a list, or in text such as ``3 1 4`` or ``[3, 1, 4]``."""
    if isinstance(value, str):
        return [key_of(word) for word in words_of(value.strip().strip("[](){}").replace("'", " "))]
    if isinstance(value, Sequence):
        return [key for one in value if (key := key_of(one))]
    return [] if is_missing(value) else [key_of(value)]


def number_in(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
