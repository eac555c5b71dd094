from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from engagement.adapters import ItemData, LineData, OrderData, ShopAdapter
from engagement.prepared import Among
from shop_demo import carts
from shop_demo.deductions import DemoOffers
from shop_demo.models import Category, Order, OrderLine, Product

_on_sale = Among(Product.objects.on_sale)

# SQLite takes 32,766 parameters in a statement.
ORDERS_AT_ONCE = 5000


class DemoAdapter(ShopAdapter):
    """What `engagement` may ask this shop."""

    def item_key(self, obj: object) -> str:
        return obj if isinstance(obj, str) else str(getattr(obj, "pk", obj))

    def iter_items(self, since: datetime | None = None) -> Iterator[ItemData]:
        categories = {
            category.pk: category for category in Category.objects.select_related("parent")
        }
        for product in Product.objects.order_by("pk").iterator(chunk_size=2000):
            category = categories[product.category_id]
            path = [part.name for part in (category.parent, category) if part is not None]
            yield ItemData(
                key=str(product.pk),
                # Short enough for "because you bought …"; the brand is an attribute.
                title=f"{product.name}, {product.size}" if product.size else product.name,
                group_key=product.group_key,
                text=" ".join([product.name, product.brand, *path]),
                category=path,
                price=product.price,
                currency=settings.ENGAGEMENT["CURRENCY"],
                image_url=picture_url(product.picture),
                # Without a database query: reverse() of the page's address.
                url=reverse("product", kwargs={"pk": product.pk}),
                attributes={"brand": product.brand, "own_brand": product.is_own_brand},
                is_active=product.is_active,
                is_available=product.stock > 0,
            )

    def resolve(self, keys: Sequence[str], request: HttpRequest | None = None) -> dict[str, object]:
        ids = [pk for pk in map(_uuid, keys) if pk is not None]
        products = Product.objects.on_sale().filter(pk__in=ids).select_related("category")
        return {str(product.pk): product for product in products}

    def on_sale(
        self, keys: Sequence[str], request: HttpRequest | None = None
    ) -> Collection[str] | None:
        return {str(pk) for pk in _on_sale.find([pk for pk in map(_uuid, keys) if pk])}

    def card(self, obj: Any) -> Mapping[str, Any]:
        return {
            "title": obj.full_name,
            "url": obj.get_absolute_url(),
            "image_url": picture_url(obj.picture),
            "price": obj.price,
        }

    def cart_keys(self, request: HttpRequest) -> Sequence[str]:
        return [str(line.product_id) for line in carts.lines_of(request)]

    def offers(self) -> DemoOffers:
        return DemoOffers()

    def iter_orders(self, since: datetime | None = None) -> Iterator[OrderData]:
        """
        Stream past orders with their lines, some thousands at a time.

        Cancelled orders are told too, so that an import can take their purchases back.
        """
        orders = Order.objects.order_by("placed_at", "pk")
        if since is not None:
            orders = orders.filter(placed_at__gte=since)
        rows = orders.values_list("pk", "number", "placed_at", "user_id", "status")
        several = rows.iterator(chunk_size=ORDERS_AT_ONCE)
        while some := list(islice(several, ORDERS_AT_ONCE)):
            lines = _lines([row[0] for row in some])
            for pk, number, placed_at, user_id, status in some:
                yield OrderData(
                    order_ref=number,
                    placed_at=placed_at,
                    customer="" if user_id is None else str(user_id),
                    currency=settings.ENGAGEMENT["CURRENCY"],
                    is_cancelled=status == Order.Status.CANCELLED,
                    lines=lines.get(pk, ()),
                )


def _lines(orders: list[uuid.UUID]) -> dict[uuid.UUID, list[LineData]]:
    """Return the lines of many orders by order: one query."""
    found: dict[uuid.UUID, list[LineData]] = {}
    rows = OrderLine.objects.filter(order_id__in=orders).order_by("pk")
    for order, product, quantity, total in rows.values_list(
        "order_id", "product_id", "quantity", "total"
    ):
        key = str(product)
        # An order names a product once; its key stays when the shop is filled anew.
        line = LineData(item_key=key, quantity=quantity, value=total, line_ref=key)
        found.setdefault(order, []).append(line)
    return found


def picture_url(name: str) -> str:
    return static(f"shop_demo/pictures/{name}.svg")


@lru_cache(maxsize=20_000)
def _uuid(key: str) -> uuid.UUID | None:
    """Return the key as a UUID; None for one that another shop may have used."""
    try:
        return uuid.UUID(key)
    except ValueError:
        return None
