"""A visitor goes through a headless shop with UUID keys, which the app knows by settings alone."""

from collections import Counter

import pytest
from django.core.management import call_command
from django.test import Client
from flexcommerce_engagement.models import ProductReview
from flexcommerce_orders.models import Order
from flexcommerce_orders.services import OrderService

from engagement.adapters import ModelAdapter
from engagement.flows.collecting.identity import customer_key
from engagement.flows.reviews.deciding import decide
from engagement.models import Event, EventName, Item, ReviewAnalysis, Visitor
from tests.shops import faults
from tests.shops.faults import dead_broker  # noqa: F401
from tests.shops.miniflex import seed

pytestmark = pytest.mark.django_db(transaction=True)
HOME = {
    "first_name": "Ann",
    "last_name": "Smith",
    "phone": "+2348012345678",
    "line1": "1 Mill Lane",
    "city": "Lagos",
    "state": "Lagos",
    "country": "Nigeria",
}


class Shopper:
    """Uses the shop's API as its front end does; every answer must be a good one."""

    def __init__(self, user=None):
        self.client = Client(headers={"user-agent": "Mozilla/5.0 Firefox/140.0"})
        if user is not None:
            self.client.force_login(user)

    def _ask(self, method, path, data=None):
        response = getattr(self.client, method)(path, data, content_type="application/json")
        assert response.status_code < 300, (path, response.status_code, response.content)
        return response.json() if response.content else None

    def view(self, product):
        self._ask("post", "/api/recently-viewed/track/", {"product_id": str(product.pk)})

    def add(self, variant, quantity=1):
        line = {"product_id": str(variant.pk), "quantity": quantity}
        return self._ask("post", "/api/cart/add/", line)

    def remove(self, line):
        self._ask("delete", f"/api/cart/{line['id']}/remove/")

    def check_out(self, email="guest@example.org", **more):
        order = {"payment_method": "pay_on_delivery", "shipping_address": HOME, "email": email}
        return self._ask("post", "/api/checkout/", order | more)

    def review(self, product, body):
        review = {"product_id": str(product.pk), "rating": 4, "body": body}
        return self._ask("post", "/api/reviews/", review)

    def shelf(self, placement, **query):
        response = self.client.get(f"/engagement/recommendations/{placement}/", query)
        assert response.status_code == 200, response.content
        return [item["key"] for item in response.json()["items"]]


@pytest.fixture
def shop(transactional_db):
    products = seed.make_shop()
    call_command("engagement_backfill", verbosity=0)
    return products


def new():
    return Event.objects.exclude(order_ref__startswith="past")


def counted():
    return Counter(EventName(event).code for event in new().values_list("event", flat=True))


def orders():
    return Order.objects.exclude(order_number__startswith="past")


def test_a_guest_is_counted_once_at_every_step(shop):
    small, large = shop[0].variants.all()
    shopper = Shopper()

    shopper.view(shop[0])
    shopper.add(small, 2)
    shopper.add(large)
    shopper.check_out()
    call_command("engagement_backfill", verbosity=0)

    assert counted() == {"view_item": 1, "add_to_cart": 2, "purchase": 2}
    rows = new().filter(event=EventName.PURCHASE)
    key = str(shop[0].pk)
    assert {(row.item.key, row.variant_id, row.quantity) for row in rows} == {
        (key, str(small.pk), 2),
        (key, str(large.pk), 1),
    }
    assert len(set(new().values_list("visitor"))) == 1


def test_an_address_is_nowhere(shop):
    shopper = Shopper()
    shopper.add(shop[0].variants.first())
    shopper.check_out("ann@example.org")
    call_command("engagement_backfill", verbosity=0)

    for model in (Event, Item, Visitor):
        assert not any("ann@" in str(row) for row in model.objects.values())


def test_a_customer_is_known_on_every_way(shop):
    ann = seed.make_user("ann")
    shopper = Shopper(ann)

    shopper.view(shop[0])
    shopper.add(shop[0].variants.first())
    shopper.check_out("ann@example.org")

    assert {row.visitor.key for row in new()} == {customer_key(str(ann.pk), "")}
    assert counted()["purchase"] == 1


def test_a_checkout_that_is_sent_twice_is_bought_once(shop):
    shopper = Shopper()
    shopper.add(shop[0].variants.first())
    for _time in range(2):
        shopper.check_out(idempotency_key="k1")

    assert orders().count() == 1
    assert counted()["purchase"] == 1


def test_shelves_are_answered_with_uuids(shop):
    call_command("engagement_train", verbosity=0)
    shopper = Shopper()

    shelf = shopper.shelf("product.bought_together", item=str(shop[0].pk))
    assert shelf[0] == str(shop[1].pk)
    assert set(shopper.shelf("home.for_you")) <= {str(product.pk) for product in shop}


def test_what_lies_in_the_cart_is_not_recommended_to_it(shop):
    call_command("engagement_train", verbosity=0)
    shopper = Shopper()
    shopper.add(shop[0].variants.first())

    shelf = shopper.shelf("cart.complete_the_set")

    assert str(shop[1].pk) in shelf
    assert str(shop[0].pk) not in shelf


def test_what_is_taken_out_and_cancelled_is_told(shop):
    shopper = Shopper()
    cart = shopper.add(shop[0].variants.first())
    shopper.remove(cart["items"][0])
    shopper.add(shop[1].variants.first())
    shopper.check_out()

    OrderService(orders().get()).transition(Order.STATUS_CANCELLED)
    call_command("engagement_backfill", verbosity=0)

    assert counted() == {"add_to_cart": 2, "remove_from_cart": 1, "purchase": 1, "refund": 1}


def test_the_shops_own_reviews_are_read_and_decided_about(shop):
    shopper = Shopper(seed.make_user("ann"))
    shopper.review(shop[0], "Absolutely awful, I hate it.")

    call_command("engagement_classify", verbosity=0)

    review = ProductReview.objects.get()
    assert ReviewAnalysis.objects.filter(subject_key=str(review.pk)).count() == 1
    decide("shop", str(review.pk), "published", at=review.created_at)
    review.refresh_from_db()
    shop[0].refresh_from_db()
    assert (review.is_approved, shop[0].rating_count) == (True, 1)


# -- what breaks ----------------------------------------------------------------------------------


def test_an_adapter_that_fails_costs_no_order(shop, monkeypatch):
    # In one shop: filling it takes longer than walking through it.
    for n, question in enumerate(faults.QUESTIONS, start=1):
        shopper = Shopper()
        with monkeypatch.context() as patch:
            faults.break_adapter(patch, ModelAdapter, question)
            shopper.view(shop[0])
            shopper.add(shop[0].variants.first())
            shopper.check_out()
            shopper.client.get("/engagement/recommendations/home.for_you/")

        assert orders().filter(status=Order.STATUS_CONFIRMED).count() == n, question


def test_a_database_error_costs_no_order(shop, monkeypatch):
    faults.break_database(monkeypatch)
    shopper = Shopper()
    shopper.view(shop[0])
    shopper.add(shop[0].variants.first())
    shopper.check_out()

    assert orders().count() == 1
    monkeypatch.undo()
    call_command("engagement_backfill", verbosity=0)
    assert counted() == {"purchase": 1}


def test_a_dead_broker_costs_no_order(shop, dead_broker):  # noqa: F811
    shopper = Shopper(seed.make_user("ann"))
    shopper.view(shop[0])
    shopper.add(shop[0].variants.first())
    shopper.check_out()
    shopper.review(shop[0], "Fine.")

    assert counted()["purchase"] == 1


def test_a_dead_cache_costs_no_order(shop, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CACHE": "there-is-none"}
    shopper = Shopper()
    shopper.view(shop[0])
    shopper.add(shop[0].variants.first())
    shopper.check_out()
    shopper.shelf("home.for_you")

    assert counted()["purchase"] == 1
