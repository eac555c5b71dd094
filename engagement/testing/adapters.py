"""
What every shop adapter must do, as tests to inherit.

In the test suite of a shop that has its own adapter, with pytest-django::

    from engagement.testing import AdapterTests

    class TestMyAdapter(AdapterTests):
        adapter = MyAdapter

        def fill(self):
            make_products(3, stock=5)
            make_product(stock=0)
            make_order(lines=2)

The tests look at the shop through the adapter alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from engagement.adapters import ItemData, OrderData, ShopAdapter

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
class AdapterTests:
    """Inherit, name the class in ``adapter``, make a small shop in ``fill``."""

    adapter: ClassVar[type[ShopAdapter]]
    # Products that fill() makes: how many of them can be bought, and how many are sold out.
    n_sellable: ClassVar[int] = 3
    n_sold_out: ClassVar[int] = 1

    def fill(self) -> None:
        """Make products and an order in the shop's own models."""
        raise NotImplementedError

    @pytest.fixture
    def shop(self, db: None) -> ShopAdapter:
        self.fill()
        return self.adapter()

    @pytest.fixture
    def items(self, shop: ShopAdapter) -> list[ItemData]:
        return list(shop.iter_items())

    @pytest.fixture
    def sellable(self, items: list[ItemData]) -> list[str]:
        return [item.key for item in items if item.is_active and item.is_available]

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
        keys = [item.key for item in items]
        assert all(isinstance(key, str) and 0 < len(key) <= 128 for key in keys)
        assert len(set(keys)) == len(keys)

    def test_items_have_titles(self, items: list[ItemData]) -> None:
        assert all(isinstance(item.title, str) and item.title for item in items)

    def test_the_catalogue_can_be_told_again(
        self, shop: ShopAdapter, items: list[ItemData]
    ) -> None:
        assert isinstance(shop.iter_items(), Iterator)
        assert [item.key for item in shop.iter_items()] == [item.key for item in items]

    # -- what may be shown right now ----------------------------------------------------------
    def test_what_can_be_bought_resolves_and_nothing_else(
        self, shop: ShopAdapter, items: list[ItemData], sellable: list[str], visit: HttpRequest
    ) -> None:
        everything = [item.key for item in items]
        assert set(shop.resolve(everything, visit)) == set(sellable)
        assert set(shop.resolve(everything)) == set(sellable)

    def test_objects_and_keys_lead_to_each_other(
        self, shop: ShopAdapter, sellable: list[str]
    ) -> None:
        for key, thing in shop.resolve(sellable).items():
            assert shop.item_key(thing) == key
            assert shop.item_key(key) == key

    def test_many_are_resolved_in_as_many_queries_as_one(
        self, shop: ShopAdapter, sellable: list[str]
    ) -> None:
        def n_queries(keys: list[str]) -> int:
            with CaptureQueriesContext(connection) as queries:
                for thing in shop.resolve(keys).values():
                    shop.card(thing)
            return len(queries)

        assert n_queries(sellable) == n_queries(sellable[:1])

    def test_unknown_keys_are_absent(self, shop: ShopAdapter, sellable: list[str]) -> None:
        assert shop.resolve([*STRANGE_KEYS, *sellable]).keys() == set(sellable)
        assert shop.resolve(STRANGE_KEYS) == {}
        assert shop.resolve([]) == {}

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

    def test_a_customer_has_an_id(
        self, shop: ShopAdapter, visit: HttpRequest, django_user_model: Any
    ) -> None:
        visit.user = django_user_model.objects.create_user("adapter-tests")
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
            lines = [(line.item_key, line.line_ref) for line in order.lines]
            assert len(set(lines)) == len(lines)

    def test_orders_are_of_the_catalogues_items(
        self, items: list[ItemData], orders: list[OrderData]
    ) -> None:
        known = {item.key for item in items}
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
