"""Offers in the demonstration shop: typed, taken off, ordered, given back."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from engagement.flows.collecting import identity
from engagement.flows.collecting.identity import customer_key
from engagement.flows.promotions import granting, running
from engagement.flows.promotions.shoppers import shopper_of
from engagement.flows.serving import live
from engagement.flows.serving.visit import person_of_customer
from engagement.models import Campaign, Grant, Item, Redemption
from shop_demo.models import Coupon, Household, Order, OrderDeduction, OrderLine, Product
from shop_demo.seeding import campaigns
from tests import promoting
from tests.journeys.test_demo_shop import order, put, sign_in
from tests.othershop.catalogue import make_item, make_visitor


@pytest.fixture(autouse=True)
def mirror(shop):
    """The catalogue as the app knows it."""
    for product in shop.values():
        make_item(product.name, external_id=str(product.pk), price=product.price)


def offer(name="tenth", **fields):
    spring = promoting.campaign(f"of-{name}", currency="USD", **fields.pop("campaign", {}))
    return promoting.running(name, of=spring, **{"is_for_everybody": True, **fields})


def type_code(client, code):
    return client.post(reverse("add_code"), {"code": code}, follow=True)


def cart(client):
    return client.get(reverse("cart")).context["bill"]


def placed():
    return Order.objects.get(checkout_key__isnull=False)


def give(offer, number):
    """Give an offer to a household as the decision does; return the code."""
    user = str(Household.objects.get(number=number).user_id)
    make_visitor(customer_key(user, ""), consent=True)
    at = timezone.now()
    shopper = shopper_of(person_of_customer(user, ""), at=at)
    return granting.grant(offer, shopper=shopper, at=at)


def test_what_needs_no_code_is_taken_off_by_itself_and_stays_in_the_order(shop, client):
    offer()
    put(client, shop[101], 2)

    page = client.get(reverse("cart")).content.decode()
    response = order(client)

    off = (2 * shop[101].price / 10).quantize(Decimal("0.01"))
    row = placed()
    assert f"−${off}" in page
    assert (row.total, row.discount) == (2 * shop[101].price - off, off)
    assert response.url == reverse("confirmation", args=[row.pk])
    assert OrderDeduction.objects.values_list("title", "amount").get() == ("Tenth", off)
    assert "Tenth" in client.get(reverse("order", args=[row.pk])).content.decode()
    assert Redemption.objects.get().order_ref == row.number


def test_a_code_is_typed_kept_and_taken_out_again(shop, client):
    offer(code_kind="shared", code="SPRING")
    put(client, shop[101])

    page = type_code(client, " spring ").content.decode()
    off = cart(client).discount
    client.post(reverse("drop_code"), {"code": "SPRING"})

    assert "The code counts." in page
    assert off == (shop[101].price / 10).quantize(Decimal("0.01"))
    assert cart(client).discount == 0


def test_a_refused_code_says_why_and_one_that_lacks_something_waits_for_it(shop, client):
    least = 3 * shop[101].price
    offer(code_kind="shared", code="SPRING", min_spend=least)
    put(client, shop[101])

    unknown = type_code(client, "NONSENSE").content.decode()
    waiting = type_code(client, "SPRING").content.decode()
    put(client, shop[101], 2)

    assert "We know no such code." in unknown
    assert "We know no such code." not in waiting
    assert f"Spend {2 * shop[101].price} USD more" in waiting
    assert cart(client).discount == (least / 10).quantize(Decimal("0.01"))


def test_a_personal_code_counts_for_its_owner_once(shop, client):
    code = give(offer(code_kind="personal", is_for_everybody=False), 3).shown_code
    sign_in(client, 4)
    put(client, shop[101])
    foreign = type_code(client, code).content.decode()
    client.logout()
    sign_in(client, 3)
    put(client, shop[101])
    type_code(client, code)
    order(client)
    put(client, shop[101])
    again = type_code(client, code).content.decode()

    assert "belongs to another customer" in foreign
    assert placed().discount > 0
    assert "You have used this offer already." in again
    assert cart(client).discount == 0


def test_an_offer_that_was_given_to_somebody_is_taken_off_for_nobody_else(shop, client):
    give(offer(is_for_everybody=False), 3)
    for number, is_off in ((4, False), (3, True)):
        sign_in(client, number)
        put(client, shop[101])
        assert bool(cart(client).discount) is is_off


def test_a_code_may_be_typed_at_the_checkout_too(shop, client):
    offer(code_kind="shared", code="SPRING")
    put(client, shop[101])

    refused = order(client, coupon="NONSENSE")
    response = order(client, coupon="spring")

    assert refused.status_code == 422
    assert refused.context["form"].errors["coupon"] == ["We know no such code."]
    assert response.status_code == 302
    assert placed().discount > 0


def test_the_coupon_of_a_mailing_and_an_offer_go_together_and_never_below_nothing(shop, client):
    coupon = Coupon.objects.get(campaign__number=1)
    Coupon.objects.filter(pk=coupon.pk).update(amount=Decimal("500.00"))
    offer(value=Decimal(50))
    sign_in(client, 1)
    put(client, shop[108])
    put(client, shop[101])

    type_code(client, coupon.code)
    order(client)

    row = placed()
    half = (shop[101].price / 2).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    assert row.discount == shop[108].price + half
    assert row.total == shop[101].price - half
    assert row.coupon_code == coupon.code
    assert OrderDeduction.objects.count() == 2


def test_a_present_lies_in_the_parcel_while_there_is_one(shop, client):
    offer(kind="gift", gift_key=str(shop[105].pk), cost=1)
    put(client, shop[101])

    page = client.get(reverse("cart")).content.decode()
    order(client)
    gift = OrderLine.objects.get(product=shop[105], order=placed())

    assert "A present" in page
    assert (gift.quantity, gift.total) == (1, 0)
    assert Product.objects.get(pk=shop[105].pk).stock == 49
    assert placed().total == shop[101].price


def test_nobody_pays_more_than_the_page_said(shop, client):
    row = offer(code_kind="automatic")
    put(client, shop[101])
    page = client.get(reverse("checkout"))
    total = page.context["bill"].total
    Campaign.objects.filter(pk=row.campaign_id).update(
        status="paused", updated_at=timezone.now() + timedelta(seconds=1)
    )

    refused = order(client, expected=str(total))
    accepted = order(client, expected=str(shop[101].price))

    assert refused.status_code == 422
    assert "An offer has run out meanwhile" in refused.content.decode()
    assert accepted.status_code == 302
    assert placed().total == shop[101].price


def test_a_budget_that_ends_meanwhile_orders_nothing_under_a_false_price(shop, client):
    row = offer(code_kind="shared", code="LAST", max_redemptions=1)
    put(client, shop[101])
    type_code(client, "LAST")
    total = client.get(reverse("checkout")).context["bill"].total
    row_in_db = Campaign.objects.get(pk=row.campaign_id).promotions.get()
    row_in_db.n_redeemed = 1
    row_in_db.save()

    response = order(client, expected=str(total))

    assert response.status_code == 422
    assert not Order.objects.filter(checkout_key__isnull=False).exists()
    assert Product.objects.get(pk=shop[101].pk).stock == 50


def test_cancelling_gives_the_budget_back_once_and_the_code_counts_again(shop, client):
    row = offer(code_kind="shared", code="ONCE", max_per_visitor=1)
    sign_in(client, 3)
    make_visitor(customer_key(str(Household.objects.get(number=3).user_id), ""), consent=True)
    put(client, shop[101])
    type_code(client, "ONCE")
    order(client)
    spent = Campaign.objects.get(pk=row.campaign_id).spent

    for _ in range(2):
        client.post(reverse("cancel_order", args=[placed().pk]))

    put(client, shop[101])
    type_code(client, "ONCE")
    assert spent > 0
    assert Campaign.objects.get(pk=row.campaign_id).spent == 0
    assert cart(client).discount > 0


def test_prices_and_discounts_that_a_browser_sends_are_not_read(shop, client):
    put(client, shop[101])

    order(client, discount="99", deductions="99", total="0.01")

    assert placed().total == shop[101].price
    assert not Redemption.objects.exists()


def test_nobody_is_led_to_another_site(shop, client):
    answer = client.post(reverse("add_code"), {"code": "X", "next": "https://elsewhere.example/"})

    assert answer.url.startswith(reverse("cart"))


def test_an_offers_card_puts_its_code_into_the_cart_with_one_click(shop, client):
    given = give(offer(code_kind="personal", is_for_everybody=False), 3)
    sign_in(client, 3)
    put(client, shop[101])
    card = {
        "title": "A tenth off",
        "code": given.shown_code,
        "placement": "cart.offer",
        "token": "signed",
        "offer": given,
    }
    html = render_to_string("engagement/promotion.html", {"offer": card}, RequestFactory().get("/"))
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', html))

    client.post(reverse("add_code"), fields)

    assert 'data-engagement-promotion="signed"' in html
    assert cart(client).discount > 0


def test_a_fresh_shop_has_sample_campaigns_that_run(shop, client):
    for product in Product.objects.select_related("category__parent"):
        path = " > ".join(
            part.name for part in (product.category.parent, product.category) if part is not None
        )
        Item.objects.filter(external_id=str(product.pk)).update(category=path)

    first, again = campaigns.save(timezone.now()), campaigns.save(timezone.now())

    live.forget()
    shown = {one.name for one in running.offers_of("", "cart.offer")}
    assert (first, again) == (2, 0)
    assert set(Campaign.objects.values_list("status", flat=True)) == {"running"}
    assert {"welcome", "five-off-forty", "pets-fifth"} <= shown
    assert all("zh-hans" in one.texts for one in running.offers_of("", "home.offer"))
    put(client, shop[101])
    type_code(client, "welcome10")
    assert cart(client).discount > 0


def test_an_offer_that_was_chosen_is_used_with_one_click(shop, settings):
    for product in shop.values():
        Product.objects.filter(pk=product.pk).update(price=30, regular_price=30)
    campaigns.save(timezone.now())
    live.forget()

    for n in range(60):
        client = Client(headers={"user-agent": "Mozilla/5.0 Firefox/140.0"})
        # Somebody who was here before: a policy chooses from the second page on.
        key = f"a{n:032x}"
        client.cookies["engagement_visitor"] = identity._signer().sign(key)
        make_visitor(key)
        put(client, shop[101], 2)
        page = client.get(reverse("cart")).content.decode()
        card = re.search(r"<aside[^>]*data-engagement-promotion.*?</aside>", page, re.DOTALL)
        if card and "five dollars off" in card.group().lower():
            break
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', card.group()))
    client.post(reverse("add_code"), fields)

    assert cart(client).discount > 0
    order(client)
    assert Redemption.objects.get().grant == Grant.objects.get(code=fields["code"].replace("-", ""))
