"""Oscar's pages, one of each kind, as ``engagement_check`` looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.signing import Signer
from django.urls import reverse
from oscar.core.loading import get_class, get_model

from engagement.adapters import PageData

# As many kinds of products as may have a page of their own.
MAX_CLASSES = 5


def iter_pages(sellable: Any) -> Iterator[PageData]:
    """Yield the pages that a visitor comes by; ``sellable`` finds products that can be bought."""
    yield PageData(reverse("catalogue:index"), ["home.for_you"])
    category = get_model("catalogue", "Category").objects.browsable().last()
    if category is not None:
        yield PageData(category.get_absolute_url(), ["category.top"])
    products = list(_products(sellable))
    for product in products:
        placements = ["product.bought_together", "product.similar"]
        yield PageData(product.get_absolute_url(), placements)
    search = reverse("search:search")
    if products:
        words = products[0].get_title().split()
        yield PageData(f"{search}?q={words[0] if words else ''}", ["search.results"])
    yield PageData(f"{search}?q=qxzvwjk", ["search.no_results"])
    standalone = next((one for one in products if not one.is_parent), None)
    if standalone is not None:
        yield PageData(reverse("basket:summary"), ["cart.complete_the_set"], _fill(standalone))
    order = get_model("order", "Order").objects.order_by("-date_placed", "-pk").first()
    if order is not None:
        yield PageData(
            reverse("checkout:thank-you"), ["confirmation.also_bought"], _has_ordered(order)
        )
    customers = get_model("order", "Order").objects.exclude(user=None).order_by("-date_placed")
    placed = customers.filter(user__is_active=True).select_related("user").first()
    if placed is not None:
        account = reverse("customer:profile-view")
        placements = ["account.buy_again", "account.for_you"]
        yield PageData(account, placements, _sign_in(placed.user))


def _products(sellable: Any) -> Iterator[Any]:
    """Yield a product of each class: a class may have a page of its own."""
    for product_class in get_model("catalogue", "ProductClass").objects.order_by("pk")[
        :MAX_CLASSES
    ]:
        rows = get_model("catalogue", "Product").objects.browsable()
        keys = rows.filter(product_class=product_class).order_by("pk").values_list("pk", flat=True)
        found = sellable([str(key) for key in keys[:50]])
        yield from list(found.values())[:1]


def _fill(product: Any) -> Any:
    def prepare(client: Any) -> None:
        cookie: str = settings.OSCAR_BASKET_COOKIE_OPEN  # type: ignore[misc]
        basket = get_model("basket", "Basket").objects.create()
        basket.strategy = get_class("partner.strategy", "Selector")().strategy()
        basket.add_product(product)
        client.cookies[cookie] = Signer().sign(basket.pk)

    return prepare


def _has_ordered(order: Any) -> Any:
    def prepare(client: Any) -> None:
        session = client.session
        session["checkout_order_id"] = order.pk
        session.save()

    return prepare


def _sign_in(user: Any) -> Any:
    def prepare(client: Any) -> None:
        # Not by login(): the shop's receivers would hear of it.
        session = client.session
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()

    return prepare
