"""What the app may ask a shop made with Oscar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest
from oscar.core.loading import get_class, get_model

from engagement.adapters import (
    ActivityData,
    ItemData,
    LineData,
    OrderData,
    PageData,
    ShopAdapter,
    get_adapter,
    guest,
)
from engagement.contrib.oscar import products
from engagement.contrib.oscar.activity import iter_activity
from engagement.contrib.oscar.lines import taken_off, value_of
from engagement.contrib.oscar.offers import OscarOffers
from engagement.contrib.oscar.pages import iter_pages
from engagement.contrib.oscar.reviews import OscarReviews
from engagement.shop_offers import ShopOffers
from engagement.shop_reviews import ShopReviews

# Larger than any key: SQLite raises an OverflowError beyond, PostgreSQL refuses the query.
MAX_KEY = 2**63 - 1
AT_ONCE = 500


class OscarAdapter(ShopAdapter):
    """
    Products are told apart by their parents: a variant is part of the product that it varies.

    Prices and stock are what the shop's own strategy says, to whoever is asking. Models and classes
    are Oscar's or those of the fork that the project has made of them.
    """

    card_template = "engagement/oscar/card.html"
    # How long the rows of products, stock and pictures are kept in the cache. What is saved is
    # read anew at once; what is changed in bulk, or beside a cache of another process, is not.
    keep_seconds: float = 10.0
    # Statuses of orders and lines that take a purchase back.
    cancelled_statuses: frozenset[str] = frozenset(
        {"Cancelled", "Canceled", "Refunded", "Returned"}
    )

    # -- catalogue --------------------------------------------------------------------------
    def item_key(self, obj: object) -> str:
        if isinstance(obj, str):
            return obj
        # Lines of orders and baskets stand for what was bought.
        product = getattr(obj, "product", obj)
        if product is None:
            return ""
        parent = getattr(product, "parent_id", None)
        return str(parent or getattr(product, "pk", product))

    def variant_id(self, obj: object) -> str:
        product: Any = getattr(obj, "product", obj)
        return str(product.pk) if getattr(product, "parent_id", None) else ""

    def iter_items(self, since: datetime | None = None) -> Iterator[ItemData]:
        paths = _category_paths()
        strategy = _strategy(None)
        rows = get_model("catalogue", "Product").objects.filter(parent=None).order_by("pk")
        if since is not None:
            rows = rows.filter(date_updated__gte=since)
        keys = rows.values_list("pk", flat=True).iterator(AT_ONCE)
        while some := list(islice(keys, AT_ONCE)):
            categories = _categories(some)
            for key, product in products.find(some, seconds=0).items():
                info = _purchase_info(strategy, product)
                category = [paths.get(path, ()) for path in categories.get(key, ())]
                yield ItemData(
                    key=str(key),
                    title=str(product.get_title()),
                    text=str(product.description or ""),
                    # The deepest says the most.
                    category=max(category, key=len, default=()),
                    price=_price(info),
                    currency=str(getattr(info.price, "currency", "") or ""),
                    image_url=_image_url(product),
                    url=product.get_absolute_url(),
                    attributes={"product_class": str(product.get_product_class() or "")},
                    is_active=bool(product.is_public),
                    is_available=bool(info.availability.is_available_to_buy),
                )

    def resolve(self, keys: Sequence[str], request: HttpRequest | None = None) -> dict[str, object]:
        wanted = [int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 20]
        wanted = [pk for pk in wanted if 0 < pk <= MAX_KEY]
        if not wanted:
            return {}
        strategy = _strategy(request)
        found = products.find(wanted, seconds=self.keep_seconds)
        return {
            str(key): product
            for key, product in found.items()
            if product.is_public
            and _purchase_info(strategy, product).availability.is_available_to_buy
        }

    def card(self, obj: Any) -> Mapping[str, Any]:
        info = _purchase_info(_strategy(None), obj)
        return {
            "title": str(obj.get_title()),
            "url": obj.get_absolute_url(),
            "image_url": _image_url(obj),
            "price": _price(info),
            "currency": str(getattr(info.price, "currency", "") or ""),
        }

    def cart_keys(self, request: HttpRequest) -> Sequence[str]:
        basket = getattr(request, "basket", None)
        if basket is None or basket.pk is None:
            return ()
        return [key for key in (self.item_key(line) for line in basket.all_lines()) if key]

    # -- orders -----------------------------------------------------------------------------
    def customer_of(self, order: Any) -> str:
        """
        Return who ordered: a customer's key, or a guest by e-mail address.

        The app keeps neither: what it stores is an HMAC.
        """
        if order.user_id is not None:
            return str(order.user_id)
        return guest(order.guest_email)

    def order_data(self, obj: Any) -> OrderData:
        return OrderData(
            order_ref=str(obj.number),
            placed_at=obj.date_placed,
            customer=self.customer_of(obj),
            currency=str(obj.currency),
            is_cancelled=obj.status in self.cancelled_statuses,
            lines=[
                LineData(
                    item_key=self.item_key(line),
                    quantity=line.quantity,
                    value=value_of(line),
                    line_ref=str(line.pk),
                    variant_id=self.variant_id(line),
                )
                for line in sorted(obj.lines.all(), key=lambda line: line.pk)
                # A product that was deleted since is none any more.
                if line.product_id is not None
            ],
        )

    def iter_orders(self, since: datetime | None = None) -> Iterator[OrderData]:
        rows = get_model("order", "Order").objects.order_by("date_placed", "pk")
        if since is not None:
            rows = rows.filter(date_placed__gte=since)
        lines = get_model("order", "Line").objects.select_related("product")
        lines = lines.prefetch_related(Prefetch("discounts", queryset=taken_off()))
        rows = rows.prefetch_related(Prefetch("lines", queryset=lines))
        for order in rows.iterator(chunk_size=AT_ONCE):
            yield self.order_data(order)

    def iter_activity(self, since: datetime | None = None) -> Iterator[ActivityData]:
        return iter_activity(since)

    # -- reviews ----------------------------------------------------------------------------
    def reviews(self) -> ShopReviews | None:
        return OscarReviews()

    # -- offers -----------------------------------------------------------------------------
    def offers(self) -> ShopOffers:
        return OscarOffers()

    # -- pages ------------------------------------------------------------------------------
    def iter_pages(self) -> Iterator[PageData]:
        return iter_pages(self.resolve)


def oscar_adapter() -> OscarAdapter:
    """Return the adapter in charge where it is Oscar's, the stock one otherwise."""
    adapter = get_adapter()
    return adapter if isinstance(adapter, OscarAdapter) else OscarAdapter()


def _strategy(request: HttpRequest | None) -> Any:
    """Return the shop's strategy for a request; BasketMiddleware has put it there already."""
    strategy = getattr(request, "strategy", None)
    if strategy is not None:
        return strategy
    user = getattr(request, "user", None)
    return get_class("partner.strategy", "Selector")().strategy(request=request, user=user)


def _purchase_info(strategy: Any, product: Any) -> Any:
    if product.is_parent:
        return strategy.fetch_for_parent(product)
    return strategy.fetch_for_product(product)


def _price(info: Any) -> Decimal | None:
    price = info.price
    if not price.exists:
        return None
    known = price.incl_tax if price.is_tax_known else price.excl_tax
    return None if known is None else Decimal(known)


def _image_url(product: Any) -> str:
    """Return the address of the first picture; a product without one has a dictionary there."""
    image = next(iter(product.images.all()), None)
    original = getattr(image, "original", None)
    try:
        return str(original.url) if original else ""
    except ValueError:
        return ""


def _categories(keys: Sequence[int]) -> dict[int, list[str]]:
    """Return the places in the tree of the categories that products are in."""
    found: dict[int, list[str]] = {}
    rows = get_model("catalogue", "ProductCategory").objects.filter(product__in=keys)
    for key, path in rows.order_by("pk").values_list("product_id", "category__path"):
        found.setdefault(key, []).append(path)
    return found


def _category_paths() -> dict[str, tuple[str, ...]]:
    """Return the names from the root to each category, by its place in the tree."""
    category = get_model("catalogue", "Category")
    names = dict(category.objects.values_list("path", "name"))
    step = category.steplen
    return {
        path: tuple(
            str(names[path[:end]])
            for end in range(step, len(path) + 1, step)
            if path[:end] in names
        )
        for path in names
    }
