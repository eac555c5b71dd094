"""The adapter of a shop that only names its models."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from engagement.adapters import accessors
from engagement.adapters.base import ShopAdapter
from engagement.adapters.catalogue import Catalogue
from engagement.adapters.data import ItemData, OrderData, typed_key
from engagement.adapters.model_reviews import ModelReviews
from engagement.adapters.orders import Orders
from engagement.conf import app_settings
from engagement.shop_reviews import ShopReviews


class ModelAdapter(ShopAdapter):
    """
    The adapter of a shop made of plain models, which settings name::

        ENGAGEMENT = {
            "CATALOGUE": {
                "MODEL": "books.Book",
                "TITLE": "name", "TEXT": "blurb", "CATEGORY": "genre.name", "PRICE": "price",
                "IMAGE": "cover", "GROUP": "work_id",
                "ACTIVE": {"published": True}, "AVAILABLE": {"sold_out": False},
            },
            "ORDERS": {
                "MODEL": "books.Order", "CUSTOMER": "buyer_id", "PLACED_AT": "created_at",
                "LINES": "lines", "ITEM": "book_id", "QUANTITY": "amount", "VALUE": "total",
                "WHERE": {"paid": True},
                "CANCELLED": {"status": "cancelled"}, "TEST": {"buyer__is_staff": True},
            },
        }

    A shop with several product models gives a list of catalogues. docs/adapters.md says what
    each part may be.
    """

    @functools.cached_property
    def catalogues(self) -> list[Catalogue]:
        return [Catalogue(names) for names in self.catalogue_settings()]

    def catalogue_settings(self) -> list[dict[str, Any]]:
        """Return what is said of each product model."""
        return catalogue_settings(app_settings.CATALOGUE)

    @functools.cached_property
    def orders(self) -> Orders | None:
        names = dict(app_settings.ORDERS)
        return Orders(names, [one.keys for one in self.catalogues]) if names else None

    def reviews(self) -> ShopReviews | None:
        names = dict(app_settings.REVIEWS)
        return ModelReviews(names, self.item_key) if names else None

    # -- people ---------------------------------------------------------------------------
    def get_customer(self, request: HttpRequest) -> str:
        given = app_settings.CUSTOMER
        if not given:
            return super().get_customer(request)
        found = accessors.of_request(given)(request)
        return "" if found is None else str(getattr(found, "pk", found) or "")

    def cart_keys(self, request: HttpRequest) -> Sequence[str]:
        given = app_settings.CART
        found: Any = accessors.of_request(given)(request) if given else ()
        found = found.all() if hasattr(found, "all") else found or ()
        return [key for key in map(self.item_key, found) if key]

    # -- catalogue ------------------------------------------------------------------------
    def item_key(self, obj: object) -> str:
        if isinstance(obj, str):
            return obj
        catalogue = self._of(obj)
        if catalogue is not None:
            return catalogue.keys.key_of(obj)
        # A number, or another program's object with the same attribute: a hit of a search engine.
        keys = [one.keys for one in self.catalogues]
        if len(keys) != 1:
            return str(getattr(obj, "pk", obj))
        return typed_key(keys[0].item_type, str(getattr(obj, keys[0].name, obj)))

    def variant_id(self, obj: object) -> str:
        catalogue = self._of(obj)
        return "" if catalogue is None else catalogue.keys.variant_of(obj)

    def _of(self, obj: object) -> Catalogue | None:
        """Return the catalogue of an object: of its own model rather than of one it extends."""
        found = [one for one in self.catalogues if one.keys.owns(obj)]
        own = [one for one in found if one.keys.model is obj.__class__]
        return next(iter(own or found), None)

    def iter_items(self, since: datetime | None = None) -> Iterator[ItemData]:
        for catalogue in self.catalogues:
            yield from catalogue.items(since)

    def resolve(self, keys: Sequence[str], request: HttpRequest | None = None) -> dict[str, object]:
        found: dict[str, object] = {}
        for catalogue in self.catalogues:
            found |= catalogue.resolve(keys, request)
        return found

    def on_sale(
        self, keys: Sequence[str], request: HttpRequest | None = None
    ) -> Collection[str] | None:
        # A subclass that answers one of these in its own way knows more than the fields do.
        for question in ("resolve", "card", "item_key"):
            if getattr(type(self), question) is not getattr(ModelAdapter, question):
                return None
        found: set[str] = set()
        for catalogue in self.catalogues:
            some = catalogue.on_sale(keys, request)
            if some is None:
                return None
            found |= set(some)
        return found

    def card(self, obj: Any) -> Mapping[str, Any]:
        catalogue = self._of(obj)
        return super().card(obj) if catalogue is None else catalogue.looks.card(obj)

    # -- orders ---------------------------------------------------------------------------
    def iter_orders(self, since: datetime | None = None) -> Iterator[OrderData]:
        return self.orders.told(since) if self.orders else iter(())

    def order_data(self, obj: Any) -> OrderData | None:
        if isinstance(obj, OrderData) or self.orders is None:
            return super().order_data(obj)
        return self.orders.one(getattr(obj, "pk", obj))


def as_list(given: Any) -> list[dict[str, Any]]:
    """Return ``CATALOGUE`` as a list: it is one model's, or a list of several models'."""
    several = [given] if isinstance(given, Mapping) else given
    return [dict(names) for names in several if names]


def catalogue_settings(given: Any) -> list[dict[str, Any]]:
    """Return what is said of each product model; several of them have a ``TYPE``."""
    found = as_list(given)
    if len(found) > 1:
        # Keys of several models may be the same numbers.
        for names in found:
            names.setdefault("TYPE", str(names.get("MODEL", "")).rpartition(".")[2].lower())
    return found
