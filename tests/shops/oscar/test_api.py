"""What is put into a basket and ordered through django-oscar-api counts once, and for its buyer."""

import json
from decimal import Decimal

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from oscar.core.loading import get_model
from oscar.test.factories import UserFactory

from engagement.models import Event, EventName, Redemption
from tests.shops.oscar.test_offers import give, make_offer
from tests.shops.oscar.walking import FIREFOX, Walker, counted

pytestmark = pytest.mark.skipif(
    not apps.is_installed("oscarapi"),
    reason="needs django-oscar-api: --ds=tests.shops.apioscar.settings",
)


class ApiClient:
    def __init__(self) -> None:
        self.client = Client(HTTP_USER_AGENT=FIREFOX)

    def send(self, method: str, url: str, data: dict | None = None) -> dict:
        send = getattr(self.client, method)
        answer = send(url, json.dumps(data or {}), content_type="application/json")
        assert answer.status_code < 300, (url, answer.status_code, answer.content)
        return answer.json() if answer.content else {}

    def add(self, product, quantity: int = 1) -> dict:
        url = f"http://testserver{reverse('product-detail', args=[product.pk])}"
        data = {"url": url, "quantity": quantity}
        return self.send("post", reverse("api-basket-add-product"), data)

    def check_out(self, basket: dict, **data: str) -> dict:
        country = reverse("country-detail", args=["GB"])
        address = {
            "country": f"http://testserver{country}",
            "first_name": "Ann",
            "last_name": "Smith",
            "line1": "1 Mill Lane",
            "line4": "Leeds",
            "postcode": "LS1 1AA",
        }
        return self.send(
            "post",
            reverse("api-checkout"),
            {"basket": basket["url"], "shipping_address": address, **data},
        )


def test_a_customers_order_is_counted_once(shop):
    ann = UserFactory()
    api = ApiClient()
    api.client.force_login(ann)

    basket = api.add(shop.mug, 2)
    api.add(shop.teapot)
    order = api.check_out(basket)

    assert counted() == {"add_to_cart": 2, "purchase": 2}
    (placed,) = shop.orders()
    assert placed.number == order["number"]
    bought = Event.objects.filter(order_ref=placed.number)
    assert {event.visitor.user_id for event in bought} == {ann.pk}


def test_a_changed_and_a_deleted_line_count_by_their_pieces(shop):
    api = ApiClient()
    api.client.force_login(UserFactory())
    basket = api.add(shop.mug, 2)
    line = get_model("basket", "Line").objects.get(basket_id=basket["id"])
    url = reverse("basket-line-detail", args=[basket["id"], line.pk])

    api.send("patch", url, {"quantity": 5})
    api.send("delete", url)

    rows = Event.objects.filter(event_time__gt=line.date_created).order_by("pk")
    assert [(EventName(row.event).code, row.quantity) for row in rows] == [
        ("add_to_cart", 2),
        ("add_to_cart", 3),
        ("remove_from_cart", 5),
    ]


def test_a_guest_without_our_cookie_is_known_by_the_address(shop):
    api = ApiClient()

    api.check_out(api.add(shop.mug), guest_email="guest@example.org")

    assert counted()["purchase"] == 1
    (order,) = shop.orders()
    assert order.guest_email == "guest@example.org"


def test_a_code_of_one_customer_counts_for_nobody_else(shop):
    ann, bob = UserFactory(), UserFactory()
    code = {"vouchercode": give(make_offer(), ann).shown_code}
    add = reverse("api-basket-add-voucher")
    baskets = {}
    for user in (ann, bob):
        baskets[user] = ApiClient()
        baskets[user].client.force_login(user)
    basket = baskets[ann].add(shop.teapot)
    baskets[bob].add(shop.teapot)

    refused = baskets[bob].client.post(add, json.dumps(code), content_type="application/json")
    baskets[ann].send("post", add, code)
    order = baskets[ann].check_out(basket)

    assert refused.status_code == 406
    assert Decimal(order["total_incl_tax"]) == Decimal("21.60")
    assert Redemption.objects.get().order_ref == order["number"]


def test_the_shops_pages_are_as_they_were(shop):
    walker = Walker()

    walker.buy(shop.mug)

    assert {"product.bought_together", "product.similar"} <= walker.shelves["product"]
    assert counted() == {
        "view_item": 1,
        "search": 1,
        "add_to_cart": 1,
        "begin_checkout": 1,
        "purchase": 1,
    }
