"""Which product an object of the shop's is, and which of its variants."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps

from engagement.adapters import accessors
from engagement.adapters.data import typed_key
from engagement.adapters.keys import fitting

# What an event can keep of a variant.
MAX_VARIANT = 64


@dataclass
class ProductKeys:
    """
    Keys of the model that ``names`` describes: those of ``KEY``, with ``TYPE`` before them.

    A variant is a row of ``VARIANTS``, or of the same model with a ``PARENT``. It has the key of
    the product that shelves show, and an id of its own beside it.
    """

    names: Mapping[str, Any]

    @functools.cached_property
    def model(self) -> Any:
        return apps.get_model(self.names["MODEL"])

    @functools.cached_property
    def item_type(self) -> str:
        return str(self.names.get("TYPE") or "")

    @functools.cached_property
    def name(self) -> str:
        return str(self.names.get("KEY") or "pk")

    @functools.cached_property
    def column(self) -> Any:
        return accessors.field(self.model, self.name)

    @functools.cached_property
    def parents(self) -> dict[Any, str]:
        """Return by model which of its foreign keys leads to the product that shelves show."""
        found = {}
        if self.names.get("PARENT"):
            found[self.model] = str(self.names["PARENT"])
        if variants := self.names.get("VARIANTS"):
            found[apps.get_model(variants["MODEL"])] = str(variants["PRODUCT"])
        return found

    def owns(self, obj: object) -> bool:
        """Return whether an object is a product of this model, or a variant of one."""
        return isinstance(obj, (self.model, *self.parents))

    def key_of(self, obj: Any) -> str:
        """Return the key of a product or of a variant's product; "" where there is none yet."""
        name, number = self._parent(obj)
        if number is not None:
            if accessors.field(obj, name).target_field == self.column:
                return typed_key(self.item_type, str(number))
            obj = getattr(obj, name)
        elif not isinstance(obj, self.model):
            return ""
        key = getattr(obj, self.name)
        return "" if key is None else typed_key(self.item_type, str(key))

    def variant_of(self, obj: Any) -> str:
        """Return what tells a variant from its siblings; "" for a product."""
        _name, number = self._parent(obj)
        if number is None:
            return ""
        is_row_of_its_own = not isinstance(obj, self.model)
        name = self.names["VARIANTS"].get("KEY") if is_row_of_its_own else None
        key = str(getattr(obj, name or "pk"))
        return key if len(key) <= MAX_VARIANT else ""

    def _parent(self, obj: Any) -> tuple[str, Any]:
        """Return the foreign key that leads to an object's product, and what is in its column."""
        for model, name in self.parents.items():
            if isinstance(obj, model):
                return name, getattr(obj, accessors.field(obj, name).attname)
        return "", None

    def is_told_by(self, foreign: Any) -> bool:
        """Return whether the column of a foreign key holds the item's key as it stands."""
        return bool(
            not self.item_type
            and self.model not in self.parents
            and foreign.related_model is self.model
            and foreign.target_field == self.column
        )

    def way_up(self, model: Any) -> str:
        """Return the relation to fetch along with a variant so that its key is known, or ""."""
        name = self.parents.get(model, "")
        is_known = name and accessors.field(model, name).target_field == self.column
        return "" if is_known else name

    def fitting(self, keys: Iterable[str]) -> list[Any]:
        """Return those keys that can be of this model, without the type, as its column's values."""
        start = typed_key(self.item_type, "")
        return fitting(self.column, [k[len(start) :] for k in keys if k.startswith(start)])
