from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from engagement.adapters import ItemData, LineData, OrderData, ShopAdapter
from shop_demo import carts
from shop_demo.models import Category, Order, OrderLine, Product


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
                title=product.full_name,
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

    def card(self, obj: Any) -> Mapping[str, Any]:
        return {
            "title": obj.full_name,
            "url": obj.get_absolute_url(),
            "image_url": picture_url(obj.picture),
            "price": obj.price,
        }

    def cart_keys(self, request: HttpRequest) -> Sequence[str]:
        return [str(line.product_id) for line in carts.lines_of(request)]

    def iter_orders(self, since: datetime | None = None) -> Iterator[OrderData]:
        """
        Stream the lines in the order of their orders: one query, constant memory.

        Cancelled orders are told too, so that an import can take their purchases back.
        """
        orders = Order.objects.all()
        if since is not None:
            orders = orders.filter(placed_at__gte=since)
        rows = (
            OrderLine.objects.filter(order__in=orders)
            .order_by("order__placed_at", "order_id", "pk")
            .values_list(
                "order__number",
                "order__placed_at",
                "order__user_id",
                "order__status",
                "product_id",
                "quantity",
                "total",
            )
        )
        for (number, placed_at, user_id, status), lines in groupby(
            rows.iterator(chunk_size=10_000), key=lambda row: row[:4]
        ):
            yield OrderData(
                order_ref=number,
                placed_at=placed_at,
                customer="" if user_id is None else str(user_id),
                currency=settings.ENGAGEMENT["CURRENCY"],
                is_cancelled=status == Order.Status.CANCELLED,
                lines=[
                    LineData(
                        item_key=str(product_id),
                        quantity=quantity,
                        value=total,
                        # An order names a product once; this stays when the shop is filled anew.
                        line_ref=str(product_id),
                    )
                    for *_, product_id, quantity, total in lines
                ],
            )


def picture_url(name: str) -> str:
    return static(f"shop_demo/pictures/{name}.svg")


def _uuid(key: str) -> uuid.UUID | None:
    """Return the key as a UUID; None for one that another shop may have used."""
    try:
        return uuid.UUID(key)
    except ValueError:
        return None
