"""How a product looks: on cards and in the catalogue mirror."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch

from engagement.adapters import accessors
from engagement.conf import app_settings

ON_CARDS = ("TITLE", "PRICE", "CURRENCY", "IMAGE", "URL")
NAME = re.compile(r"{([\w.]+)}")
# Categories deeper than this are a tree that bites its tail.
DEEPEST = 20

Paths = dict[Any, tuple[str, ...]]


@dataclass
class Looks:
    """Reads from objects of ``model`` what ``names`` says."""

    names: Mapping[str, Any]
    model: Any

    def value(self, obj: Any, part: str) -> Any:
        return self._read[part](obj) if part in self._read else None

    @functools.cached_property
    def _read(self) -> dict[str, accessors.Reader]:
        parts = (*ON_CARDS, "TEXT", "GROUP", "CATEGORY")
        return {part: accessors.reader(self._accessor(part), self.model) for part in parts}

    def _accessor(self, part: str) -> Any:
        given = self.names.get(part)
        if part == "CATEGORY" and isinstance(given, Mapping):
            return given.get("PATH")
        return None if part == "URL" and names_in(given) else given

    def with_related(
        self, rows: QuerySet[Any], also: Sequence[Any] = (), *, whole: bool = False
    ) -> QuerySet[Any]:
        """Return rows with all that reading their cards (or the ``whole`` of them) needs."""
        wanted = [*also, *(self._accessor(part) for part in ON_CARDS)]
        wanted += names_in(self.names.get("URL"))
        if whole:
            wanted += [self._accessor(part) for part in ("TEXT", "GROUP", "CATEGORY")]
            wanted += (self.names.get("ATTRIBUTES") or {}).values()
        select, prefetch = accessors.related(self.model, wanted)
        # Without names, select_related() follows every relation.
        rows = rows.select_related(*select) if select else rows
        return rows.prefetch_related(*prefetch) if prefetch else rows

    def card(self, obj: Any) -> dict[str, Any]:
        return {
            "title": self.title(obj),
            "url": self.url(obj),
            "image_url": self.image_url(obj),
            "price": self.value(obj, "PRICE"),
            "currency": self.currency(obj),
        }

    def title(self, obj: Any) -> str:
        return str(self.value(obj, "TITLE") or obj)

    def currency(self, obj: Any) -> str:
        return str(self.value(obj, "CURRENCY") or app_settings.CURRENCY)

    def image_url(self, obj: Any) -> str:
        image = self.value(obj, "IMAGE")
        try:
            return str(getattr(image, "url", image) or "") if image else ""
        except ValueError:
            # A field for a file that holds none.
            return ""

    def url(self, obj: Any) -> str:
        given = self.names.get("URL")
        if names_in(given):
            return NAME.sub(lambda name: _text(obj, name[1]), str(given))
        try:
            if given:
                return str(self.value(obj, "URL") or "")
            page = getattr(obj, "get_absolute_url", None)
            return str(page()) if page else ""
        except NoReverseMatch:
            # A model that was made for pages which this shop does not have.
            return ""

    def attributes(self, obj: Any) -> dict[str, Any]:
        return {name: _as_json(read(obj)) for name, read in self._attributes.items()}

    @functools.cached_property
    def _attributes(self) -> dict[str, accessors.Reader]:
        given = self.names.get("ATTRIBUTES") or {}
        return {name: accessors.reader(path, self.model) for name, path in given.items()}

    def category(self, obj: Any, known: Paths) -> tuple[str, ...]:
        """Return the path of categories, widest first; ``known`` keeps those of one run."""
        given, found = self.names.get("CATEGORY"), self.value(obj, "CATEGORY")
        if not isinstance(given, Mapping):
            names = found if isinstance(found, list | tuple) else (found,)
            return tuple(str(name) for name in names if name)
        key = getattr(found, "pk", None)
        if key is None:
            return ()
        if key not in known:
            known[key] = tuple(_upwards(found, given.get("NAME"), given.get("PARENT")))[::-1]
        return known[key]


def names_in(address: object) -> list[str]:
    """Return the names in braces of an address that is written out: of another program's page."""
    return NAME.findall(address) if isinstance(address, str) else []


def _as_json(value: Any) -> Any:
    return value if isinstance(value, str | int | float | list | dict | None) else str(value)


def _text(obj: Any, path: str) -> str:
    found = accessors.follow(obj, path.split("."))
    return "" if found is None else str(found)


def _upwards(category: Any, name: Any, parent: Any) -> Iterator[str]:
    """Yield the names from a category up to its root."""
    for _level in range(DEEPEST):
        if category is None:
            return
        yield _text(category, name) if name else str(category)
        category = accessors.follow(category, parent.split(".")) if parent else None
