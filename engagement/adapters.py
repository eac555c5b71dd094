"""
The questions the app may ask its shop.

A shop answers them by subclassing :class:`ShopAdapter` and naming the class in
``ENGAGEMENT["ADAPTER"]``; a shop of plain models names its models instead and uses
:class:`ModelAdapter`. All questions about many things are asked in bulk.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.utils.module_loading import import_string

from engagement.conf import app_settings


@dataclass(frozen=True, slots=True)
class ItemData:
    """What the catalogue mirror keeps of one product. ``key`` is the shop's key as a string."""

    key: str
    title: str
    item_type: str = ""
    group_key: str = ""
    text: str = ""
    category: Sequence[str] = ()
    price: Decimal | None = None
    currency: str = ""
    image_url: str = ""
    url: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = True
    is_available: bool = True


@dataclass(frozen=True, slots=True)
class LineData:
    """One line of a past order; ``value`` is the money paid for the whole line."""

    item_key: str
    quantity: int = 1
    value: Decimal | None = None
    line_ref: str = ""


@dataclass(frozen=True, slots=True)
class OrderData:
    """A past order. ``customer`` is the shop's customer id, empty for a guest."""

    order_ref: str
    placed_at: datetime
    lines: Sequence[LineData]
    customer: str = ""
    currency: str = ""
    is_test: bool = False
    is_cancelled: bool = False


class ShopAdapter:
    """
    Safe answers to every question, to be overridden.

    Item keys and customer ids are opaque strings. A method that looks things up gets all keys
    at once and answers with a ``dict``; keys it does not know are simply absent.
    """

    # Rendered for each item of a shelf unless the template tag names another one.
    card_template = "engagement/card.html"

    # -- people -----------------------------------------------------------------------------
    def get_channel(self, request: HttpRequest | None = None) -> str:
        """Return which shop this is, where one database serves several."""
        return str(app_settings.CHANNEL)

    def get_customer(self, request: HttpRequest) -> str:
        """Return the signed-in customer's id as a string, or "" for anyone else."""
        user = getattr(request, "user", None)
        return str(user.pk) if user is not None and user.is_authenticated else ""

    def is_staff(self, request: HttpRequest) -> bool:
        """Return whether the shop's own people are browsing: nothing is recorded of them."""
        user = getattr(request, "user", None)
        return bool(user is not None and user.is_authenticated and user.is_staff)

    def get_consent(self, request: HttpRequest) -> bool | None:
        """Return the visitor's answer, or None while there is none."""
        answer = request.COOKIES.get(app_settings.CONSENT_COOKIE)
        return {"yes": True, "no": False}.get(answer or "")

    # -- catalogue --------------------------------------------------------------------------
    def item_key(self, obj: object) -> str:
        """Return the key of one of the shop's own objects (or of a key: itself)."""
        return obj if isinstance(obj, str) else str(getattr(obj, "pk", obj))

    def iter_items(self, since: datetime | None = None) -> Iterator[ItemData]:
        """Yield the catalogue, or what changed in it after ``since`` where the shop knows."""
        return iter(())

    def resolve(self, keys: Sequence[str], request: HttpRequest | None = None) -> dict[str, object]:
        """
        Return the shop's live objects by key, in one query.

        Hidden and sold-out ones are absent: what comes back may be shown and sold right now.
        """
        raise NotImplementedError

    def card(self, obj: Any) -> Mapping[str, Any]:
        """Return ``title``, ``url``, ``image_url`` and ``price`` for the stock card."""
        url = getattr(obj, "get_absolute_url", None)
        return {"title": str(obj), "url": url() if url else "", "image_url": "", "price": None}

    def cart_keys(self, request: HttpRequest) -> Sequence[str]:
        """Return the item keys in the visitor's cart, newest last."""
        return ()

    # -- orders -----------------------------------------------------------------------------
    def iter_orders(self, since: datetime | None = None) -> Iterator[OrderData]:
        """Yield past orders, oldest first, for the back-fill."""
        return iter(())


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

    Field names may follow relations with dots. ``CATALOGUE["KEY"]`` (default ``pk``) is the
    field that identifies an item from outside.
    """

    @functools.cached_property
    def catalogue(self) -> Mapping[str, Any]:
        return dict(app_settings.CATALOGUE)

    @functools.cached_property
    def orders(self) -> Mapping[str, Any]:
        return dict(app_settings.ORDERS)

    def item_key(self, obj: object) -> str:
        if isinstance(obj, str):
            return obj
        return str(getattr(obj, self.catalogue.get("KEY", "pk"), obj))

    def iter_items(self, since: datetime | None = None) -> Iterator[ItemData]:
        names = self.catalogue
        if not names:
            return
        model = apps.get_model(names["MODEL"])
        related = [
            path.rpartition(".")[0].replace(".", "__")
            for path in (names.get(part, "") for part in ("TITLE", "TEXT", "CATEGORY", "PRICE"))
            if "." in path
        ]
        shown = self._keys(names.get("ACTIVE"))
        sold = self._keys(names.get("AVAILABLE"))
        for obj in model._default_manager.select_related(*related).iterator(chunk_size=2000):
            category = _follow(obj, names.get("CATEGORY"))
            image = _follow(obj, names.get("IMAGE"))
            url = getattr(obj, "get_absolute_url", None)
            yield ItemData(
                key=self.item_key(obj),
                title=str(_follow(obj, names.get("TITLE")) or obj),
                text=str(_follow(obj, names.get("TEXT")) or ""),
                category=(str(category),) if category else (),
                price=_follow(obj, names.get("PRICE")),
                currency=app_settings.CURRENCY,
                group_key=str(_follow(obj, names.get("GROUP")) or ""),
                image_url=str(getattr(image, "url", image or "") if image else ""),
                url=url() if url else "",
                is_active=shown is None or obj.pk in shown,
                is_available=sold is None or obj.pk in sold,
            )

    def _keys(self, where: Mapping[str, Any] | None) -> set[Any] | None:
        if not where:
            return None
        model = apps.get_model(self.catalogue["MODEL"])
        return set(model._default_manager.filter(**where).values_list("pk", flat=True))

    def resolve(self, keys: Sequence[str], request: HttpRequest | None = None) -> dict[str, object]:
        names = self.catalogue
        model = apps.get_model(names["MODEL"])
        field_name = names.get("KEY", "pk")
        where = {**names.get("ACTIVE", {}), **names.get("AVAILABLE", {})}
        lookup = {f"{field_name}__in": self._valid(model, field_name, keys)}
        return {self.item_key(obj): obj for obj in model._default_manager.filter(**lookup, **where)}

    @staticmethod
    def _valid(model: Any, field_name: str, keys: Iterable[str]) -> list[Any]:
        """Leave out keys the field cannot hold: a foreign key must not become a database error."""
        model_field = model._meta.pk if field_name == "pk" else model._meta.get_field(field_name)
        values = []
        for key in keys:
            try:
                value = model_field.to_python(key)
                if isinstance(value, int):
                    # Larger than the column: SQLite would raise an OverflowError.
                    model_field.run_validators(value)
            except (ValidationError, ValueError):
                continue
            # PostgreSQL refuses the whole query for one of them.
            if not (isinstance(value, str) and "\0" in value):
                values.append(value)
        return values

    def card(self, obj: Any) -> Mapping[str, Any]:
        names = self.catalogue
        image = _follow(obj, names.get("IMAGE"))
        return {
            **super().card(obj),
            "title": str(_follow(obj, names.get("TITLE")) or obj),
            "price": _follow(obj, names.get("PRICE")),
            "image_url": str(getattr(image, "url", image) if image else ""),
        }

    def iter_orders(self, since: datetime | None = None) -> Iterator[OrderData]:
        names = self.orders
        if not names:
            return
        model = apps.get_model(names["MODEL"])
        placed = names.get("PLACED_AT", "created_at")
        rows = model._default_manager.filter(**names.get("WHERE", {})).order_by(placed, "pk")
        if since is not None:
            rows = rows.filter(**{f"{placed}__gte": since})
        lines = names.get("LINES", "lines")
        cancelled, tests = (
            set(model._default_manager.filter(**names[part]).values_list("pk", flat=True))
            if names.get(part)
            else ()
            for part in ("CANCELLED", "TEST")
        )
        for order in rows.prefetch_related(lines).iterator(chunk_size=1000):
            yield self._order(order, order.pk in cancelled, order.pk in tests)

    def _order(self, order: Any, is_cancelled: bool, is_test: bool) -> OrderData:
        names = self.orders
        customer = _follow(order, names.get("CUSTOMER", "user_id"))
        return OrderData(
            order_ref=str(getattr(order, names.get("REF", "pk"))),
            placed_at=_follow(order, names.get("PLACED_AT", "created_at")),
            customer="" if customer is None else str(customer),
            currency=app_settings.CURRENCY,
            is_cancelled=is_cancelled,
            is_test=is_test,
            lines=[
                LineData(
                    # A product that was deleted since is no item any more.
                    item_key=str(_follow(line, names.get("ITEM", "product_id")) or ""),
                    quantity=_quantity(_follow(line, names.get("QUANTITY", "quantity"))),
                    value=_follow(line, names.get("VALUE")),
                    line_ref=str(line.pk),
                )
                for line in getattr(order, names.get("LINES", "lines")).all()
            ],
        )


def _quantity(value: Any) -> int:
    """Return whole pieces: one where nothing is said, and one more for a part of one."""
    return 1 if value is None else math.ceil(value)


def _follow(obj: Any, path: str | None) -> Any:
    """Return ``obj.a.b`` for the path ``a.b``; None where the path or a part of it is empty."""
    if not path:
        return None
    for name in path.split("."):
        obj = getattr(obj, name, None)
        if obj is None:
            return None
    return obj


@functools.cache
def _adapter(path: str) -> ShopAdapter:
    adapter: ShopAdapter = import_string(path)()
    return adapter


def get_adapter() -> ShopAdapter:
    """Return the shop's adapter, built once a process."""
    return _adapter(app_settings.ADAPTER)


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "ENGAGEMENT":
        _adapter.cache_clear()


setting_changed.connect(_forget, dispatch_uid="engagement.adapters")
