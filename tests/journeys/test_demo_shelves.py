"""The shelves of the demonstration shop follow what its visitors do."""

from __future__ import annotations

import pytest
from django.urls import reverse

from engagement.models import Event, EventName
from shop_demo.models import Household, Order
from tests.journeys import source
from tests.journeys.test_demo_shop import ADDRESS, put
from tests.web.shelves import shelves

pytestmark = pytest.mark.django_db(transaction=True)


def numbers(shop, response, placement):
    """Return the article numbers on a shelf of a page, in their order."""
    shelf = shelves(response).get(placement)
    by_key = {str(product.pk): number for number, product in shop.items()}
    return [by_key[key] for key in shelf.keys] if shelf else []


def home(client):
    return client.get(reverse("home"))


def page(client, product):
    return client.get(reverse("product", args=[product.pk]))


def sign_in_as(client, persona):
    household = Household.objects.get(persona=persona)
    client.post(reverse("sign_in_as", args=[household.number]))
    return household


def buy(client, *products):
    for product in products:
        put(client, product)
    key = client.get(reverse("checkout")).context["form"].initial["checkout_key"]
    return client.post(reverse("checkout"), {**ADDRESS, "checkout_key": key})


def test_a_shop_without_models_shows_best_sellers_and_never_an_error(shop, client):
    for address in (reverse("home"), reverse("product", args=[shop[101].pk]), reverse("cart")):
        assert client.get(address).status_code == 200


def test_a_visitor_who_has_done_nothing_sees_what_is_popular(learnt, client):
    assert numbers(learnt, home(client), "home.trending")
    assert numbers(learnt, home(client), "home.recently_viewed") == []


def test_the_very_next_page_knows_what_an_anonymous_visitor_looked_at(learnt, client):
    before = numbers(learnt, home(client), "home.for_you")

    page(client, learnt[103])

    assert numbers(learnt, home(client), "home.recently_viewed") == [103]
    after = numbers(learnt, home(client), "home.for_you")
    assert after != before
    assert after[0] in source.TASTES["cats"]


def test_signing_in_makes_the_shelves_those_of_the_household(learnt, client):
    nobody = numbers(learnt, home(client), "home.for_you")
    sign_in_as(client, "cats")
    cats = home(client)
    client.post(reverse("sign_out"))
    sign_in_as(client, "baby")
    baby = home(client)

    assert set(numbers(learnt, cats, "home.buy_again")) <= {*source.TASTES["cats"], 102}
    assert set(numbers(learnt, baby, "home.buy_again")) <= {*source.TASTES["baby"], 102}
    assert numbers(learnt, cats, "home.buy_again")
    assert numbers(learnt, cats, "home.for_you") != nobody


def test_a_product_page_shows_what_is_bought_with_it(learnt, client):
    together = numbers(learnt, page(client, learnt[108]), "product.bought_together")
    similar = numbers(learnt, page(client, learnt[103]), "product.similar")

    assert together[0] in source.TASTES["pasta"]
    assert 108 not in together
    assert 103 not in similar


def test_the_shelf_of_the_cart_follows_the_cart(learnt, client):
    put(client, learnt[106])
    first = numbers(learnt, client.get(reverse("cart")), "cart.complete_the_set")
    client.post(reverse("set_cart_line", args=[learnt[106].pk]), {"quantity": 0})
    put(client, learnt[108])
    second = numbers(learnt, client.get(reverse("cart")), "cart.complete_the_set")

    assert first[0] in source.TASTES["baby"]
    assert second[0] in source.TASTES["pasta"]
    assert 106 not in first
    assert 108 not in second


def test_what_was_bought_a_moment_ago_can_be_bought_again(learnt, client):
    sign_in_as(client, "cats")
    assert 109 not in numbers(learnt, home(client), "home.buy_again")

    buy(client, learnt[109])

    assert 109 in numbers(learnt, home(client), "home.buy_again")


def test_a_cancelled_order_was_not_bought(learnt, client):
    sign_in_as(client, "cats")
    buy(client, learnt[109])
    order = Order.objects.get(checkout_key__isnull=False)

    client.post(reverse("cancel_order", args=[order.pk]))

    assert 109 not in numbers(learnt, home(client), "home.buy_again")


def test_a_search_that_finds_nothing_still_offers_something(learnt, client):
    response = client.get(reverse("search") + "?q=unicorn")

    assert numbers(learnt, response, "search.no_results")


def test_what_has_sold_out_is_on_no_shelf_at_once(learnt, client):
    product = learnt[109]
    assert 109 in numbers(learnt, page(client, learnt[108]), "product.bought_together")

    product.stock = 0
    product.save()

    assert 109 not in numbers(learnt, page(client, learnt[108]), "product.bought_together")


def test_shelves_look_like_the_shop_and_say_why(learnt, client):
    sign_in_as(client, "cats")

    html = home(client).content.decode()

    assert 'class="card tint-' in html
    assert "engagement-card" not in html
    assert 'class="card__reason"' in html
    assert reverse("add_to_cart", args=[learnt[101].pk]) in html


def test_everything_that_happens_is_told_once(shop, client):
    page(client, shop[108])
    client.get(reverse("search") + "?q=milk")
    put(client, shop[108], 2)
    client.get(reverse("cart"))
    buy(client, shop[101])

    told = Event.objects.order_by("event_time", "pk")
    assert [EventName(event.event).code for event in told] == [
        "view_item",
        "search",
        "add_to_cart",
        "view_cart",
        "add_to_cart",
        "begin_checkout",
        "purchase",
        "purchase",
    ]
    assert told.get(event=EventName.SEARCH).query == "milk"
    assert told.filter(event=EventName.ADD_TO_CART).first().quantity == 2
    placed = Order.objects.get(checkout_key__isnull=False)
    bought = told.filter(event=EventName.PURCHASE)
    assert {event.order_ref for event in bought} == {placed.number}
    assert sum(event.value for event in bought) == placed.total


def test_nothing_is_told_of_somebody_who_declined(shop, client):
    client.post(reverse("engagement:consent"), {"consent": "no"})

    page(client, shop[108])
    put(client, shop[108])

    assert not Event.objects.exists()


def test_an_order_that_is_filled_in_from_the_past_too_counts_once(learnt, seeding, client):
    sign_in_as(client, "cats")
    buy(client, learnt[109])
    before = Event.objects.filter(event=EventName.PURCHASE).count()

    seeding.events()

    assert Event.objects.filter(event=EventName.PURCHASE).count() == before


def test_a_page_of_shelves_asks_the_database_little(learnt, client, django_assert_max_num_queries):
    sign_in_as(client, "cats")
    home(client)

    with django_assert_max_num_queries(12):
        home(client)
