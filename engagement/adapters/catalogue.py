"""One product model of a shop, as ``ENGAGEMENT["CATALOGUE"]`` names it."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from engagement.adapters.data import ItemData, typed_key
from engagement.adapters.looks import Looks, Paths
from engagement.adapters.product_keys import ProductKeys
from engagement.adapters.rows import Condition, Rows, condition, rows_of
from engagement.prepared import Among

AT_ONCE = 2000
# SQLite takes 999 parameters in a statement, where it is old.
FEW = 900


@dataclass
class Catalogue:
    """Asks the model that ``names`` describes; docs/adapters.md has the parts of it."""

    names: Mapping[str, Any]

    @functools.cached_property
    def keys(self) -> ProductKeys:
        return ProductKeys(self.names)

    @functools.cached_property
    def looks(self) -> Looks:
        return Looks(self.names, self.keys.model)

    @functools.cached_property
    def active(self) -> Condition:
        return condition(self.names.get("ACTIVE"), self.keys.model)

    @functools.cached_property
    def available(self) -> Condition:
        return condition(self.names.get("AVAILABLE"), self.keys.model)

    @functools.cached_property
    def rows(self) -> Rows:
        return rows_of(self.names.get("QUERYSET"), self.keys.model)

    # -- what may be shown right now ------------------------------------------------------
    def visible(self, request: HttpRequest | None = None) -> QuerySet[Any]:
        """Return the products that may be shown, sold out or not, as far as the database knows."""
        return self._without_variants(self.rows(request).filter(self.active.where))

    def on_sale_to(self, request: HttpRequest | None) -> QuerySet[Any]:
        return self.visible(request).filter(self.available.where)

    def _without_variants(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        parent = self.names.get("PARENT")
        return rows.filter(**{f"{parent}__isnull": True}) if parent else rows

    def resolve(self, keys: Sequence[str], request: HttpRequest | None = None) -> dict[str, object]:
        """Return what may be shown and sold, by key: one query, and one for each far relation."""
        wanted = self.keys.fitting(keys)
        if not wanted:
            return {}
        found = self._with(self.on_sale_to(request).filter(**{f"{self.keys.name}__in": wanted}))
        return {
            self.keys.key_of(obj): obj
            for obj in found
            if self.active.holds(obj) and self.available.holds(obj)
        }

    def on_sale(
        self, keys: Sequence[str], request: HttpRequest | None = None
    ) -> Collection[str] | None:
        """Return the keys of :meth:`resolve`; None where only the objects know."""
        if self.active.ask or self.available.ask:
            return None
        wanted = self.keys.fitting(keys)
        if not wanted:
            return set()
        if self.names.get("QUERYSET"):
            # It may depend on the moment and on who is asking: its SQL is not to be remembered.
            rows = self.on_sale_to(request).filter(**{f"{self.keys.name}__in": wanted})
            found = list(rows.values_list(self.keys.name, flat=True))
        else:
            found = self._among.find(wanted)
        return {typed_key(self.keys.item_type, str(key)) for key in found}

    @functools.cached_property
    def _among(self) -> Among:
        return Among(lambda: self.on_sale_to(None), self.keys.name)

    # -- the whole of it ------------------------------------------------------------------
    def items(self, since: datetime | None = None) -> Iterator[ItemData]:
        """Yield every product, hidden ones too, or those changed since (``CHANGED_AT``)."""
        on_sale = _numbers(self.on_sale_to(None)) if self.names.get("AVAILABLE") else None
        shown: set[Any] = set()
        paths: Paths = {}
        for obj in self._told(self._changed(self.visible(), since)):
            # A condition that joins may say so twice.
            if obj.pk in shown:
                continue
            shown.add(obj.pk)
            yield self._describe(
                obj,
                paths,
                is_active=self.active.holds(obj),
                is_available=(on_sale is None or obj.pk in on_sale) and self.available.holds(obj),
            )
        everything = self._without_variants(self.keys.model._default_manager.all())
        hidden = sorted(_numbers(self._changed(everything, since)) - shown)
        for start in range(0, len(hidden), FEW):
            for obj in self._told(everything.filter(pk__in=hidden[start : start + FEW])):
                yield self._describe(obj, paths, is_active=False, is_available=False)

    def _told(self, rows: QuerySet[Any]) -> Iterator[Any]:
        found: Iterator[Any] = (
            self._with(rows, whole=True).order_by("pk").iterator(chunk_size=AT_ONCE)
        )
        return found

    def _with(self, rows: QuerySet[Any], *, whole: bool = False) -> QuerySet[Any]:
        conditions = [self.names.get(part) for part in ("ACTIVE", "AVAILABLE")]
        return self.looks.with_related(rows, conditions, whole=whole)

    def _changed(self, rows: QuerySet[Any], since: datetime | None) -> QuerySet[Any]:
        changed = self.names.get("CHANGED_AT")
        return rows.filter(**{f"{changed}__gte": since}) if since and changed else rows

    def _describe(self, obj: Any, paths: Paths, *, is_active: bool, is_available: bool) -> ItemData:
        looks, item_type = self.looks, self.keys.item_type
        group = looks.value(obj, "GROUP")
        return ItemData(
            key=str(getattr(obj, self.keys.name)),
            item_type=item_type,
            title=looks.title(obj),
            text=str(looks.value(obj, "TEXT") or ""),
            category=looks.category(obj, paths),
            group_key="" if group in (None, "") else typed_key(item_type, str(group)),
            price=looks.value(obj, "PRICE"),
            currency=looks.currency(obj),
            image_url=looks.image_url(obj),
            url=looks.url(obj),
            attributes=looks.attributes(obj),
            is_active=is_active,
            is_available=is_available,
        )


def _numbers(rows: QuerySet[Any]) -> set[Any]:
    return set(rows.order_by().values_list("pk", flat=True))
