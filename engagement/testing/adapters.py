"""
What every shop adapter must do, as tests to inherit.

In the test suite of a shop that has its own adapter, with pytest-django::

    from engagement.testing import ShopAdapterTests

    class TestMyAdapter(ShopAdapterTests):
        adapter = MyAdapter

        def fill(self):
            make_products(3, stock=5)
            make_product(stock=0)
            make_order(lines=2)

The tests look at the shop through the adapter alone. What a shop has beyond that it says in the
other ``make_…`` methods; a test that is skipped names the one it misses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from engagement.adapters import ItemData, OrderData, ShopAdapter, guest, typed_key

# What has been a key somewhere, some day: in an old cookie, in another shop, in an attack.
STRANGE_KEYS = (
    "",
    "0",
    "-1",
    "no-such-key",
    "9" * 40,
    "a" * 1000,
    "ключ 键",
    "' OR 1=1 --",
    "a\0b",
    "00000000-0000-4000-8000-000000000000",
)


@pytest.mark.django_db
class ShopAdapterTests:
    """Inherit, name the class in ``adapter``, make a small shop in ``fill``."""

    adapter: ClassVar[type[ShopAdapter]]
    # Products that fill() makes: how many of them can be bought, and how many are sold out.
    n_sellable: ClassVar[int] = 3
    n_sold_out: ClassVar[int] = 1

    def fill(self) -> None:
        """Make products and an order in the shop's own models."""
        raise NotImplementedError

    def fill_more(self) -> None:
        """Make several more products and orders like those of :meth:`fill`."""
        pytest.skip("fill_more() is not written")

    def make_variant(self) -> tuple[Any, Any]:
        """Make a variant; return it and the product that shelves show for it."""
        pytest.skip("make_variant() is not written: this shop has no variants")

    def make_guest_order(self, email: str) -> Any:
        """Make and return an order of somebody who has no account."""
        pytest.skip("make_guest_order() is not written: this shop has no guests")

    def sign_in(self, request: HttpRequest) -> None:
        """Have a request come from somebody with an account, where it is none of Django's."""
        request.user = get_user_model().objects.create_user("adapter-tests")

    @pytest.fixture
    def shop(self, db: None) -> ShopAdapter:
        self.fill()
        return self.adapter()

    @pytest.fixture
    def items(self, shop: ShopAdapter) -> list[ItemData]:
        return list(shop.iter_items())

    @pytest.fixture
    def sellable(self, items: list[ItemData]) -> list[str]:
        return [item.item_key for item in items if item.is_active and item.is_available]

    @pytest.fixture
    def strange(self, items: list[ItemData]) -> list[str]:
        """Keys that are nobody's, of each type of items too."""
        types = {item.item_type for item in items} | {""}
        return [typed_key(one, key) for one in sorted(types) for key in STRANGE_KEYS]

    @pytest.fixture
    def orders(self, shop: ShopAdapter) -> list[OrderData]:
        return list(shop.iter_orders())

    @pytest.fixture
    def visit(self) -> HttpRequest:
        """A stranger's first request."""
        request = RequestFactory().get("/")
        request.user = AnonymousUser()
        request.session = SessionStore()
        return request

    # -- catalogue --------------------------------------------------------------------------
    def test_the_catalogue_is_told_whole(self, items: list[ItemData], sellable: list[str]) -> None:
        assert len(sellable) == self.n_sellable
        assert len(items) == self.n_sellable + self.n_sold_out

    def test_keys_are_strings_that_mean_one_item(self, items: list[ItemData]) -> None:
        assert all(isinstance(item.key, str) and 0 < len(item.key) <= 128 for item in items)
        assert all(len(item.item_type) <= 32 and ":" not in item.item_type for item in items)
        keys = [item.item_key for item in items]
        assert len(set(keys)) == len(keys)

    def test_items_have_titles(self, items: list[ItemData]) -> None:
        assert all(isinstance(item.title, str) and item.title for item in items)

    def test_the_catalogue_can_be_told_again(
        self, shop: ShopAdapter, items: list[ItemData]
    ) -> None:
        assert isinstance(shop.iter_items(), Iterator)
        assert [item.item_key for item in shop.iter_items()] == [item.item_key for item in items]

    def test_the_catalogue_is_told_in_as_many_queries_however_large(
        self, shop: ShopAdapter, items: list[ItemData]
    ) -> None:
        before = count_queries(lambda: list(shop.iter_items()))
        self.fill_more()
        assert len(list(shop.iter_items())) > len(items)
        assert count_queries(lambda: list(shop.iter_items())) == before

    # -- what may be shown right now ----------------------------------------------------------
    def test_what_can_be_bought_resolves_and_nothing_else(
        self, shop: ShopAdapter, items: list[ItemData], sellable: list[str], visit: HttpRequest
    ) -> None:
        everything = [item.item_key for item in items]
        assert set(shop.resolve(everything, visit)) == set(sellable)
        assert set(shop.resolve(everything)) == set(sellable)

    def test_what_is_on_sale_is_what_resolves(
        self, shop: ShopAdapter, items: list[ItemData], strange: list[str], visit: HttpRequest
    ) -> None:
        everything = [*(item.item_key for item in items), *strange]
        for request in (visit, None):
            found = shop.on_sale(everything, request)
            assert found is None or set(found) == set(shop.resolve(everything, request))

    def test_objects_and_keys_lead_to_each_other(
        self, shop: ShopAdapter, sellable: list[str]
    ) -> None:
        for key, thing in shop.resolve(sellable).items():
            assert shop.item_key(thing) == key
            assert shop.item_key(key) == key

    def test_many_are_resolved_in_as_many_queries_as_one(
        self, shop: ShopAdapter, items: list[ItemData], sellable: list[str]
    ) -> None:
        def draw(keys: list[str]) -> None:
            for thing in shop.resolve(keys).values():
                shop.card(thing)

        one_of_each = {item.item_type: item.item_key for item in items if item.item_key in sellable}
        few = count_queries(lambda: draw(list(one_of_each.values())))
        assert count_queries(lambda: draw(sellable)) == few

    def test_a_key_is_known_without_asking(self, shop: ShopAdapter, sellable: list[str]) -> None:
        things = list(shop.resolve(sellable).values())

        def ask() -> None:
            assert [shop.variant_id(thing) for thing in things] == [""] * len(things)
            assert {shop.item_key(thing) for thing in things} == set(sellable)

        assert count_queries(ask) == 0

    def test_unknown_keys_are_absent(
        self, shop: ShopAdapter, sellable: list[str], strange: list[str]
    ) -> None:
        assert shop.resolve([*strange, *sellable]).keys() == set(sellable)
        assert shop.resolve(strange) == {}
        assert shop.resolve([]) == {}

    def test_a_variant_leads_to_its_product(self, shop: ShopAdapter) -> None:
        variant, product = self.make_variant()
        key = shop.item_key(product)

        assert shop.item_key(variant) == key
        assert shop.variant_id(product) == ""
        assert 0 < len(shop.variant_id(variant)) <= 64
        assert [item.item_key for item in shop.iter_items()].count(key) == 1
        assert shop.resolve([key]) == {key: product}

    def test_a_card_can_be_drawn(self, shop: ShopAdapter, sellable: list[str]) -> None:
        for thing in shop.resolve(sellable).values():
            card = shop.card(thing)
            assert {"title", "url", "image_url", "price"} <= set(card)
            assert card["title"]

    # -- people -----------------------------------------------------------------------------
    def test_a_stranger_is_nobody(self, shop: ShopAdapter, visit: HttpRequest) -> None:
        assert shop.get_customer(visit) == ""
        assert shop.is_staff(visit) is False
        assert shop.get_consent(visit) in (True, False, None)
        assert list(shop.cart_keys(visit)) == []

    def test_a_customer_has_an_id(self, shop: ShopAdapter, visit: HttpRequest) -> None:
        self.sign_in(visit)
        customer = shop.get_customer(visit)
        assert isinstance(customer, str)
        assert customer

    def test_the_channel_is_a_short_name(self, shop: ShopAdapter, visit: HttpRequest) -> None:
        for channel in (shop.get_channel(visit), shop.get_channel()):
            assert isinstance(channel, str)
            assert len(channel) <= 32

    # -- orders -----------------------------------------------------------------------------
    def test_past_orders_come_oldest_first(self, orders: list[OrderData]) -> None:
        moments = [order.placed_at for order in orders]
        assert orders
        assert moments == sorted(moments)

    def test_an_order_and_each_of_its_lines_has_a_reference(self, orders: list[OrderData]) -> None:
        references = [order.order_ref for order in orders]
        assert all(isinstance(one, str) and 0 < len(one) <= 64 for one in references)
        assert len(set(references)) == len(references)
        for order in orders:
            assert isinstance(order.customer, str)
            assert len(order.customer) <= 320
            lines = [(line.item_key, line.line_ref) for line in order.lines]
            assert len(set(lines)) == len(lines)

    def test_orders_are_of_the_catalogues_items(
        self, items: list[ItemData], orders: list[OrderData]
    ) -> None:
        known = {item.item_key for item in items}
        lines = [line for order in orders for line in order.lines]
        assert lines
        assert {line.item_key for line in lines} <= known
        assert all(line.quantity >= 1 for line in lines)
        assert all(line.value is None or line.value >= 0 for line in lines)

    def test_orders_can_be_told_from_a_moment_on(
        self, shop: ShopAdapter, orders: list[OrderData]
    ) -> None:
        latest = orders[-1].placed_at
        told = [order.order_ref for order in shop.iter_orders(since=latest)]
        assert orders[-1].order_ref in told
        assert list(shop.iter_orders(since=latest + timedelta(days=1))) == []

    def test_orders_are_told_in_as_many_queries_however_many(
        self, shop: ShopAdapter, orders: list[OrderData]
    ) -> None:
        before = count_queries(lambda: list(shop.iter_orders()))
        self.fill_more()
        assert len(list(shop.iter_orders())) > len(orders)
        assert count_queries(lambda: list(shop.iter_orders())) == before

    def test_a_guest_is_known_by_address_alone(self, shop: ShopAdapter) -> None:
        customers = {
            shop.order_data(self.make_guest_order(email)).customer  # type: ignore[union-attr]
            for email in ("Ann@Example.org", "ann@example.org ")
        }
        assert customers == {guest("ann@example.org")}

    def test_an_order_is_told_alone_as_among_the_others(self, shop: ShopAdapter) -> None:
        alone = shop.order_data(self.make_guest_order("ann@example.org"))
        assert alone is not None
        assert alone.lines
        assert [one for one in shop.iter_orders() if one.order_ref == alone.order_ref] == [alone]


def count_queries(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        act()
    return len(queries)


# As it was called before variants, guests and several product models.
AdapterTests = ShopAdapterTests
