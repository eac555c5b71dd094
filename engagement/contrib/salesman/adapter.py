"""What the app may ask a shop made with Salesman."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from salesman.basket.models import BASKET_ID_SESSION_KEY
from salesman.core.utils import get_salesman_model

from engagement.adapters import LineData, ModelAdapter, OrderData, guest, typed_key
from engagement.adapters.model_adapter import as_list
from engagement.conf import app_settings
from engagement.contrib.salesman.offers import SalesmanOffers
from engagement.current_request import current_request
from engagement.shop_offers import ShopOffers

AT_ONCE = 1000
# What the mirror can hold of a type.
MAX_TYPE = 32


class SalesmanAdapter(ModelAdapter):
    """
    Product types are those of ``SALESMAN_PRODUCT_TYPES``; their keys are what Salesman's own API
    calls them, ``shop.Product:42``.

    ``ENGAGEMENT["CATALOGUE"]`` says what Salesman does not know of a type: pictures, categories,
    addresses, what is sold out, which products are variants. Models are found as Salesman finds
    them, swapped or not.
    """

    # Before an order has left the basket.
    unplaced_statuses: frozenset[str] = frozenset({"NEW"})
    # What takes a purchase back. A failed payment may be tried again.
    cancelled_statuses: frozenset[str] = frozenset({"CANCELLED", "REFUNDED"})

    # -- catalogue --------------------------------------------------------------------------
    def catalogue_settings(self) -> list[dict[str, Any]]:
        said = {str(one["MODEL"]).lower(): one for one in as_list(app_settings.CATALOGUE)}
        variants = {
            str(one["VARIANTS"]["MODEL"]).lower() for one in said.values() if "VARIANTS" in one
        }
        labels = {label.lower(): label for label in _product_types()}
        labels = {name: label for name, label in labels.items() if name not in variants}
        labels = {name: one["MODEL"] for name, one in said.items()} | labels
        return [_names(label, said.get(name, {})) for name, label in labels.items()]

    def item_key(self, obj: object) -> str:
        if _is_line(obj):
            return self._key_of_line(obj)
        return super().item_key(obj)

    def variant_id(self, obj: object) -> str:
        if _is_line(obj):
            return super().variant_id(obj.product) if self._needs_product(obj) else ""  # type: ignore[attr-defined]
        return super().variant_id(obj)

    def _key_of_line(self, line: Any) -> str:
        if line.product_id is None or _model_of(line) is None:
            return ""
        if self._needs_product(line):
            return super().item_key(line.product) if line.product is not None else ""
        # A product that was deleted since has its key still.
        keys = self._plain[_model_of(line)]
        return typed_key(keys, str(line.product_id))

    def _needs_product(self, line: Any) -> bool:
        """Return whether a line's type and number alone do not say which item it is."""
        return _model_of(line) not in self._plain

    @functools.cached_property
    def _plain(self) -> dict[Any, str]:
        """Return the type by model, of models whose numbers are their keys."""
        found = {}
        for one in self.catalogues:
            if one.keys.column.primary_key and one.keys.model not in one.keys.parents:
                found[one.keys.model] = one.keys.item_type
        return found

    def on_sale(
        self, keys: Sequence[str], request: HttpRequest | None = None
    ) -> Collection[str] | None:
        # get_price(request) may say something else to everyone.
        return None

    def cart_keys(self, request: HttpRequest) -> Sequence[str]:
        lines = lines_of(request)
        return [key for key in map(self.item_key, lines) if key]

    # -- offers -----------------------------------------------------------------------------
    def offers(self) -> ShopOffers:
        return SalesmanOffers()

    # -- orders -----------------------------------------------------------------------------
    def iter_orders(self, since: datetime | None = None) -> Iterator[OrderData]:
        rows = self._placed().order_by("date_created", "pk")
        if since is not None:
            rows = rows.filter(date_created__gte=since)
        for order in rows.iterator(chunk_size=AT_ONCE):
            yield self._describe(order)

    def order_data(self, obj: Any) -> OrderData | None:
        if isinstance(obj, OrderData):
            return obj
        order = self._placed().filter(pk=obj.pk).first()
        return None if order is None else self._describe(order)

    def _placed(self) -> QuerySet[Any]:
        lines = get_salesman_model("OrderItem").objects.order_by("pk")
        types = {one.keys.model for one in self.catalogues}
        if not types <= self._plain.keys() or any(one.keys.parents for one in self.catalogues):
            lines = lines.prefetch_related("product")
        orders = get_salesman_model("Order").objects.exclude(status__in=self.unplaced_statuses)
        rows: QuerySet[Any] = orders.prefetch_related(Prefetch("items", queryset=lines))
        return rows

    def _describe(self, order: Any) -> OrderData:
        return OrderData(
            order_ref=str(order.ref),
            placed_at=order.date_created,
            customer=str(order.user_id) if order.user_id is not None else guest(order.email),
            currency=str(app_settings.CURRENCY),
            is_cancelled=order.status in self.cancelled_statuses,
            lines=[
                LineData(
                    item_key=self.item_key(line),
                    variant_id=self.variant_id(line),
                    quantity=line.quantity,
                    value=line.total,
                    line_ref=str(line.pk),
                )
                for line in order.items.all()
            ],
        )


def price_of(product: Any) -> Any:
    """Return what the shop asks of whoever is there, or of a stranger; None: of its variants."""
    ask = getattr(product, "get_price", None)
    return ask(current_request() or _stranger()) if ask else None


def _stranger() -> HttpRequest:
    request = HttpRequest()
    request.user = AnonymousUser()
    request.session = {}  # type: ignore[assignment]
    return request


def _product_types() -> list[str]:
    return list(getattr(settings, "SALESMAN_PRODUCT_TYPES", {}))


def _names(label: str, said: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of a product type: what settings say, over what every type has."""
    item_type = label if len(label) <= MAX_TYPE else label.rpartition(".")[2][:MAX_TYPE]
    return {"MODEL": label, "TYPE": item_type, "TITLE": "name", "PRICE": price_of} | said


def _is_line(obj: object) -> bool:
    return hasattr(obj, "product_content_type_id") and hasattr(obj, "product_id")


def _model_of(line: Any) -> Any:
    """Return the model of a line's product; None where it exists no more."""
    number = line.product_content_type_id
    return None if number is None else ContentType.objects.get_for_id(number).model_class()


def lines_of(request: HttpRequest) -> Sequence[Any]:
    """Return the lines of the basket that there is, newest last; looking makes none."""
    rows = get_salesman_model("BasketItem").objects.order_by("date_created", "pk")
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return list(rows.filter(basket__user=user.pk).prefetch_related("product"))
    session = getattr(request, "session", None)
    number = session.get(BASKET_ID_SESSION_KEY) if session is not None else None
    if number is None:
        return ()
    return list(rows.filter(basket=number, basket__user=None).prefetch_related("product"))
