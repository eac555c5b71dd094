"""The adapter for Oscar answers as every adapter must, and as Oscar's own strategy does."""

import pytest
from oscar.core.loading import get_model
from oscar.test.factories import UserFactory

from engagement.contrib.oscar.adapter import OscarAdapter
from engagement.contrib.oscar.reviews import OscarReviews
from engagement.testing import AdapterTests, ShopReviewsTests
from tests.shops.minioscar import seed


class TestOscarAdapter(AdapterTests):
    adapter = OscarAdapter

    def fill(self):
        mugs = [seed.make_product(f"Mug {n}") for n in range(3)]
        seed.make_product("Gone", stock=0)
        seed.make_order("1001", mugs[:2], user=UserFactory())

    def fill_more(self):
        more = [seed.make_product(f"Lamp {n}", "Demo > Lamps") for n in range(3)]
        seed.make_order("1002", more, user=UserFactory())

    def make_variant(self):
        shirt = seed.make_parent("Shirt", ["S", "L"])
        return shirt.children.first(), shirt

    def make_guest_order(self, email):
        cup = seed.make_product(f"Cup of {email}")
        return seed.make_order(f"of {email}", [cup], guest_email=email)


class TestOscarReviews(ShopReviewsTests):
    reviews = OscarReviews
    can_reply = False

    def fill(self):
        mug = seed.make_product("Mug")
        for score in (5, 1):
            get_model("reviews", "ProductReview").objects.create(
                product=mug, score=score, title="Mug", body="A mug.", user=UserFactory(), status=0
            )


@pytest.fixture
def adapter(db):
    return OscarAdapter()


def test_a_variant_is_its_product(adapter):
    parent = seed.make_parent("Shirt", ["S", "L"])
    child = parent.children.first()

    assert adapter.item_key(child) == adapter.item_key(parent) == str(parent.pk)
    assert [item.key for item in adapter.iter_items()] == [str(parent.pk)]
    assert list(adapter.resolve([str(parent.pk), str(child.pk)])) == [str(parent.pk)]


def test_a_product_whose_variants_are_sold_out_is_not_shown(adapter):
    parent = seed.make_parent("Shirt", ["S"], stock=0)

    assert adapter.resolve([str(parent.pk)]) == {}


def test_hidden_products_are_not_shown(adapter):
    mug = seed.make_product("Mug", is_public=False)

    assert adapter.resolve([str(mug.pk)]) == {}
    assert [item.is_active for item in adapter.iter_items()] == [False]


def test_items_carry_the_strategys_price_and_the_path_of_their_category(adapter):
    seed.make_product("Mug", "Demo > Kitchen > Mugs", price=7)

    (item,) = adapter.iter_items()

    assert (item.title, float(item.price), item.currency) == ("Mug", 7.0, "EUR")
    assert item.category == ("Demo", "Kitchen", "Mugs")


def test_guests_are_known_by_their_address_and_stored_by_its_hash(adapter):
    seed.make_order("1002", [seed.make_product("Mug")], guest_email="Ann@Example.org ")

    (order,) = adapter.iter_orders()

    assert order.customer == "email:ann@example.org"


def test_lines_of_deleted_products_are_left_out(adapter):
    mug, lamp = seed.make_product("Mug"), seed.make_product("Lamp")
    seed.make_order("1003", [mug, lamp])
    mug.delete()

    (order,) = adapter.iter_orders()

    assert [line.item_key for line in order.lines] == [str(lamp.pk)]


def test_a_decision_about_a_review_counts_the_stars_again(adapter):
    mug = seed.make_product("Mug")
    review = get_model("reviews", "ProductReview").objects.create(
        product=mug, score=4, title="Mug", body="A mug.", user=UserFactory(), status=0
    )
    mug.refresh_from_db()
    assert mug.rating is None

    OscarReviews().set_status(str(review.pk), "published", seen=["pending"], actor=None)

    mug.refresh_from_db()
    assert mug.rating == 4
