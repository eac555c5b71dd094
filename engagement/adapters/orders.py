"""A shop's orders, as ``ENGAGEMENT["ORDERS"]`` names them."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.apps import apps
from django.db.models import Model, Prefetch, QuerySet

from engagement.adapters import accessors
from engagement.adapters.data import LineData, OrderData, guest, typed_key
from engagement.adapters.product_keys import ProductKeys
from engagement.adapters.rows import rows_of
from engagement.conf import app_settings

AT_ONCE = 1000
DEFAULTS = {
    "REF": "pk",
    "CUSTOMER": "user_id",
    "PLACED_AT": "created_at",
    "LINES": "lines",
    "ITEM": "product_id",
    "QUANTITY": "quantity",
}


@dataclass
class Orders:
    """Asks the model that ``names`` describes; ``products`` says what its lines are of."""

    names: Mapping[str, Any]
    products: Sequence[ProductKeys]

    @functools.cached_property
    def model(self) -> Any:
        return apps.get_model(self.names["MODEL"])

    @functools.cached_property
    def line_model(self) -> Any:
        """Return the model of the lines; None where they are no rows (JSON, say)."""
        return accessors.many(self.model, self.name("LINES"))

    def name(self, part: str) -> Any:
        return self.names.get(part) or DEFAULTS.get(part)

    def told(self, since: datetime | None = None) -> Iterator[OrderData]:
        """Yield placed orders, oldest first."""
        placed = self.name("PLACED_AT")
        rows = self._placed().order_by(placed, "pk")
        if since is not None:
            rows = rows.filter(**{f"{placed}__gte": since})
        cancelled, tests = (
            frozenset(self._numbers(self._placed(), part)) for part in ("CANCELLED", "TEST")
        )
        last = None
        for order in self._with_lines(rows).iterator(chunk_size=AT_ONCE):
            # A condition that joins says so for each of what it joins, one after another.
            if order.pk != last:
                yield self._describe(order, order.pk in cancelled, order.pk in tests)
            last = order.pk

    def one(self, number: Any) -> OrderData | None:
        """Return the order of a primary key as it is now; None while it is not placed."""
        rows = self._placed().filter(pk=number)
        order = self._with_lines(rows).first()
        if order is None:
            return None
        cancelled, test = (bool(self._numbers(rows, part)) for part in ("CANCELLED", "TEST"))
        return self._describe(order, cancelled, test)

    def _placed(self) -> QuerySet[Any]:
        rows = rows_of(self.names.get("QUERYSET"), self.model)(None)
        return rows.filter(**self.names.get("WHERE", {}))

    def _numbers(self, rows: QuerySet[Any], part: str) -> list[Any]:
        if not self.names.get(part):
            return []
        return list(rows.filter(**self.names[part]).order_by().values_list("pk", flat=True))

    # -- lines ----------------------------------------------------------------------------
    def _with_lines(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        of_orders = [self.name(part) for part in ("CUSTOMER", "EMAIL", "CURRENCY")]
        select, prefetch = accessors.related(self.model, of_orders)
        rows = rows.select_related(*select) if select else rows
        rows = rows.prefetch_related(*prefetch) if prefetch else rows
        if self.line_model is None:
            return rows
        paths = [self._item_path, *(self.names.get(part) for part in ("VARIANT", "VALUE"))]
        select, prefetch = accessors.related(self.line_model, [*paths, self.name("QUANTITY")])
        lines = self.line_model._default_manager.order_by("pk").prefetch_related(*prefetch)
        select += self._way_up
        lines = lines.select_related(*select) if select else lines
        return rows.prefetch_related(Prefetch(self.name("LINES"), queryset=lines))

    @functools.cached_property
    def _item_path(self) -> Any:
        """
        Return the way from a line to its item: the number in the line's column where that is the
        item's key, and the object of the foreign key where it alone knows.
        """
        given = self.name("ITEM")
        foreign = self._foreign(given)
        if foreign is None or any(keys.is_told_by(foreign) for keys in self.products):
            return given
        return foreign.name

    @property
    def _way_up(self) -> tuple[str, ...]:
        """Return what else a line's item needs so that its key is known."""
        foreign = self._foreign(self._item_path)
        if foreign is None:
            return ()
        ways = (keys.way_up(foreign.related_model) for keys in self.products)
        return tuple(f"{foreign.name}__{way}" for way in ways if way)

    def _foreign(self, path: Any) -> Any:
        """Return the foreign key to a model that a one-step path names, or None."""
        if self.line_model is None or not isinstance(path, str) or "." in path:
            return None
        found = accessors.field(self.line_model, path)
        is_foreign = found is not None and found.many_to_one and found.related_model is not None
        return found if is_foreign else None

    # -- reading --------------------------------------------------------------------------
    @functools.cached_property
    def _read(self) -> dict[str, accessors.Reader]:
        of_order = ("REF", "CUSTOMER", "EMAIL", "PLACED_AT", "CURRENCY", "LINES")
        read = {part: accessors.reader(self.name(part), self.model) for part in of_order}
        paths = {part: self.name(part) for part in ("VARIANT", "QUANTITY", "VALUE")}
        paths["ITEM"] = self._item_path
        model = self.line_model or object
        return read | {part: accessors.reader(path, model) for part, path in paths.items()}

    def _describe(self, order: Any, is_cancelled: bool, is_test: bool) -> OrderData:
        read = {part: self._read[part](order) for part in ("CUSTOMER", "EMAIL", "CURRENCY")}
        customer = _text(read["CUSTOMER"])
        return OrderData(
            order_ref=_text(self._read["REF"](order)),
            placed_at=_moment(self._read["PLACED_AT"](order)),
            customer=customer or guest(read["EMAIL"]),
            currency=str(read["CURRENCY"] or app_settings.CURRENCY),
            is_cancelled=is_cancelled,
            is_test=is_test,
            lines=[
                self._line(line, number)
                for number, line in enumerate(_all(self._read["LINES"](order)))
            ],
        )

    def _line(self, line: Any, number: int) -> LineData:
        item, variant = self._read["ITEM"](line), self._read["VARIANT"](line)
        key, variant_id = self._identity(item)
        return LineData(
            # A product that was deleted since is no item any more.
            item_key=key,
            variant_id=_text(variant) or variant_id,
            quantity=_quantity(self._read["QUANTITY"](line)),
            value=self._read["VALUE"](line),
            line_ref=_text(getattr(line, "pk", number)),
        )

    def _identity(self, item: Any) -> tuple[str, str]:
        if not isinstance(item, Model):
            # With one product model, a number is the key of a product of it.
            item_type = self.products[0].item_type if len(self.products) == 1 else ""
            return (typed_key(item_type, _text(item)) if _text(item) else ""), ""
        for keys in self.products:
            if keys.owns(item):
                return keys.key_of(item), keys.variant_of(item)
        return "", ""


def _all(lines: Any) -> Sequence[Any]:
    return list(lines.all() if hasattr(lines, "all") else lines or ())


def _text(value: Any) -> str:
    """Return a key as text; related objects are their primary key."""
    return "" if value is None else str(value.pk if isinstance(value, Model) else value)


def _moment(value: date) -> datetime:
    """Return a moment; of a day that is all that is known, its beginning."""
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def _quantity(value: Any) -> int:
    """Return whole pieces: one where nothing is said, and one more for a part of one."""
    return 1 if value is None else math.ceil(value)
