"""A shop whose settings name everything answers as every shop must."""

import pytest
from flexcommerce_catalog.models import Product
from flexcommerce_orders.models import Order

from engagement.adapters import ModelReviews, get_adapter
from engagement.checks import check_settings
from engagement.testing import ShopAdapterTests, ShopReviewsTests
from tests.shops.miniflex import seed

pytestmark = pytest.mark.django_db


class TestFlexCommerce(ShopAdapterTests):
    n_sellable = 3
    n_sold_out = 2

    @staticmethod
    def adapter():
        return get_adapter()

    def fill(self, n=""):
        things = [seed.make_product(f"{name}{n}", options=("S", "L")) for name in "ABC"]
        seed.make_product(f"Gone{n}", in_stock=False)
        seed.make_product(f"Draft{n}", status=Product.STATUS_DRAFT)
        variants = [variant for thing in things for variant in thing.variants.all()]
        seed.make_order(f"1-{n}", variants, user=seed.make_user(f"ann{n}"))

    def fill_more(self):
        for n in range(2):
            self.fill(n)

    def make_variant(self):
        product = seed.make_product("Shirt", options=("S",))
        return product.variants.get(), product

    def make_guest_order(self, email):
        number = f"G{Order.objects.count()}"
        return seed.make_order(number, seed.make_product("Mug").variants.all(), email=email)


class TestReviewsOfFlexCommerce(ShopReviewsTests):
    @staticmethod
    def reviews():
        return get_adapter().reviews()

    def fill(self):
        for name in ("ann", "bob"):
            seed.make_review(seed.make_product(f"Mug of {name}"), seed.make_user(name))


@pytest.fixture
def shop():
    return get_adapter()


def test_the_settings_of_the_page_are_right():
    assert [message for message in check_settings() if message.id != "engagement.W002"] == []


def test_keys_are_uuids_as_text(shop):
    mug = seed.make_product("Mug", category="Drinking", price=7)

    (item,) = shop.iter_items()

    assert item.key == str(mug.pk)
    assert (item.title, float(item.price), item.category) == ("Mug", 7.0, ("Drinking",))
    assert item.url == "https://shop.example/products/mug"


def test_a_review_of_a_variant_is_one_of_its_product(shop):
    mug = seed.make_product("Mug")
    review = seed.make_review(mug.variants.get(), seed.make_user("ann"))

    assert isinstance(shop.reviews(), ModelReviews)
    assert shop.reviews().get_reviews([str(review.pk)])[str(review.pk)].item_key == str(mug.pk)


@pytest.mark.django_db(transaction=True)
def test_a_decision_about_a_review_counts_the_stars_again(shop):
    mug = seed.make_product("Mug")
    review = seed.make_review(mug, seed.make_user("ann"), rating=4)

    assert shop.reviews().set_status(
        str(review.pk), "published", seen=["pending", "held"], actor=None
    )

    mug.refresh_from_db()
    assert (mug.rating_avg, mug.rating_count) == (4, 1)


def test_orders_that_were_never_confirmed_are_none(shop):
    order = seed.make_order("1", seed.make_product("Mug").variants.all(), status="pending")

    assert shop.order_data(order) is None
