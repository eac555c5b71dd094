"""The demonstration shop as a visitor meets it: browse, cart, order, account."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from shop_demo.models import Cart, CartLine, Coupon, Household, Order, Product
from shop_demo.search import find

ADDRESS = {
    "name": "Ada Byron",
    "email": "ada@example.org",
    "street": "12 Analytical Row",
    "postcode": "SW1 2AB",
    "city": "London",
    "payment": "accepted",
}


def put(client, product, quantity=1, **fields):
    return client.post(reverse("add_to_cart", args=[product.pk]), {"quantity": quantity, **fields})


def in_cart():
    return {int(line.product.sku): line.quantity for line in CartLine.objects.all()}


def order(client, **fields):
    key = client.get(reverse("checkout")).context["form"].initial["checkout_key"]
    return client.post(reverse("checkout"), {**ADDRESS, "checkout_key": key, **fields})


def sign_in(client, number):
    client.force_login(Household.objects.get(number=number).user)


# -- looking around -------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_answers_in_both_languages(shop, client, language):
    client.post(reverse("set_language"), {"language": language})
    sign_in(client, 3)
    put(client, shop[101])
    pages = [
        reverse("home"),
        reverse("category", args=["pets"]),
        reverse("category", args=["cats"]),
        reverse("offers"),
        reverse("search") + "?q=milk",
        reverse("search") + "?q=unicorn",
        reverse("product", args=[shop[103].pk]),
        reverse("privacy"),
        reverse("cart"),
        reverse("checkout"),
        reverse("account"),
        reverse("order", args=[Order.objects.filter(user__household__number=3).first().pk]),
    ]

    for page in pages:
        response = client.get(page)
        assert response.status_code == 200, page
        assert f'lang="{language}"' in response.content.decode()
    if language == "zh-hans":
        assert "纯牛奶" in client.get(reverse("product", args=[shop[101].pk])).content.decode()
        assert "购物车" in response.content.decode()


def test_no_page_may_load_or_run_anything_from_elsewhere_or_inline(shop, client):
    response = client.get(reverse("product", args=[shop[101].pk]))

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    page = response.content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert " onclick=" not in page
    assert "<script>" not in page
    assert "//" not in page.replace("http://www.w3.org", "").replace("<!--//", "")


def test_a_category_can_be_filtered_sorted_and_bookmarked(shop, client):
    page = reverse("category", args=["pantry"])

    by_price = client.get(page + "?sort=-price").context["listing"].page.object_list
    cheap = client.get(page + f"?max_price={shop[108].price}").context["listing"].page
    brand = client.get(page + f"?brand={shop[108].brand}").context["listing"].page

    assert [p.price for p in by_price] == sorted((p.price for p in by_price), reverse=True)
    assert [p.sku for p in cheap] == ["108"]
    assert {p.brand for p in brand} == {shop[108].brand}


def test_nonsense_in_the_address_is_left_out(shop, client):
    page = reverse("category", args=["pantry"])

    response = client.get(page + "?sort=1;drop&min_price=cheap&page=-3&brand=Nobody")

    assert response.status_code == 200
    assert len(response.context["listing"].page.object_list) > 0


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("milk", [101]),
        ("white milk fennel", [101]),
        ("MILKS", [101]),
        ("nappies", [107]),
        ("猫罐头", [103, 104]),
        ("cat food ocean", [103]),
        ("milk unicorn", []),
        ("", []),
        ("%", []),
    ],
)
def test_a_search_finds_products_that_have_every_word(shop, words, found):
    assert sorted(int(product.sku) for product in find(words)) == found


def test_a_product_that_is_hidden_or_never_was_is_not_found(shop, client):
    Product.objects.filter(pk=shop[101].pk).update(is_active=False)

    assert client.get(reverse("product", args=[shop[101].pk])).status_code == 404
    assert client.get(reverse("product", args=[uuid.uuid4()])).status_code == 404
    assert "shelf is empty" in client.get("/nowhere/").content.decode()


# -- the cart ---------------------------------------------------------------------------------
def test_browsing_makes_no_cart(shop, client):
    client.get(reverse("home"))
    client.get(reverse("cart"))

    assert Cart.objects.count() == 0


def test_a_cart_is_filled_changed_and_emptied_without_scripts(shop, client):
    back = reverse("product", args=[shop[101].pk])
    assert put(client, shop[101], 2, next=back).url == back
    put(client, shop[101])
    put(client, shop[103])
    assert in_cart() == {101: 3, 103: 1}

    client.post(reverse("set_cart_line", args=[shop[101].pk]), {"quantity": 1})
    client.post(reverse("set_cart_line", args=[shop[103].pk]), {"quantity": 0})

    assert in_cart() == {101: 1}
    assert client.get(reverse("cart")).context["subtotal"] == shop[101].price


def test_a_script_gets_the_count_and_what_there_is_to_say(shop, client):
    response = client.post(
        reverse("add_to_cart", args=[shop[101].pk]), headers={"accept": "application/json"}
    )

    assert response.json()["count"] == 1
    assert "White Milk" in response.json()["messages"][0]["text"]


def test_nobody_is_sent_to_another_site(shop, client):
    response = put(client, shop[101], next="https://elsewhere.example/")

    assert response.url == reverse("cart")


def test_more_than_there_is_cannot_be_put_into_the_cart(shop, client):
    Product.objects.filter(pk=shop[101].pk).update(stock=2)

    response = put(client, shop[101], 9, next=reverse("cart"))

    assert in_cart() == {101: 2}
    assert "Only 2" in client.get(response.url).content.decode()


@pytest.mark.parametrize("quantity", ["-4", "many", "1e9", "100", "2.5"])
def test_an_impossible_quantity_changes_nothing(shop, client, quantity):
    put(client, shop[101])

    client.post(reverse("set_cart_line", args=[shop[101].pk]), {"quantity": quantity})

    assert in_cart() == {101: 1}


def test_what_was_in_the_cart_before_signing_in_is_still_there(shop, client):
    household = Household.objects.get(persona="cats")
    Cart.objects.create(user=household.user).lines.create(product=shop[103], quantity=1)
    put(client, shop[103], 2)
    put(client, shop[101])

    client.post(reverse("sign_in_as", args=[household.number]))

    assert in_cart() == {101: 1, 103: 3}
    assert Cart.objects.get().user == household.user


# -- ordering -----------------------------------------------------------------------------------
def test_an_order_takes_the_goods_from_the_stock_and_empties_the_cart(shop, client):
    put(client, shop[101], 3)
    put(client, shop[103])

    response = order(client)

    placed = Order.objects.get(checkout_key__isnull=False)
    assert response.url == reverse("confirmation", args=[placed.pk])
    assert client.get(response.url).status_code == 200
    assert placed.total == 3 * shop[101].price + shop[103].price
    assert Product.objects.get(pk=shop[101].pk).stock == 47
    assert in_cart() == {}


def test_an_order_that_is_sent_twice_is_one_order(shop, client):
    put(client, shop[101])
    key = client.get(reverse("checkout")).context["form"].initial["checkout_key"]

    first = client.post(reverse("checkout"), {**ADDRESS, "checkout_key": key})
    second = client.post(reverse("checkout"), {**ADDRESS, "checkout_key": key})

    assert Order.objects.filter(checkout_key__isnull=False).count() == 1
    assert first.url == second.url
    assert Product.objects.get(pk=shop[101].pk).stock == 49


def test_forged_prices_are_not_even_read(shop, client):
    put(client, shop[105], price="0.01", total="0.01")

    order(client, price="0.01", total="0.01", discount="99", coupon_code="FREE")

    placed = Order.objects.get(checkout_key__isnull=False)
    assert placed.total == shop[105].price
    assert placed.discount == 0


def test_nothing_is_ordered_when_one_product_has_sold_out_meanwhile(shop, client):
    put(client, shop[101])
    put(client, shop[103], 5)
    Product.objects.filter(pk=shop[103].pk).update(stock=4)

    response = order(client)

    assert response.url == reverse("cart")
    assert not Order.objects.filter(checkout_key__isnull=False).exists()
    assert Product.objects.get(pk=shop[101].pk).stock == 50
    assert in_cart() == {101: 1, 103: 5}


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("email", "ada"), ("street", ""), ("postcode", "??"), ("city", "")],
)
def test_an_incomplete_address_is_shown_again_with_the_field_marked(shop, client, field, value):
    put(client, shop[101])

    response = order(client, **{field: value})

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert f'id="error-{field}"' in response.content.decode()
    assert not Order.objects.filter(checkout_key__isnull=False).exists()


def test_a_declined_payment_orders_nothing(shop, client):
    put(client, shop[101])

    assert order(client, payment="declined").status_code == 422
    assert in_cart() == {101: 1}
    assert Product.objects.get(pk=shop[101].pk).stock == 50


def test_an_empty_cart_cannot_be_ordered(shop, client):
    assert client.get(reverse("checkout")).url == reverse("cart")
    response = client.post(reverse("checkout"), {**ADDRESS, "checkout_key": uuid.uuid4()})
    assert response.url == reverse("cart")


def test_a_coupon_takes_money_off_once_for_whom_it_was_sent_to(shop, client):
    coupon = Coupon.objects.get(campaign__number=1)
    coupon.amount = Decimal("0.50")
    coupon.save()
    for number, total in ((1, shop[108].price - coupon.amount), (1, None), (3, None)):
        sign_in(client, number)
        put(client, shop[108])
        response = order(client, coupon=coupon.code)
        if total is None:
            assert "coupon" in response.context["form"].errors
        else:
            assert Order.objects.get(checkout_key__isnull=False).total == total


def test_a_coupon_that_is_over_or_for_something_else_does_not_count(shop, client):
    coupon = Coupon.objects.get(campaign__number=1)
    sign_in(client, 1)
    put(client, shop[101])
    assert "coupon" in order(client, coupon=coupon.code).context["form"].errors

    put(client, shop[108])
    coupon.campaign.ends_at = timezone.now() - timedelta(minutes=1)
    coupon.campaign.save()
    assert "coupon" in order(client, coupon=coupon.code).context["form"].errors


# -- the account ----------------------------------------------------------------------------------
def test_an_order_can_be_cancelled_once_and_the_goods_come_back(shop, client):
    sign_in(client, 3)
    put(client, shop[101], 4)
    order(client)
    placed = Order.objects.get(checkout_key__isnull=False)

    for _ in range(2):
        client.post(reverse("cancel_order", args=[placed.pk]))

    placed.refresh_from_db()
    assert placed.status == Order.Status.CANCELLED
    assert Product.objects.get(pk=shop[101].pk).stock == 50


def test_nobody_sees_the_orders_of_others(shop, client):
    others = Order.objects.filter(user__household__number=4).first()
    sign_in(client, 3)

    assert client.get(reverse("order", args=[others.pk])).status_code == 404
    assert client.get(reverse("confirmation", args=[others.pk])).status_code == 404
    assert client.post(reverse("cancel_order", args=[others.pk])).status_code == 404


def test_only_households_that_are_shown_can_be_picked(shop, client):
    hidden = Household.objects.filter(persona="").first()

    assert client.post(reverse("sign_in_as", args=[hidden.number])).status_code == 404
    assert client.get(reverse("account")).status_code == 302


def test_a_wrong_password_is_told_and_a_right_one_lets_in(shop, client):
    wrong = client.post(reverse("sign_in"), {"username": "household-3", "password": "no"})
    right = client.post(reverse("sign_in"), {"username": "household-3", "password": "fennel"})

    assert wrong.status_code == 422
    assert "alert" in wrong.content.decode()
    assert right.url == reverse("home")
    assert client.get(reverse("account")).context["orders"].paginator.count > 5
