"""A visitor goes through a headless shop made with Salesman, and the app through it with them."""

from collections import Counter
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from salesman.core.utils import get_salesman_model

from engagement.adapters import guest
from engagement.contrib.salesman.adapter import SalesmanAdapter
from engagement.flows.collecting.identity import customer_key
from engagement.models import Event, EventName
from tests.shops import faults
from tests.shops.faults import dead_broker  # noqa: F401
from tests.shops.minisalesman import seed
from tests.shops.minisalesman.models import Book

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "tests.shops.minisalesman.test_walk"


class Shopper:
    """Uses the shop's API as its front end does; every answer must be a good one."""

    def __init__(self, user=None):
        self.client = Client(headers={"user-agent": "Mozilla/5.0 Firefox/140.0"})
        if user is not None:
            self.client.force_login(user)

    def _ask(self, method, path, data=None, **more):
        ask = getattr(self.client, method)
        response = ask(path, data, content_type="application/json", **more)
        assert response.status_code < 300, (path, response.status_code, response.content)
        return response.json() if response.content else None

    def view(self, product):
        key = f"{product._meta.label}:{product.pk}"
        event = {"event": "view_item", "items": [{"item_id": key}]}
        answer = self._ask("post", "/engagement/events/", {"events": [event]})
        assert answer["rejected"] == []

    def add(self, product, quantity=1):
        line = {"product_type": product._meta.label, "product_id": product.pk}
        return self._ask("post", "/shop/basket/", {**line, "quantity": quantity})

    def change(self, line, quantity):
        return self._ask("put", f"/shop/basket/{line['ref']}/", {"quantity": quantity})

    def remove(self, line):
        self._ask("delete", f"/shop/basket/{line['ref']}/")

    def basket(self):
        return self._ask("get", "/shop/basket/")

    def check_out(self, email="guest@example.org"):
        order = {"email": email, "payment_method": "pay-in-advance"}
        home = {"shipping_address": "1 Mill Lane", "billing_address": "1 Mill Lane"}
        return self._ask("post", "/shop/checkout/", order | home)

    def shelf(self, placement, **query):
        path = f"/engagement/recommendations/{placement}/"
        response = self.client.get(path, query)
        assert response.status_code == 200, response.content
        return [item["key"] for item in response.json()["items"]]


@pytest.fixture
def shop(transactional_db):
    books, phones = seed.make_shop()
    call_command("engagement_backfill", verbosity=0)
    Event.objects.filter(visitor=None).delete()
    return books, phones


def counted():
    rows = Event.objects.exclude(order_ref__startswith="past")
    return Counter(EventName(event).code for event in rows.values_list("event", flat=True))


def orders():
    return get_salesman_model("Order").objects.exclude(ref__startswith="past")


def test_a_guest_is_counted_once_at_every_step(shop):
    books, phones = shop
    shopper = Shopper()

    shopper.view(books[0])
    shopper.add(books[0], 2)
    shopper.add(phones[0].variants.last())
    shopper.check_out()

    assert counted() == {"view_item": 1, "add_to_cart": 2, "purchase": 2}
    bought = Event.objects.filter(order_ref=orders().get().ref)
    assert {(row.item.key, row.quantity, row.value, row.currency) for row in bought} == {
        (f"minisalesman.Book:{books[0].pk}", 2, Decimal(20), "EUR"),
        (f"minisalesman.Phone:{phones[0].pk}", 1, Decimal(100), "EUR"),
    }
    variant = Event.objects.get(
        event=EventName.PURCHASE, item__item_type="minisalesman.Phone", order_ref=orders().get().ref
    )
    assert variant.variant_id == str(phones[0].variants.last().pk)
    # The visit that has led here, not a stranger known by an address.
    visitors = Event.objects.exclude(order_ref__startswith="past").values_list("visitor__key")
    assert len(set(visitors)) == 1


def test_a_customer_is_known_wherever_the_order_is_told(shop):
    ann = seed.make_user("ann")
    shopper = Shopper(ann)

    shopper.add(shop[0][0])
    shopper.check_out("ann@example.org")
    call_command("engagement_backfill", verbosity=0)

    rows = Event.objects.filter(event=EventName.PURCHASE, order_ref=orders().get().ref)
    assert rows.get().visitor.key == customer_key(str(ann.pk), "")


def test_shelves_are_answered_with_the_shops_own_names(shop):
    books, _phones = shop
    call_command("engagement_train", verbosity=0)
    shopper = Shopper()
    key = f"minisalesman.Book:{books[0].pk}"

    assert shopper.shelf("product.bought_together", item=key)[0] == (
        f"minisalesman.Book:{books[1].pk}"
    )
    home = shopper.shelf("home.for_you")
    assert home
    assert {one.partition(":")[0] for one in home} <= {"minisalesman.Book", "minisalesman.Phone"}
    shopper.add(books[0])
    assert key not in shopper.shelf("cart.complete_the_set")


def test_what_is_sold_out_leaves_the_shelf(shop):
    call_command("engagement_train", verbosity=0)
    key = f"minisalesman.Book:{shop[0][0].pk}"
    assert Shopper().shelf("product.bought_together", item=key)

    Book.objects.filter(pk=shop[0][1].pk).update(is_sold_out=True)

    shelf = Shopper().shelf("product.bought_together", item=key)
    assert f"minisalesman.Book:{shop[0][1].pk}" not in shelf


def test_a_basket_is_followed_line_by_line(shop):
    shopper = Shopper()

    line = shopper.add(shop[0][0], 2)
    shopper.add(shop[0][0], 1)
    shopper.change(line, 1)
    shopper.change(line, 1)
    shopper.remove(line)

    rows = Event.objects.exclude(order_ref__startswith="past").order_by("pk")
    assert [(EventName(row.event).code, row.quantity) for row in rows] == [
        ("add_to_cart", 2),
        ("add_to_cart", 1),
        ("remove_from_cart", 2),
        ("remove_from_cart", 1),
    ]


def test_signing_in_puts_nothing_into_the_basket_again(shop):
    ann = seed.make_user("ann")
    Shopper(ann).add(shop[0][0])
    shopper = Shopper()
    shopper.add(shop[0][0])
    shopper.add(shop[0][1])

    assert shopper.client.login(username="ann", password="secret")
    assert len(shopper.basket()["items"]) == 2

    assert counted() == {"add_to_cart": 3}


def test_lines_are_read_after_the_commit(shop):
    """Salesman announces an order before it has any."""
    with transaction.atomic():
        basket = get_salesman_model("Basket").objects.create(user=seed.make_user("ann"))
        basket.add(shop[0][0])
        request = Client().get("/shop/basket/").wsgi_request
        order = get_salesman_model("Order").objects.create_from_basket(basket, request)
        assert not Event.objects.filter(order_ref=order.ref).exists()

    assert Event.objects.filter(order_ref=order.ref).count() == 1


def test_an_order_that_is_rolled_back_was_none(shop):
    basket = get_salesman_model("Basket").objects.create(user=seed.make_user("ann"))
    basket.add(shop[0][0])
    request = Client().get("/shop/basket/").wsgi_request
    with transaction.atomic():
        get_salesman_model("Order").objects.create_from_basket(basket, request)
        transaction.set_rollback(True)

    assert counted() == {"add_to_cart": 1}


@pytest.mark.parametrize("status", ["CANCELLED", "REFUNDED"])
def test_what_was_bought_is_taken_back_once(shop, status):
    shopper = Shopper()
    shopper.add(shop[0][0])
    shopper.check_out()
    order = orders().get()

    order.status = "PROCESSING"
    order.save()
    order.status = status
    order.save()
    call_command("engagement_backfill", verbosity=0)

    assert counted() == {"add_to_cart": 1, "purchase": 1, "refund": 1}


def test_a_merchants_click_is_not_taken_for_the_buyers(shop):
    order = seed.make_order("2026-1", [shop[0][0]], email="Ann@example.org", status="NEW")
    staff = Client(headers={"user-agent": "Mozilla/5.0"})
    staff.force_login(seed.make_user("boss", is_staff=True, is_superuser=True))

    response = staff.put(
        f"/shop/orders/{order.ref}/status/", {"status": "CREATED"}, content_type="application/json"
    )

    assert response.status_code == 200
    bought = Event.objects.get(order_ref=order.ref)
    assert bought.visitor.key == customer_key(guest("ann@example.org"), "")
    assert bought.visitor.user_id is None


# -- what breaks ----------------------------------------------------------------------------------


def test_an_adapter_that_fails_costs_no_order(shop, monkeypatch):
    # In one shop: filling it takes longer than walking through it.
    for n, question in enumerate(faults.QUESTIONS, start=1):
        shopper = Shopper()
        with monkeypatch.context() as patch:
            faults.break_adapter(patch, SalesmanAdapter, question)
            shopper.add(shop[0][0])
            shopper.check_out()
            shopper.client.get("/engagement/recommendations/home.for_you/")

        assert orders().count() == n, question
        assert shopper.basket()["items"] == [], question


def test_a_database_error_costs_no_order(shop, monkeypatch):
    faults.break_database(monkeypatch)
    shopper = Shopper()

    shopper.add(shop[0][0])
    shopper.check_out()

    assert orders().count() == 1
    monkeypatch.undo()
    call_command("engagement_backfill", verbosity=0)
    assert counted() == {"purchase": 1}


def test_a_dead_broker_costs_no_order(shop, dead_broker, caplog):  # noqa: F811
    shopper = Shopper()

    shopper.view(shop[0][0])
    shopper.add(shop[0][0])
    shopper.check_out()
    key = f"minisalesman.Book:{shop[0][0].pk}"
    review = {"rating": 5, "body": "A fine book.", "author_name": "Ann"}
    shopper._ask("post", f"/engagement/items/{key}/reviews/", review)

    assert orders().count() == 1
    assert counted()["purchase"] == 1
    assert "left to the sweep" in caplog.text


def test_a_dead_cache_costs_no_order(shop, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CACHE": "there-is-none"}
    shopper = Shopper()

    shopper.view(shop[0][0])
    shopper.add(shop[0][0])
    shopper.check_out()
    shopper.shelf("home.for_you")

    assert counted()["purchase"] == 1


# -- a discount for one customer -------------------------------------------------------------------


def three_off_for_ann(basket, request):
    return ("For you", Decimal("3.00")) if request.user.username == "ann" else None


def everything_off(basket, request):
    return "A gift", 1000


def a_float(basket, request):
    return "Nearly three", 2.999


def less_than_nothing(basket, request):
    return "A fee", Decimal(-5)


def a_mistake(basket, request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")


@pytest.fixture
def discount(settings):
    def choose(function):
        path = f"{HERE}.{function.__name__}"
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "BASKET_DISCOUNT": path}

    return choose


def test_the_customer_who_was_chosen_pays_less(shop, discount):
    discount(three_off_for_ann)
    ann, bob = (Shopper(seed.make_user(name)) for name in ("ann", "bob"))
    for shopper in (ann, bob):
        shopper.add(shop[0][0])

    basket = ann.basket()

    assert (basket["subtotal"], basket["total"]) == ("9.00", "6.00")
    assert [(row["label"], row["amount"]) for row in basket["extra_rows"]] == [("For you", "-3.00")]
    assert bob.basket()["total"] == "9.00"
    assert ann.check_out()["total"] == "6.00"
    assert orders().get().total == Decimal(6)


def test_nobody_is_paid_for_buying(shop, discount):
    discount(everything_off)
    shopper = Shopper()
    shopper.add(shop[0][0])

    assert shopper.basket()["total"] == "0.00"


@pytest.mark.parametrize("function", [a_float, less_than_nothing, a_mistake])
def test_a_discount_that_is_none_costs_nothing(shop, discount, function):
    discount(function)
    shopper = Shopper()
    shopper.add(shop[0][0])

    assert shopper.basket()["total"] == "10.00"
    shopper.check_out()
    assert orders().count() == 1
