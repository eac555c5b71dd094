"""Offers in a headless shop made with Salesman: typed by its front end, seen in its baskets."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory, TestCase
from django.utils import timezone
from salesman.checkout.payment import PaymentError
from salesman.core.utils import get_salesman_model

from engagement.adapters import get_adapter
from engagement.contrib.salesman.offers import SalesmanOffers
from engagement.current_request import serving
from engagement.flows.promotions import granting, offers
from engagement.flows.promotions.shoppers import shopper_of
from engagement.flows.serving import live
from engagement.flows.serving.visit import person_of_customer
from engagement.models import Campaign, Promotion, Redemption
from engagement.testing import ShopOffersTests
from tests.shops.minisalesman import seed
from tests.shops.minisalesman.test_walk import Shopper as Visitor
from tests.shops.minisalesman.test_walk import orders


class TestSalesmanOffers(ShopOffersTests):
    offers = SalesmanOffers

    def fill(self):
        for title in ("Emma", "Dune"):
            seed.make_book(title)

    def browse(self):
        request = RequestFactory().post("/", headers={"user-agent": "Mozilla/5.0 Firefox/140.0"})
        request.user, request.session = AnonymousUser(), {}
        basket, _new = get_salesman_model("Basket").objects.get_or_create_from_request(request)
        for book in seed.Book.objects.all():
            basket.add(book, 2)
        return request

    def order(self, request, codes):
        basket, _new = get_salesman_model("Basket").objects.get_or_create_from_request(request)
        basket.extra = {"codes": codes}
        with serving(request):
            try:
                order = get_salesman_model("Order").objects.create_from_basket(basket, request)
            except PaymentError:
                assert not get_salesman_model("Order").objects.exists()
                return None
        return order.ref, order.total

    def cancel(self, order_ref):
        order = get_salesman_model("Order").objects.get(ref=order_ref)
        order.status = "CANCELLED"
        with TestCase.captureOnCommitCallbacks(execute=True):
            order.save()


class Shopper(Visitor):
    def type_codes(self, *codes):
        self._ask("put", "/shop/basket/extra/", {"extra": {"codes": codes}})
        return self.basket()["extra_rows"]


def make_offer(**fields):
    campaign = Campaign.objects.create(
        name="spring",
        currency="EUR",
        status=Campaign.Status.RUNNING,
        started_at=timezone.now() - timedelta(days=1),
    )
    values = {"kind": "percentage", "value": 10, "code_kind": "personal", **fields}
    values["texts"] = {"en": {"title": "A tenth off"}}
    row = Promotion.objects.create(campaign=campaign, name="tenth", **values)
    live.forget()
    return row


def give(offer, user):
    at = timezone.now()
    who = shopper_of(person_of_customer(str(user.pk), get_adapter().get_channel()), at=at)
    return granting.grant(offers.detached(offers.rows(pk=offer.pk).get()), shopper=who, at=at)


@pytest.fixture
def shoppers(transactional_db):
    book = seed.make_book("Emma")
    users = [seed.make_user(name) for name in ("ann", "bob")]
    found = [Shopper(user) for user in users]
    for shopper, user in zip(found, users, strict=True):
        shopper.user = user
        shopper.add(book, 2)
    return found


def test_the_customer_who_was_given_a_code_pays_less_once(shoppers):
    ann, bob = shoppers
    before = Decimal(bob.basket()["total"])
    code = give(make_offer(), ann.user).shown_code

    (row,) = ann.type_codes(code.lower())
    (refused,) = bob.type_codes(code)

    less = (before / 10).quantize(Decimal("0.01"))
    assert (row["label"], row["amount"]) == ("A tenth off", f"-{less}")
    assert refused["label"].startswith("This code belongs to another customer.")
    assert (refused["amount"], refused["extra"]["reason"]) == ("0.00", "foreign")
    assert Decimal(bob.basket()["total"]) == before
    assert Decimal(ann.check_out()["total"]) == before - less
    assert Redemption.objects.get().discount == less

    answer = bob.client.post(
        "/shop/checkout/",
        {
            "email": "bob@example.org",
            "payment_method": "pay-in-advance",
            "shipping_address": "1 Mill Lane",
            "billing_address": "1 Mill Lane",
        },
        content_type="application/json",
    )
    assert answer.status_code == 402
    assert answer.json()["detail"].startswith("This code belongs to another customer.")
    assert orders().count() == 1
    bob.type_codes()
    assert Decimal(bob.check_out()["total"]) == before


def test_what_needs_no_code_is_a_row_by_itself(shoppers):
    ann, bob = shoppers
    give(make_offer(code_kind="automatic"), ann.user)

    assert [row["label"] for row in ann.basket()["extra_rows"]] == ["A tenth off"]
    assert bob.basket()["extra_rows"] == []


def test_looking_at_a_basket_with_a_wrong_code_is_no_guessing(shoppers, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CODE_RATE": "2/hour"}
    ann, _bob = shoppers
    code = give(make_offer(), ann.user).shown_code

    for _ in range(5):
        (row,) = ann.type_codes("nothing")
        assert row["extra"]["reason"] == "unknown"

    assert [row["label"] for row in ann.type_codes(code)] == ["A tenth off"]
    for n in range(3):
        rows = ann.type_codes(f"guess{n}")
    assert rows[0]["extra"]["reason"] == "too_often"


@pytest.mark.parametrize("written", ["TENTH", 7, None, {"a": 1}, [None, 7, ["x"]], ["", "-"]])
def test_anything_may_be_written_where_codes_are(shoppers, written):
    ann, _bob = shoppers
    ann._ask("put", "/shop/basket/extra/", {"extra": {"codes": written}})

    rows = ann.basket()["extra_rows"]

    assert [row["extra"]["reason"] for row in rows] == (["unknown"] if written == "TENTH" else [])


def test_offers_that_cannot_be_priced_cost_no_order(shoppers, monkeypatch):
    ann, _bob = shoppers
    give(make_offer(code_kind="automatic"), ann.user)

    def fail(*args, **kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr("engagement.contrib.salesman.offers.shopper_of", fail)

    ann.check_out()

    assert orders().count() == 1
