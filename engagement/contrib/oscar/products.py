"""
Products with all that prices, stock and the shop's own card look at: one query, or none.

Oscar's own way asks four times. Here products, their variants, stock and pictures come side by
side, and what was read is kept in Django's cache for some seconds: rows as they are in the
database, so that prices and availability are still what the strategy says to whoever is asking.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q
from oscar.core.loading import get_model

from engagement.flows.serving import caching

# Relations of a product that are read with it: (what it is called there, where the rows stand).
RELATED = ("stockrecords", "images")
ANNOTATED = ("has_product_class_options", "has_product_options")
# Read by everyone who serves: another number where the layout of the rows changes.
PLACE = "engagement:oscar:1:"

Row = tuple[Any, ...]


def find(keys: Iterable[int], *, seconds: float) -> dict[int, Any]:
    """
    Return the products with these keys, as the database had them within the last ``seconds``.

    Variants are no products of their own and are not found; hidden ones are found.
    """
    wanted = list(dict.fromkeys(keys))
    layout = _layout()
    rows: dict[int, list[Row]] = {}
    if seconds > 0:
        places = {layout.place_of(key): key for key in wanted}
        rows = {places[place]: kept for place, kept in caching.get_many(list(places)).items()}
    missing = [key for key in wanted if key not in rows]
    if missing:
        read = layout.read(missing)
        # What there is none of is kept as well; a variant's key leads to a part of its parent only.
        rows |= {key: read.get(key, []) for key in missing}
        caching.put_many({layout.place_of(key): rows[key] for key in missing}, seconds=seconds)
    return {key: layout.build(rows[key]) for key in wanted if rows[key]}


def read_anew(keys: Iterable[int]) -> None:
    """Ask the database about these products again: something about them has changed."""
    layout = _layout()
    caching.drop_many([layout.place_of(key) for key in keys])


@functools.cache
def _layout() -> _Layout:
    return _Layout()


class _Layout:
    """Which columns of which model stand where in a row; forks have more of them than Oscar."""

    def __init__(self) -> None:
        self.product = get_model("catalogue", "Product")
        self.models = {
            "": self.product,
            "product_class": get_model("catalogue", "ProductClass"),
            "stockrecords": get_model("partner", "StockRecord"),
            "images": get_model("catalogue", "ProductImage"),
        }
        self.columns = {
            name: [field.attname for field in model._meta.concrete_fields]
            for name, model in self.models.items()
        }
        self.names = [
            f"{name}__{column}" if name else column
            for name, columns in self.columns.items()
            for column in columns
        ]
        self.parent_at = self.names.index("parent_id")
        self.key_at = self.names.index(self.product._meta.pk.attname)

    def place_of(self, key: int) -> str:
        # Rows of before a migration do not fit the models of after it.
        return f"{PLACE}{len(self.names)}:{key}"

    def read(self, keys: Sequence[int]) -> dict[int, list[Row]]:
        """Return the rows of products and their variants by the product's key."""
        manager = self.product.objects
        rows = manager.base_queryset().prefetch_related(None)
        rows = rows.filter(Q(pk__in=keys) | Q(parent_id__in=keys))
        found: dict[int, list[Row]] = {}
        for row in rows.order_by(*self._order()).values_list(*self.names, *ANNOTATED):
            found.setdefault(row[self.parent_at] or row[self.key_at], []).append(row)
        return found

    def _order(self) -> list[str]:
        """Return the order in which a shop's templates would get pictures and stock."""
        order = ["pk"]
        for name in RELATED:
            for field in (*self.models[name]._meta.ordering, "pk"):
                descending = str(field).startswith("-")
                order.append(f"{'-' * descending}{name}__{str(field).lstrip('-')}")
        return order

    def build(self, rows: Sequence[Row]) -> Any:
        """Return the product of some rows; its variants know it, and it knows them."""
        of_product: dict[Any, list[Row]] = {}
        for row in rows:
            of_product.setdefault(row[self.key_at], []).append(row)
        found = [self._one(some) for some in of_product.values()]
        parent = next((one for one in found if one.parent_id is None), None)
        children = [one for one in found if one.parent_id is not None]
        for child in children:
            child.parent = parent
        if parent is not None:
            _keep(parent, "children", children)
            # Where Oscar looks for the variants that are shown; it would ask for each product.
            parent._prefetched_public_children = [one for one in children if one.is_public]
        return parent

    def _one(self, rows: Sequence[Row]) -> Any:
        """Return one product; its rows are all pairs of its stock and its pictures."""
        parts = self._parts(rows[0])
        product = self._made("", parts[""])
        for name, value in zip(ANNOTATED, rows[0][-len(ANNOTATED) :], strict=True):
            setattr(product, name, value)
        if product.product_class_id is not None:
            product.product_class = self._made("product_class", parts["product_class"])
        related: dict[str, dict[Any, Any]] = {name: {} for name in RELATED}
        for row in rows:
            parts = self._parts(row)
            for name in RELATED:
                key = parts[name][self._key_of(name)]
                if key is not None and key not in related[name]:
                    related[name][key] = self._made(name, parts[name])
        for name in RELATED:
            for one in related[name].values():
                one.product = product
            _keep(product, name, list(related[name].values()))
        return product

    def _parts(self, row: Row) -> Mapping[str, Row]:
        parts, start = {}, 0
        for name, columns in self.columns.items():
            parts[name] = row[start : start + len(columns)]
            start += len(columns)
        return parts

    def _key_of(self, name: str) -> int:
        return self.columns[name].index(self.models[name]._meta.pk.attname)

    def _made(self, name: str, values: Row) -> Any:
        model = self.models[name]
        return model.from_db(model.objects.db, self.columns[name], values)


def _keep(product: Any, name: str, rows: list[Any]) -> None:
    """Give a product rows of a relation, as ``prefetch_related`` does."""
    queryset = getattr(product, name).get_queryset()
    queryset._result_cache = rows
    queryset._prefetch_done = True
    product._prefetched_objects_cache = getattr(product, "_prefetched_objects_cache", {})
    product._prefetched_objects_cache[name] = queryset
