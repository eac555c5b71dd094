"""The adapter for Salesman answers as every adapter must."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from salesman.core.utils import get_salesman_model

from engagement.checks import check_settings
from engagement.contrib.salesman.adapter import SalesmanAdapter
from engagement.testing import ShopAdapterTests
from tests.shops.minisalesman import seed

pytestmark = pytest.mark.django_db


class TestSalesmanAdapter(ShopAdapterTests):
    adapter = SalesmanAdapter

    def fill(self, n=""):
        books = [seed.make_book(f"Book {title}{n}") for title in "AB"]
        seed.make_book("Gone", is_sold_out=True)
        phone = seed.make_phone(f"Phone {n}")
        user = seed.make_user(f"ann{n}")
        seed.make_order(f"1-{n}", [*books, phone.variants.first()], user=user)

    def fill_more(self):
        for n in range(2):
            self.fill(n)

    def make_variant(self):
        phone = seed.make_phone("Folding")
        return phone.variants.first(), phone

    def make_guest_order(self, email):
        return seed.make_order(f"g-{email}", [seed.make_book("Emma")], email=email)


@pytest.fixture
def adapter():
    return SalesmanAdapter()


def test_keys_are_what_salesmans_own_api_calls_its_products(adapter):
    book, phone = seed.make_book("Emma"), seed.make_phone("Folding")

    assert adapter.item_key(book) == f"minisalesman.Book:{book.pk}"
    assert adapter.item_key(phone.variants.last()) == f"minisalesman.Phone:{phone.pk}"


def test_product_types_that_settings_do_not_mention_are_known(settings):
    settings.ENGAGEMENT = {}
    adapter = SalesmanAdapter()
    book, variant = seed.make_book("Emma"), seed.make_phone("Folding").variants.first()

    assert {item.title for item in adapter.iter_items()} >= {"Emma", "Folding, black"}
    assert adapter.item_key(variant) == f"minisalesman.PhoneVariant:{variant.pk}"
    assert adapter.resolve([adapter.item_key(book)]) == {adapter.item_key(book): book}


def test_lines_know_their_item_without_its_row(adapter, django_assert_num_queries):
    book = seed.make_book("Emma")
    basket = get_salesman_model("Basket").objects.create()
    line = type(basket).objects.get().add(book)
    adapter.item_key(line)
    line = type(line).objects.get()

    with django_assert_num_queries(0):
        assert adapter.item_key(line) == f"minisalesman.Book:{book.pk}"


def test_an_order_keeps_what_was_deleted_since(adapter):
    book = seed.make_book("Emma")
    seed.make_order("1", [book])
    key = adapter.item_key(book)
    book.delete()

    (order,) = adapter.iter_orders()

    assert [line.item_key for line in order.lines] == [key]


def test_a_variant_that_was_deleted_since_is_no_item_any_more(adapter):
    phone = seed.make_phone("Folding")
    seed.make_order("1", [phone.variants.first()])
    phone.delete()

    (order,) = adapter.iter_orders()

    assert [line.item_key for line in order.lines] == [""]


def test_orders_that_have_not_left_the_basket_are_none(adapter):
    order = seed.make_order("1", [seed.make_book("Emma")], status="NEW")

    assert adapter.order_data(order) is None
    assert list(adapter.iter_orders()) == []


def test_prices_are_those_of_strangers_where_nobody_asks(adapter):
    seed.make_book("Emma", price=Decimal(12))

    (item,) = adapter.iter_items()

    assert item.price == Decimal(12)


def test_looking_at_a_basket_makes_none(adapter, rf):
    request = rf.get("/")
    request.user = AnonymousUser()
    request.session = {}

    assert list(adapter.cart_keys(request)) == []
    assert request.session == {}
    assert not get_salesman_model("Basket").objects.exists()


def test_the_settings_of_the_page_are_right():
    assert [message for message in check_settings() if message.id != "engagement.W002"] == []


def test_a_wrong_name_in_a_product_type_is_told(settings):
    settings.ENGAGEMENT = {
        **settings.ENGAGEMENT,
        "CATALOGUE": {"MODEL": "minisalesman.Book", "CATEGORY": "shelv"},
        "BASKET_DISCOUNT": "nowhere.at_all",
    }
    found = {message.msg: message.hint for message in check_settings()}

    assert "ENGAGEMENT['CATALOGUE'][0]['CATEGORY']: Book has no 'shelv'." in found
    assert any("BASKET_DISCOUNT" in text for text in found)
