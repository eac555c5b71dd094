"""Both shops of the repository keep the contract of an adapter."""

from datetime import timedelta

import pytest

from engagement.adapters import ModelAdapter, ShopAdapter
from engagement.testing import ShopAdapterTests
from engagement.testing.adapters import STRANGE_KEYS
from shop_demo.adapter import DemoAdapter
from shop_demo.models import Category, Order, OrderLine, Product
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_book, make_sale


class TestModelsNamedInSettings(ShopAdapterTests):
    adapter = ModelAdapter

    def fill(self):
        books = [make_book(title, genre="Novels") for title in ("Dune", "Emma", "Ulysses")]
        make_book("Villette", sold_out=True)
        make_sale("ann", books[:2], at=MONDAY - timedelta(days=1))
        make_sale(None, books, at=MONDAY)

    def fill_more(self):
        books = [make_book(f"Book {n}", genre=f"Genre {n}") for n in range(3)]
        for n in range(3):
            make_sale(f"reader {n}", books, at=MONDAY)


class TestTheDemonstrationShop(ShopAdapterTests):
    adapter = DemoAdapter

    @pytest.fixture
    def shop(self, demo, db):
        self.fill()
        return self.adapter()

    def fill(self, name="Milk"):
        shelf = Category.objects.create(slug=name, name=name, picture="glass-of-milk")
        facts = {"category": shelf, "price": 2, "regular_price": 2, "added_at": MONDAY}
        products = [
            Product.objects.create(sku=f"{name}-{n}", name=f"{name} {n}", stock=stock, **facts)
            for n, stock in enumerate((5, 5, 5, 0))
        ]
        order = Order.objects.create(number=f"F-{name}", placed_at=MONDAY, total=4)
        for product in products[:2]:
            OrderLine.objects.create(order=order, product=product, total=2)

    def fill_more(self):
        self.fill("Cheese")


def test_an_adapter_that_answers_nothing_is_safe_to_ask(rf):
    shop = ShopAdapter()
    request = rf.get("/")

    assert list(shop.iter_items()) == []
    assert list(shop.iter_orders()) == []
    assert list(shop.cart_keys(request)) == []
    assert shop.get_customer(request) == ""
    assert shop.is_staff(request) is False
    assert shop.get_consent(request) is None


@pytest.mark.django_db
def test_whole_numbers_as_keys_know_their_limits(settings, django_user_model):
    settings.ENGAGEMENT = {"CATALOGUE": {"MODEL": "auth.User", "TITLE": "username"}}
    ann = django_user_model.objects.create_user("ann")

    found = ModelAdapter().resolve([*STRANGE_KEYS, str(2**31), str(2**63), str(ann.pk)])

    assert found == {str(ann.pk): ann}
